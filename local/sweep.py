"""What DynamoDB's TTL does: delete items whose time is over, by the stack's own clock."""

import threading
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.engine import Engine

_PAGE = 500
_PAUSE_PER_COST = 20
_IDLE_S = 60.0
_LEAST_PAUSE_S = 1.0


def sweep(engine: Engine, tables: Iterable[tuple[str, str]], now: datetime) -> int:
    """Delete what is over at `now` from these (table, attribute of epoch seconds); how many items."""
    return sum(_sweep_table(engine.client("dynamodb"), name, attribute, now) for name, attribute in tables)


def _sweep_table(dynamodb: Any, name: str, attribute: str, now: datetime) -> int:
    """Page by page, each deletion only while the item is still over: it may be written anew meanwhile."""
    expired = {
        "ExpressionAttributeNames": {"#at": attribute},
        "ExpressionAttributeValues": {":now": {"N": str(int(now.timestamp()))}},
    }
    swept = 0
    start: dict[str, Any] = {}
    while True:
        page = dynamodb.scan(TableName=name, FilterExpression="#at <= :now", Limit=_PAGE, **expired, **start)
        for item in page["Items"]:
            key = {"pk": item["pk"], "sk": item["sk"]}
            try:
                dynamodb.delete_item(TableName=name, Key=key, ConditionExpression="#at <= :now", **expired)
                swept += 1
            except dynamodb.exceptions.ConditionalCheckFailedException:
                continue
        if "LastEvaluatedKey" not in page:
            return swept
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


class Sweeper:
    """Sweeps soon after the clock was moved, else once a minute; never more than a twentieth of the time."""

    def __init__(
        self, engine: Engine, tables: Iterable[tuple[str, str]], clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._tables = list(tables)
        self._clock = clock
        self._stopping = threading.Event()
        self._moved = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def clock_moved(self) -> None:
        """The clock was set: much may be over now."""
        self._moved.set()

    def stop(self) -> None:
        """End, after a sweep that is under way."""
        self._stopping.set()
        self._moved.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                sweep(self._engine, self._tables, self._clock())
            except (BotoCoreError, ClientError):
                traceback.print_exc()
            cost = time.monotonic() - begun
            self._stopping.wait(max(_LEAST_PAUSE_S, _PAUSE_PER_COST * cost))
            self._moved.wait(_IDLE_S)
            self._moved.clear()
