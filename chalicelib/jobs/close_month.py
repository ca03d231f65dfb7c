"""The close of months, tried daily: a month that can't be closed yet is closed by a later run."""

from dataclasses import asdict
from typing import Any

from chalice import Blueprint, Cron

from chalicelib import bootstrap, observe
from chalicelib.jobs.remaining import has_time
from chalicelib.services.close import close_months

bp = Blueprint("app")


@bp.schedule(Cron(30, 2, "*", "*", "?", "*"), name="close_month")
def close_month(event: Any) -> dict[str, list[dict[str, str]]]:
    """Close every month that is over; answers what was closed, and what stopped the others."""
    closed, stopped = close_months(bootstrap.stores(), bootstrap.now(), has_time(event))
    summary = {
        "closed": [{**asdict(c), "month": str(c.month)} for c in closed],
        "stopped": [{**asdict(s), "month": str(s.month or "")} for s in stopped],
    }
    observe.info("months_closed", closed=len(closed), stopped=len(stopped))
    observe.flush()
    return summary
