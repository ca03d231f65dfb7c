"""What the workers on DynamoDB streams share."""

import os

_NOWHERE = "arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/1970-01-01T00:00:00.000"


def arn_of(table: str) -> str:
    """The stream of a table, which `chalice deploy` reads to subscribe the worker.

    The deploy step sets `{TABLE}_STREAM_ARN` from the stack's outputs; a process that only runs the
    worker needs no such variable.
    """
    return os.environ.get(f"{table.upper()}_STREAM_ARN", _NOWHERE.format(table=table))
