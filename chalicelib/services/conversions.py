"""Reading conversions: lists, and the decision that explains one."""

from dataclasses import dataclass
from typing import Any

from chalicelib.domain.conversion import State
from chalicelib.domain.decision import Decision
from chalicelib.domain.program import Program
from chalicelib.services.rates import decide_now
from chalicelib.storage.conversions import Conversion, Feed, Listed
from chalicelib.storage.stores import Stores

_ORDER = (Feed.QUARANTINED, Feed.DUE, Feed.HELD, Feed.HOLD, Feed.UNATTRIBUTED, Feed.SETTLED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversions a list shows."""

    program: Program
    state: State | None = None
    partner: str | None = None

    def takes(self, listed: Listed) -> bool:
        """Whether the list shows this one."""
        right_state = self.state in {None, listed.state}
        return right_state and (self.partner is None or self.partner in listed.partners)


def explain(stores: Stores, found: Conversion) -> Decision:
    """The decision that the conversion's facts lead to, worked out from them alone."""
    program = stores.catalogue.program(found.facts.report.program)
    return decide_now(stores, program, found.facts)


def involved(stores: Stores, found: Conversion) -> frozenset[str]:
    """The partners who may read its receipt: credited, once credited, or in its path."""
    decision = explain(stores, found)
    in_path = {step.touch.partner for step in decision.path}
    return frozenset(partner for partner in {*found.partners, *in_path} if partner)


def list_page(
    stores: Stores, wanted: Wanted, limit: int, start: dict[str, Any] | None
) -> tuple[list[Listed], dict[str, Any] | None]:
    """Up to `limit` conversions from `start` on, and where the next page starts (None at the end).

    The queue's places are walked one after another, shard by shard, newest first in each. One that moves
    meanwhile is listed once, where it was seen last.
    """
    places = [(feed, shard) for feed in _ORDER for shard in range(wanted.program.shards)]
    place, key = (start["place"], start.get("key")) if start else (0, None)
    found: dict[str, Listed] = {}
    while place < len(places):
        feed, shard = places[place]
        page, key = stores.conversions.list_page(wanted.program.id, shard, feed, limit - len(found), key)
        found |= {listed.id: listed for listed in page if wanted.takes(listed)}
        if key is None:
            place += 1
        if len(found) >= limit:
            break
    at_end = place >= len(places)
    return list(found.values()), None if at_end else {"place": place, **({"key": key} if key else {})}
