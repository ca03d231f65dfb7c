"""The outbox: events that are told, their deliveries, and a list of those that are still on their way.

An event and all its deliveries are written in one transaction, so that an event is told to everybody or not
yet; what the queue loses is found again in the list. In the `counts` table, which has a TTL and no stream.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from chalicelib.domain.outbound import (
    ANNOUNCED_FOR,
    KEPT_FOR,
    Attempt,
    Delivery,
    DeliveryState,
    Event,
    EventType,
)
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, changed, compact
from chalicelib.storage.conditions import ABSENT, equals
from chalicelib.storage.queues import Queue
from chalicelib.storage.table import ConditionFailed, Table, transact

MOST_DELAY_S = 900
"""How long SQS keeps a message back at most."""

MAX_ATTEMPTS_KEPT = 20


class Outbox:
    """Events and deliveries of all programs."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "counts")
        self._queue = Queue(settings.outbound_queue)

    def add_once(self, event: Event, deliveries: Sequence[Delivery]) -> bool:
        """Keep the event with its deliveries; False where it was told before."""
        marker = {
            "pk": f"event#{event.id}",
            "sk": "event",
            "type": event.type,
            "at": format_instant(event.at),
            "expires_at": _seconds(event.at, ANNOUNCED_FOR),
        }
        actions = [self._table.put_action(marker, ABSENT)]
        for delivery in deliveries:
            actions += [self._table.put_action(_item(delivery)), self._table.put_action(_pointer(delivery))]
        try:
            transact(actions)
        except ConditionFailed:
            return False
        return True

    def was_told(self, event_id: str) -> bool:
        """Whether the event was told before."""
        return self._table.find(f"event#{event_id}", "event") is not None

    def find(self, webhook: str, delivery: str, now: datetime) -> Delivery | None:
        """The delivery while it is kept, or None."""
        item = self._table.find(f"webhook#{webhook}", f"delivery#{delivery}")
        return _read(item) if item and item["expires_at"] > int(now.timestamp()) else None

    def page(
        self, webhook: str, limit: int, start: Item | None, now: datetime
    ) -> tuple[list[Delivery], Item | None]:
        """Some deliveries of the webhook, the newest first, and the key to go on from."""
        found = self._table.page(
            "pk",
            "sk",
            f"webhook#{webhook}",
            prefix="delivery#",
            newest_first=True,
            consistent=True,
            limit=limit,
            start=start,
        )
        kept = [item for item in found.items if item["expires_at"] > int(now.timestamp())]
        return [_read(item) for item in kept], found.next_key

    def note(self, before: Delivery, after: Delivery) -> bool:
        """Keep what became of an attempt, and the place in the list; False where others were quicker."""
        stored = _item(after) | {"version": before.version + 1}
        changes, same = changed(_item(before), stored), equals("version", before.version)
        actions = [
            self._table.update_action(stored["pk"], stored["sk"], changes, same),
            self._table.delete_action(*_place(before)),
        ]
        if after.state is DeliveryState.PENDING:
            actions = actions[:1] if _place(before) == _place(after) else actions
            actions.append(self._table.put_action(_pointer(after)))
        try:
            transact(actions)
        except ConditionFailed:
            return False
        return True

    def overdue(self, program: str, until: datetime) -> Iterator[tuple[str, str]]:
        """Deliveries that were due by then, and wait still: webhook and delivery of each."""
        last = f"{format_instant(until)}#\U0010ffff"
        for item in self._table.query(f"outbox#{program}", first="", last=last):
            yield item["webhook"], item["delivery"]

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Hand the delivery to its worker, when it is due or as late as the queue can.

        Raises:
            Unavailable: the queue is away, or there is none; the list still has it.
        """
        wait_s = ceil((delivery.due_at - now).total_seconds())
        message = {"webhook": delivery.webhook, "delivery": delivery.id}
        self._queue.send(message, delay_s=max(0, min(wait_s, MOST_DELAY_S)))


def _seconds(at: datetime, kept: timedelta) -> int:
    return int((at + kept).timestamp())


def _place(delivery: Delivery) -> tuple[str, str]:
    return f"outbox#{delivery.program}", f"{format_instant(delivery.due_at)}#{delivery.id}"


def _pointer(delivery: Delivery) -> Item:
    pk, sk = _place(delivery)
    expires_at = _seconds(delivery.created_at, KEPT_FOR)
    told = {"webhook": delivery.webhook, "delivery": delivery.id}
    return {"pk": pk, "sk": sk, **told, "expires_at": expires_at}


def _item(delivery: Delivery) -> Item:
    record: dict[str, Any] = compact(
        {
            "id": delivery.id,
            "webhook": delivery.webhook,
            "program": delivery.program,
            "event": delivery.event,
            "type": delivery.type,
            "url": delivery.url,
            "body": delivery.body,
            "created_at": format_instant(delivery.created_at),
            "due_at": format_instant(delivery.due_at),
            "state": delivery.state,
            "attempts": [
                [format_instant(one.at), one.status, one.told, one.took_ms]
                for one in delivery.attempts[-MAX_ATTEMPTS_KEPT:]
            ],
        }
    )
    return {
        "pk": f"webhook#{delivery.webhook}",
        "sk": f"delivery#{delivery.id}",
        **record,
        "tried": delivery.tried,
        "version": delivery.version,
        "expires_at": _seconds(delivery.created_at, KEPT_FOR),
    }


def _read(item: Item) -> Delivery:
    return Delivery(
        id=item["id"],
        webhook=item["webhook"],
        program=item["program"],
        event=item["event"],
        type=EventType(item["type"]),
        url=item["url"],
        body=item.get("body", ""),
        created_at=parse_instant(item["created_at"], "created_at"),
        due_at=parse_instant(item["due_at"], "due_at"),
        state=DeliveryState(item["state"]),
        attempts=tuple(
            Attempt(parse_instant(at, "at"), status, told, took_ms)
            for at, status, told, took_ms in item.get("attempts", [])
        ),
        tried=item["tried"],
        version=item["version"],
    )
