"""Counting conversions, revenue and commission, and announcing payouts, from the journal table's stream."""

from typing import Any

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.jobs import counting_batch
from chalicelib.jobs.streams import arn_of
from chalicelib.services import announcing, counting

bp = Blueprint("app")


@bp.on_dynamodb_record(
    stream_arn=arn_of("journal"), name="count_money", batch_size=500, starting_position="TRIM_HORIZON"
)
def count_money(event: Any) -> dict[str, Any]:
    """Count the batch; any failure has it delivered again, and counted no second time."""
    stores, now = bootstrap.stores(), bootstrap.now()
    shard, records = counting_batch.read(event)
    new = [record.item for record in records if record.is_new]
    observe.count("events_announced", announcing.of_entries(stores, new, now))
    counted = counting.count_money(stores, shard, records, now)
    observe.count("entries_counted", counted)
    observe.flush()
    return counting_batch.ANSWER
