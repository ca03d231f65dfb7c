"""Reading conversions: lists, and the decision that explains one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.conversion import State
from chalicelib.domain.decision import LIMIT_CHECK, Decision
from chalicelib.domain.period import Month, format_instant
from chalicelib.domain.program import Program
from chalicelib.services.rates import decide_now
from chalicelib.storage.conversion_queue import Listed
from chalicelib.storage.conversion_records import Conversion, Feed
from chalicelib.storage.stores import Stores

_ORDER = (Feed.QUARANTINED, Feed.DUE, Feed.UNATTRIBUTED, Feed.HELD, Feed.HOLD, Feed.SETTLED, Feed.DUE)
"""Places as conversions move through them, so that one that moves on is met again rather than missed.

Those that went back to be decided again are met at the end, where what is due stands once more.
"""


_NEVER = "9999"
"""Later than any place in the queue."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversions a list shows.

    Those that occurred from `since` until before `until`, and whose order's id has `order` in it.
    """

    program: Program
    state: State | None = None
    partner: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    order: str = ""

    def takes(self, listed: Listed) -> bool:
        """Whether the list shows this one."""
        at = listed.report.occurred_at
        return (
            self.state in {None, listed.state}
            and (self.partner is None or self.partner in listed.partners)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and self.order.casefold() in listed.report.order_id.casefold()
        )


def explain(stores: Stores, found: Conversion) -> Decision:
    """The decision that the conversion's facts lead to, worked out from them alone."""
    program = stores.catalogue.program(found.facts.report.program)
    return decide_now(stores, program, found.facts)


def involved(stores: Stores, found: Conversion) -> frozenset[str]:
    """The partners who may read its receipt: credited, once credited, or in its path.

    So may the owner of a promo code that was told past its limit.
    """
    decision = explain(stores, found)
    in_path = {step.touch.partner for step in decision.path}
    if found.facts.coupon and any(check.name == LIMIT_CHECK for check in decision.checks):
        in_path.add(found.facts.coupon.partner)
    return frozenset(partner for partner in {*found.partners, *in_path} if partner)


def occurred_in(stores: Stores, program: Program, first: Month, last: Month) -> Iterator[Conversion]:
    """Every conversion that occurred in these months, both included, once, wherever it is queued."""
    seen: set[str] = set()
    earliest = first.previous().start(program.timezone)
    for shard in range(program.shards):
        for feed in Feed:
            for listed in stores.conversion_queue.in_feed(program.id, shard, feed):
                # What confirmed an order may tell another time than the report by which it is listed.
                if listed.id in seen or listed.report.occurred_at < earliest:
                    continue
                found = stores.conversions.find(listed.id)
                if found and first <= Month.of(found.facts.effective.occurred_at, program.timezone) <= last:
                    seen.add(listed.id)
                    yield found


def list_page(
    stores: Stores,
    wanted: Wanted,
    limit: int,
    start: dict[str, Any] | None,
    now: datetime | None = None,
) -> tuple[list[Listed], dict[str, Any] | None]:
    """Up to `limit` conversions from `start` on, and where the next page starts (None at the end).

    The queue's places are walked one after another, shard by shard, newest first in each. One that moves
    meanwhile is never missed; it may come on a later page once more, as it then stands. At the end only
    what became due since the walk began (`now` of its first page) is looked at.
    """
    shards = wanted.program.shards
    places = [(feed, shard) for feed in _ORDER for shard in range(shards)]
    began: str = start["began"] if start else format_instant(now) if now else _NEVER
    place, key = (start["place"], start.get("key")) if start else (0, None)
    found: dict[str, Listed] = {}
    while place < len(places) and len(found) < limit:
        feed, shard = places[place]
        is_last_look = place >= len(places) - shards
        page, key = stores.conversion_queue.list_page(
            wanted.program.id, shard, feed, limit - len(found), key, after=began if is_last_look else None
        )
        found |= {listed.id: listed for listed in page if wanted.takes(listed)}
        if key is None:
            place += 1
    if place >= len(places):
        return list(found.values()), None
    return list(found.values()), {"place": place, "began": began, **({"key": key} if key else {})}
