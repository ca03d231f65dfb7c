"""The audit log in the `catalogue` table, one partition a program: appended to, never changed.

A store that makes an administrative change puts one more action into its transaction:

    transact([self._table.put_action(item), self._trail.action(Change("rule", name, program, old, new))])

Who acts is said once, where a request, job or command begins (`acting`), and not passed through every call.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain import ids
from chalicelib.domain.audit import Actor, Change, Record, as_logged
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import ABSENT
from chalicelib.storage.table import Table

_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Let changes inside be this actor's."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def acting_name() -> str:
    """Who acts, by the name that the log knows; empty where nobody was said to."""
    actor = _actor.get()
    return actor.name if actor else ""


class Trail:
    """Records of administrative changes."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")

    def action(self, change: Change) -> dict[str, Any]:
        """What records the change, for the transaction that makes it."""
        actor = _actor.get() or Actor("system", datetime.now(UTC))
        logged = as_logged(change)
        record_id = ids.from_bytes("aud", secrets.token_bytes(10))
        item = {
            "pk": _key(change.program),
            # The real time orders what happened at one instant of a request, or of a clock that stands still.
            "sk": f"{format_instant(actor.at)}#{time.time_ns():016x}#{record_id}",
            "id": record_id,
            "actor": actor.name,
            "what": logged.what,
            "name": logged.name,
            "program": logged.program,
        }
        values = {"before": logged.before, "after": logged.after}
        given = {name: dict(value) for name, value in values.items() if value is not None}
        return self._table.put_action(compact(item) | given, ABSENT)

    def page(
        self,
        program: str | None,
        since: datetime | None,
        until: datetime | None,
        limit: int,
        start: Item | None,
    ) -> tuple[list[Record], Item | None]:
        """Some records from `since` to before `until`, newest first, and the key to go on from."""
        page = self._table.page(
            "pk",
            "sk",
            _key(program),
            first=format_instant(since) if since else None,
            last=format_instant(until) if until else None,
            newest_first=True,
            consistent=True,
            limit=limit,
            start=start,
        )
        return [_read(item) for item in page.items], page.next_key


def _key(program: str | None) -> str:
    return f"audit#{program or ''}"


def _read(item: Item) -> Record:
    change = Change(item["what"], item["name"], item.get("program"), item.get("before"), item.get("after"))
    return Record(item["id"], parse_instant(item["sk"].split("#")[0], "at"), item["actor"], change)
