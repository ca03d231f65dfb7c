"""The deployed application: its routes and its jobs, which Lambda finds here by name."""

import os
from importlib import import_module
from typing import Any

from chalicelib.routes import redirect
from chalicelib.routes.application import Application

ROUTES = (
    "qr",
    "pixel",
    "tag",
    "collect",
    "postback",
    "hooks",
    "track",
    "programs",
    "terms",
    "rates",
    "fraud",
    "reviews",
    "partners",
    "applications",
    "coupons",
    "links",
    "clicks",
    "conversions",
    "adjustments",
    "identities",
    "erasures",
    "stats",
    "tracking_review",
    "setup",
    "doctor",
    "webhooks",
    "ledgers",
    "reconciliations",
    "simulations",
    "reports",
    "jobs",
    "payouts",
    "entries",
    "keys",
    "audit",
    "openapi",
    "reference",
)
PAGES = (
    *(
        "static",
        "signing",
        "overview",
        "links",
        "sales",
        "money",
        "rules",
        "missing",
        "postbacks",
        "settings",
        "applying",
    ),
    "console_home",
    "console_partners",
    "console_requests",
    "console_links",
    "console_conversions",
    "console_jobs",
    "console_orders",
    "console_ledgers",
    "console_reports",
    "console_terms",
    "console_review",
    "console_fraud",
    "console_setup",
    "console_access",
    "console_webhooks",
)
JOBS = (
    "reconcile",
    "close_month",
    "settle",
    "count_clicks",
    "count_money",
    "run_job",
    "settle_shard",
    "deliver",
)

# API Gateway's metrics go by this name, so each stage needs its own; Chalice sets the variable as it deploys.
app = Application(os.environ.get("TABLE_PREFIX", "linkledger"))
app.register_blueprint(redirect.bp)
app.register_when_needed(f"chalicelib.routes.{name}" for name in ROUTES)
app.register_when_needed(f"chalicelib.portal.{name}" for name in PAGES)
app.register_outside_lambda(f"chalicelib.jobs.{name}" for name in JOBS)


def __getattr__(name: str) -> Any:
    """The job of that name, imported where it is looked for: Lambda asks for `app.settle` and the like."""
    if name in JOBS:
        return getattr(import_module(f"chalicelib.jobs.{name}"), name)
    raise AttributeError(name)
