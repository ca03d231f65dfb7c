"""The `clicks` table: one item a hit, without index, under 1 KB, gone after its window.

Names of attributes are stored with every click, so they are one letter; `_ATTRIBUTES` is their key.
"""

from collections import deque
from datetime import datetime
from typing import Any

from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item
from chalicelib.storage.conditions import PRESENT, equals
from chalicelib.storage.table import Table

MAX_JOURNEY = 500
"""The newest clicks of a visitor that a journey holds; older ones are not considered."""

MAX_WAITING = 1000
"""Spilled clicks that a process remembers; the log has them all."""

_ATTRIBUTES = {
    "link_id": "l",
    "code": "o",
    "partner": "p",
    "verdict": "v",
    "reason": "r",
    "token": "t",
    "channel": "h",
    "campaign": "m",
    "country": "c",
    "device": "d",
    "referrer": "f",
    "origin": "u",
    "sub": "s",
    "flags": "g",
}
_LATE = "z"
_REPEAT = "q"
_REVISED_FROM = "w"


class Clicks:
    """Click sessions of all programs. `waiting` are those that this process could not write so far."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "clicks")
        self.waiting: deque[Item] = deque(maxlen=MAX_WAITING)

    def put(self, click: Click, expires_at: datetime) -> None:
        """Write the click; writing the same one again changes nothing."""
        self._table.put(to_item(click, expires_at))

    def put_once(self, click: Click, expires_at: datetime) -> bool:
        """Write the click where no row has its key; False where one has."""
        return self._table.put_once(to_item(click, expires_at))

    def put_item(self, item: Item) -> None:
        """Write a click in the form that `to_item` gave it."""
        self._table.put(item)

    def put_late_once(self, item: Item) -> bool:
        """Write a click in the form that `to_item` gave it, where no row has its key; False where one has.

        It is marked as late: an order may have come before it.
        """
        return self._table.put_once(item | {_LATE: True})

    def find(self, program: str, visitor: str, at: datetime, nonce: str, now: datetime) -> Click | None:
        """The click with this key, whatever its verdict; None where it is not there or has expired."""
        item = self._table.find(_pk(program, visitor), f"{format_instant(at)}#{nonce}")
        return of_item(item) if item and not _is_expired(item, now) else None

    def journey(
        self, program: str, visitor: str, since: datetime, until: datetime, now: datetime
    ) -> list[Click]:
        """The visitor's clicks from `since` to `until`, both included, oldest first, whatever their verdict.

        One consistent query; the newest `MAX_JOURNEY`; what has expired by `now` is left out, deleted or not.
        """
        page = self._table.page(
            "pk",
            "sk",
            _pk(program, visitor),
            first=format_instant(since),
            last=f"{format_instant(until)}#~",
            newest_first=True,
            consistent=True,
            limit=MAX_JOURNEY,
        )
        return [of_item(item) for item in reversed(page.items) if not _is_expired(item, now)]

    def every(self, program: str, visitor: str) -> list[Click]:
        """All clicks of the visitor that are still there, oldest first, whether expired or not."""
        return [of_item(item) for item in self._table.query(_pk(program, visitor))]

    def remove(self, click: Click) -> None:
        """Delete the click, if it is there; it stays counted."""
        self._table.delete(_pk(click.program, click.visitor), f"{format_instant(click.at)}#{click.nonce}")

    def mark_repeat(self, click: Click) -> None:
        """Mark the click as a quick repeat of an earlier one; it goes on counting."""
        pk, sk = _pk(click.program, click.visitor), f"{format_instant(click.at)}#{click.nonce}"
        self._table.update(pk, sk, {_REPEAT: True, _REVISED_FROM: None}, PRESENT)

    def revise(self, click: Click, verdict: Verdict, reason: str) -> None:
        """Give the click another verdict, and keep the last one beside it, so that its counts can follow.

        Raises:
            ConditionFailed: it is gone, or has another verdict by now.
        """
        pk, sk = _pk(click.program, click.visitor), f"{format_instant(click.at)}#{click.nonce}"
        changes = {
            _ATTRIBUTES["verdict"]: str(verdict),
            _ATTRIBUTES["reason"]: reason,
            _REVISED_FROM: str(click.verdict),
        }
        self._table.update(pk, sk, changes, equals(_ATTRIBUTES["verdict"], str(click.verdict)))


def to_item(click: Click, expires_at: datetime) -> Item:
    """The click's item. Empty attributes are left out."""
    item: Item = {"pk": _pk(click.program, click.visitor), "sk": f"{format_instant(click.at)}#{click.nonce}"}
    for name, short in _ATTRIBUTES.items():
        value: Any = getattr(click, name)
        if value:
            item[short] = value
    item["expires_at"] = int(expires_at.timestamp())
    return item


def of_item(item: Item) -> Click:
    """The click that an item holds."""
    program, visitor = item["pk"].split("#")
    at, nonce = item["sk"].split("#")
    values = {name: item[short] for name, short in _ATTRIBUTES.items() if short in item}
    values["verdict"] = Verdict(values["verdict"])
    values["flags"] = tuple(values.get("flags", ()))
    return Click(
        program=program,
        visitor=visitor,
        at=parse_instant(at, "at"),
        nonce=nonce,
        **{"partner": "", "link_id": "", "code": ""} | values,
    )


def revised_from(item: Item) -> Verdict | None:
    """The verdict that the last revision of this click replaced; None where the last change was none."""
    return Verdict(item[_REVISED_FROM]) if _REVISED_FROM in item else None


def came_late(item: Item) -> bool:
    """Whether the click was written after its moment, because storage was away or its row was lost."""
    return bool(item.get(_LATE)) or "restored" in item.get(_ATTRIBUTES["flags"], ())


def is_repeat(item: Item) -> bool:
    """Whether the click is marked as a quick repeat."""
    return bool(item.get(_REPEAT))


def _pk(program: str, visitor: str) -> str:
    return f"{program}#{visitor}"


def _is_expired(item: Item, now: datetime) -> bool:
    return int(item["expires_at"]) <= int(now.timestamp())
