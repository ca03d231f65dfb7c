"""The uses of promo codes with a limit, in the order of their orders' times.

They lie beside the conversions, each written against its conversion's version, and are read consistently.
What gave its place up keeps its item, which then says when: nothing is deleted here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.coupon_use import Use
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.table import Table


@dataclass(frozen=True, slots=True)
class Marked:
    """A use as its conversion last noted it: `counts` says whether it was within its limit then."""

    use: Use
    counts: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place among a code's uses; `marked` is None where it was given up, at `told_at` at the latest."""

    conversion: str
    marked: Marked | None
    told_at: datetime


class Uses:
    """The uses of promo codes, in the conversions table."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "conversions")

    def actions(
        self, program: str, conversion: str, before: Marked | None, after: Marked | None, told_at: datetime
    ) -> list[dict[str, Any]]:
        """What moves the conversion from one place to another, for a transaction."""
        actions = []
        if before and (after is None or _place(before.use) != _place(after.use)):
            left: dict[str, object] = {"limit": None, "counts": None, "told_at": format_instant(told_at)}
            actions.append(self._action(program, conversion, before.use, left))
        if after:
            taken: dict[str, object] = {"limit": after.use.limit, "counts": after.counts}
            if before is None or before.use != after.use:
                taken["told_at"] = format_instant(told_at)
            actions.append(self._action(program, conversion, after.use, taken))
        return actions

    def before(self, program: str, use: Use, conversion: str) -> Iterator[Place]:
        """The places that go before this one, the first one first."""
        for place in self._places(program, use.code, last=_sort_key(use.occurred_at, conversion)):
            if place.conversion != conversion:
                yield place

    def all_of(self, program: str, code: str, since: datetime | None = None) -> Iterator[Place]:
        """The code's places, the first one first; those of orders that occurred from `since` on."""
        first = f"use#{format_instant(since)}" if since else "use#"
        return self._places(program, code, first=first)

    def _places(
        self, program: str, code: str, first: str = "use#", last: str = "use#\U0010ffff"
    ) -> Iterator[Place]:
        for item in self._table.query(_pk(program, code), first=first, last=last):
            at, conversion = item["sk"].split("#")[1:]
            use = Use(code, parse_instant(at, "at"), item.get("limit", 0))
            marked = Marked(use, item["counts"]) if "limit" in item else None
            yield Place(conversion, marked, parse_instant(item["told_at"], "told_at"))

    def _action(self, program: str, conversion: str, use: Use, changes: dict[str, object]) -> dict[str, Any]:
        key = _sort_key(use.occurred_at, conversion)
        return self._table.update_action(_pk(program, use.code), key, changes)


def _place(use: Use) -> tuple[str, datetime]:
    return use.code, use.occurred_at


def _pk(program: str, code: str) -> str:
    return f"coupon#{program}#{code}"


def _sort_key(at: datetime, conversion: str) -> str:
    return f"use#{format_instant(at)}#{conversion}"
