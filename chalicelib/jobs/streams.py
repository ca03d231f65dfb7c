"""What the workers on DynamoDB streams share."""

import os
from collections.abc import Iterator
from typing import Any

from chalicelib.storage.codec import Item, decode_item

_NOWHERE = "arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/1970-01-01T00:00:00.000"


def arn_of(table: str) -> str:
    """The stream of a table, which `chalice deploy` reads to subscribe the worker.

    The deploy step sets `{TABLE}_STREAM_ARN` from the stack's outputs; a process that only runs the
    worker needs no such variable.
    """
    return os.environ.get(f"{table.upper()}_STREAM_ARN", _NOWHERE.format(table=table))


def new_items(event: Any) -> Iterator[Item]:
    """The new images of a batch, decoded, in their order."""
    for record in event.to_dict()["Records"]:
        image = record["dynamodb"].get("NewImage")
        if image:
            yield decode_item(image)
