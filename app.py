"""The deployed application: its routes and its jobs, which Lambda finds here by name."""

from chalicelib.jobs import close_month as close_month_job
from chalicelib.jobs import count_clicks as count_clicks_job
from chalicelib.jobs import count_money as count_money_job
from chalicelib.jobs import reconcile as reconcile_job
from chalicelib.jobs import settle as settle_job
from chalicelib.jobs.close_month import close_month
from chalicelib.jobs.count_clicks import count_clicks
from chalicelib.jobs.count_money import count_money
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
    links,
    openapi,
    partners,
    pixel,
    postback,
    programs,
    qr,
    redirect,
    stats,
    tag,
)
from chalicelib.routes.application import Application

__all__ = ["app", "close_month", "count_clicks", "count_money", "reconcile", "settle"]

app = Application("linkledger")

_ROUTES = (
    redirect,
    qr,
    pixel,
    tag,
    collect,
    postback,
    hooks,
    programs,
    partners,
    coupons,
    links,
    conversions,
    identities,
    stats,
    ledgers,
    keys,
    openapi,
)
_JOBS = (reconcile_job, close_month_job, settle_job, count_clicks_job, count_money_job)

for module in (*_ROUTES, *_JOBS):
    app.register_blueprint(module.bp)
