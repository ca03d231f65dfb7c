"""A batch of a stream as the counters take it."""

from typing import Any

from chalicelib.services.counting import Record
from chalicelib.storage.codec import decode_item

ANSWER: dict[str, Any] = {"state": {}, "batchItemFailures": []}
"""What Lambda wants of a function with a tumbling window: a state, though none is kept there."""


def read(event: Any) -> tuple[str | None, list[Record]]:
    """The shard (None where Lambda does not name it) and the records that have an image."""
    given = event.to_dict()
    records = [
        Record(
            record["dynamodb"]["SequenceNumber"],
            record["eventName"] == "INSERT",
            decode_item(record["dynamodb"]["NewImage"]),
        )
        for record in given.get("Records", [])
        if record["dynamodb"].get("NewImage")
    ]
    return given.get("shardId"), records
