"""The hourly reconcile."""

from typing import Any

from chalice import Blueprint, Rate

from chalicelib import bootstrap, observe
from chalicelib.jobs.remaining import has_time
from chalicelib.services import announcing, operating
from chalicelib.services.reconcile import reconcile as run_pass

bp = Blueprint("app")


@bp.schedule(Rate(1, unit=Rate.HOURS), name="reconcile")
def reconcile(event: Any) -> dict[str, int]:
    """Settle what is due, release what is over, refresh the drafts; answers the counts."""
    stores, now = bootstrap.stores(), bootstrap.now()
    summary = run_pass(stores, now, has_time(event)).as_dict()
    operating.note_reconcile(stores, now)
    observe.count("deliveries_sent_again", announcing.send_lost(stores, now))
    observe.info("reconciled", **summary)
    observe.flush()
    return summary
