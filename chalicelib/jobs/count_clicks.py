"""Counting clicks, from the clicks table's stream."""

from typing import Any

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.jobs import counting_batch
from chalicelib.jobs.streams import arn_of
from chalicelib.services import counting, late_clicks

bp = Blueprint("app")


@bp.on_dynamodb_record(
    stream_arn=arn_of("clicks"), name="count_clicks", batch_size=500, starting_position="TRIM_HORIZON"
)
def count_clicks(event: Any) -> dict[str, Any]:
    """Count the batch, and look again at orders that came before a click of it was written.

    Any failure has it delivered again, and counted no second time.
    """
    shard, records = counting_batch.read(event)
    stores, now = bootstrap.stores(), bootstrap.now()
    late_clicks.take_up(stores, (record.item for record in records if record.is_new), now)
    counted = counting.count_clicks(stores, shard, records, now)
    observe.count("clicks_counted", counted)
    observe.flush()
    return counting_batch.ANSWER
