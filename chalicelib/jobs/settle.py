"""Settling conversions as they change, from the conversions table's stream.

The hourly reconcile would find them too: this makes balances and reports fresh within seconds.
"""

from typing import Any

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.domain.errors import Unavailable
from chalicelib.jobs.streams import arn_of, new_items
from chalicelib.services.settle import Rules, rules_of, settle_conversion
from chalicelib.storage.conversions import Feed

bp = Blueprint("app")


@bp.on_dynamodb_record(
    stream_arn=arn_of("conversions"), name="settle", batch_size=100, starting_position="TRIM_HORIZON"
)
def settle(event: Any) -> None:
    """Settle each conversion of the batch that is due; one that can't be is left to reconcile."""
    stores, now = bootstrap.stores(), bootstrap.now()
    rules: dict[str, Rules] = {}
    for item in new_items(event):
        feed = item.get("feed", "")
        if item.get("sk") != "conversion" or not feed.endswith(f"#{Feed.DUE}"):
            continue
        program = item["report"]["program"]
        try:
            rules[program] = rules.get(program) or rules_of(stores, program)
            settle_conversion(stores, rules[program], item["pk"], now)
        except Unavailable:
            observe.count("settlement_postponed")
        except Exception:
            observe.error("settlement_failed", conversion=item["pk"])
            observe.count("settlement_failed")
    observe.flush()
