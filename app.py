"""The deployed application: its routes and its jobs, which Lambda finds here by name."""

from chalicelib.jobs import close_month as close_month_job
from chalicelib.jobs import reconcile as reconcile_job
from chalicelib.jobs import settle as settle_job
from chalicelib.jobs.close_month import close_month
from chalicelib.jobs.reconcile import reconcile
from chalicelib.jobs.settle import settle
from chalicelib.routes import (
    collect,
    conversions,
    coupons,
    hooks,
    identities,
    keys,
    ledgers,
    openapi,
    partners,
    pixel,
    postback,
    programs,
    redirect,
    tag,
)
from chalicelib.routes.application import Application

__all__ = ["app", "close_month", "reconcile", "settle"]

app = Application("linkledger")

_ROUTES = (
    redirect,
    pixel,
    tag,
    collect,
    postback,
    hooks,
    programs,
    partners,
    coupons,
    conversions,
    identities,
    ledgers,
    keys,
    openapi,
)
_JOBS = (reconcile_job, close_month_job, settle_job)

for module in (*_ROUTES, *_JOBS):
    app.register_blueprint(module.bp)
