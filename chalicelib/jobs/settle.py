"""Settling conversions as they change, from the conversions table's stream, and counting what delivered them.

The hourly reconcile would find them too: this makes balances and reports fresh within seconds.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.domain.errors import Unavailable
from chalicelib.jobs import counting_batch
from chalicelib.jobs.streams import arn_of
from chalicelib.services import announcing, counting
from chalicelib.services.settle import Rules, rules_of, settle_conversion
from chalicelib.storage.codec import Item
from chalicelib.storage.conversion_records import Feed
from chalicelib.storage.stores import Stores

bp = Blueprint("app")


@bp.on_dynamodb_record(
    stream_arn=arn_of("conversions"), name="settle", batch_size=100, starting_position="TRIM_HORIZON"
)
def settle(event: Any) -> dict[str, Any]:
    """Settle each conversion of the batch that is due; one that can't be is left to reconcile.

    Only a failure to count or announce has the batch delivered again; nothing is done a second time.
    """
    stores, now = bootstrap.stores(), bootstrap.now()
    shard, records = counting_batch.read(event)
    _settle_due(stores, [record.item for record in records], now)
    told = [(record.is_new, record.item) for record in records]
    observe.count("events_announced", announcing.of_conversions(stores, told, now))
    observe.count("deliveries_counted", counting.count_deliveries(stores, shard, records, now))
    observe.flush()
    return counting_batch.ANSWER


def _settle_due(stores: Stores, items: Iterable[Item], now: datetime) -> None:
    rules: dict[str, Rules] = {}
    for item in items:
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
