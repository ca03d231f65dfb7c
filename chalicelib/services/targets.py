"""What a warm process knows of links and programs, so that following a link needs no read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain import destination
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.link import Link, LinkState
from chalicelib.domain.program import Program
from chalicelib.domain.terms import longest_window_days
from chalicelib.services import keeping
from chalicelib.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Offer:
    """A program and the longest window that any version of its terms gives."""

    program: Program
    window_days: int

    @property
    def kept_for(self) -> timedelta:
        """How long its clicks are kept."""
        return timedelta(days=self.window_days + self.program.late_days)


@dataclass(frozen=True, slots=True)
class Target:
    """What a process knows of a code; `landing` is ready but for what one click adds."""

    link: Link
    offer: Offer
    landing: destination.Landing

    @classmethod
    def of(cls, link: Link, offer: Offer) -> "Target":
        """What a link of the offer leads to."""
        own = destination.own_destination(offer.program, link)
        return cls(link, offer, destination.landing(own, offer.program, link))


def find_target(stores: Stores, code: str) -> tuple[Target | None, bool]:
    """What is known of the code (None for an unknown one), and whether storage answered.

    Raises:
        Unavailable: storage does not answer, and nothing is known.
    """
    known, is_fresh = stores.warm.find("link", code)
    if is_fresh:
        return known, True
    try:
        return keeping.promptly(lambda: _read_target(stores, code)), True
    except Unavailable:
        if known is None:
            return _read_target(stores, code), True
        return known, False


def offer_of(stores: Stores, program_id: str) -> Offer:
    """The program and its longest window, remembered for a moment.

    Raises:
        NotFound: `program_unknown`.
        Unavailable: storage does not answer.
    """
    known, is_fresh = stores.warm.find("program", program_id)
    if is_fresh:
        return known  # type: ignore[no-any-return]  # kept below as an Offer
    program = stores.catalogue.program(program_id)
    offer = Offer(program, longest_window_days(stores.catalogue.terms(program_id)))
    stores.warm.keep("program", program_id, offer)
    return offer


def leads_nowhere(link: Link, at: datetime) -> bool:
    """Whether the link is paused, over or deleted."""
    is_over = link.expires_at is not None and link.expires_at <= at
    return link.state is not LinkState.ACTIVE or is_over


def _read_target(stores: Stores, code: str) -> Target | None:
    link = stores.links.find(code)
    if link is None:
        stores.warm.forget("link", code)
        return None
    target = Target.of(link, offer_of(stores, link.program))
    stores.warm.keep("link", code, target)
    return target
