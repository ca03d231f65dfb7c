"""How often a promo code with a limit was used before an order, and who is decided again where that changes.

A conversion notes its place among the code's uses, and whether it counts there, before it is decided by that.
So whoever takes or leaves a place afterwards finds by the marks which others it moved over the limit, and
puts those back into the queue; it stays there itself until that is done. The same facts come to the same end
in whatever order they arrive, and beside whatever else is decided.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.facts import Facts
from chalicelib.domain.partner import MAX_USES
from chalicelib.domain.program import Program
from chalicelib.services import healing
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.stores import Stores
from chalicelib.storage.uses import Marked

_MOVED_AT_ONCE = 1_000
"""Uses that may be moved over the highest limit while somebody else looks at it."""


def counted(stores: Stores, facts: Facts) -> Facts:
    """The facts with the uses of its promo code that go before it; read only where the code has a limit."""
    use = facts.use
    if use is None:
        return facts
    before, told = 0, [facts.informed_at] if facts.informed_at else []
    for place in stores.uses.before(facts.report.program, use, facts.id):
        told.append(place.told_at)
        before += place.marked is not None
        if before == use.limit:
            break
    return replace(facts, used_before=before, informed_at=max(told, default=None))


def as_may_have_been(facts: Facts) -> Iterator[Facts]:
    """The facts within the limit of its promo code and past it, of which each may have been once."""
    yield facts
    if facts.use is not None:
        yield replace(facts, used_before=0 if facts.is_over_limit else facts.use.limit)


def marked(facts: Facts) -> Marked | None:
    """What the conversion has to note before it is decided by these facts, which are `counted`."""
    return Marked(facts.use, not facts.is_over_limit) if facts.use else None


def wake_moved(stores: Stores, program: Program, found: Conversion, now: datetime) -> None:
    """Have those decided again that the conversion moved over a limit, to either side.

    Raises:
        Unavailable: others kept changing one of them; the conversion itself stays in the queue.
    """
    for code, since in found.moved_uses:
        later = stores.uses.all_of(program.id, code, since)
        if any(place.conversion != found.facts.id for place in later):
            _wake_wrongly_marked(stores, program, code, found.facts.id, now)


def _wake_wrongly_marked(stores: Stores, program: Program, code: str, mover: str, now: datetime) -> None:
    rank = 0
    for place in stores.uses.all_of(program.id, code):
        if place.marked is None:
            continue
        rank += 1
        if rank > MAX_USES + _MOVED_AT_ONCE:
            return
        if place.conversion != mover and place.marked.counts != (rank <= place.marked.use.limit):
            healing.wake(stores, program, place.conversion, now)
