"""What a customer's earlier orders decide for a later one: whether it is new, and who holds the customer.

An order counts in its customer's history once somebody whom the program trusts vouches for it, unless it was
rejected; a refund changes nothing of that. Orders follow one another by the time when they occurred, those of
one instant by their ids: so the history is the same in whatever order they were told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.path import Path
from chalicelib.domain.period import months_later
from chalicelib.domain.terms import CustomerKind, Terms


@dataclass(frozen=True, slots=True)
class Tenure:
    """What the rules may know of the customer of an order that occurred at `at`.

    `known` says whether anybody told who it is; `first_at` is when the customer's first order of the same
    event occurred, None where this one is the first.
    """

    at: datetime | None = None
    known: bool = False
    first_at: datetime | None = None

    @property
    def kind(self) -> CustomerKind:
        """The kind of customer that rules speak of."""
        if not self.known:
            return CustomerKind.UNKNOWN
        return CustomerKind.RETURNING if self.first_at else CustomerKind.NEW

    def is_within(self, months: int) -> bool:
        """Whether the order lies at most so many months after the customer's first one, to the second."""
        if self.at is None or self.first_at is None:
            return True
        return _second(self.at) <= _second(months_later(self.first_at, months))


NOBODY = Tenure()
"""An order of which nobody told whose it is."""


@dataclass(frozen=True, slots=True)
class Win:
    """An order that its own path credits, and what gives its customer to those who are credited.

    `terms` are those that decided it; `path` is its path.
    """

    order_id: str
    occurred_at: datetime
    terms: Terms
    path: Path

    def holds(self, at: datetime) -> bool:
        """Whether the customer is still theirs then: to the last second of the lock."""
        lock = self.terms.attribution.lock
        if lock is None:
            return False
        if lock.months is None:
            return True
        return _second(at) <= _second(months_later(self.occurred_at, lock.months))


def holder(wins: Iterable[Win], at: datetime) -> Win | None:
    """The win under which the customer is at that time; wins are of earlier orders, oldest first.

    What is sold while a lock holds neither breaks nor renews it.
    """
    standing: Win | None = None
    for win in wins:
        if standing is None or not standing.holds(win.occurred_at):
            standing = win if win.terms.attribution.lock else None
    return standing if standing and standing.holds(at) else None


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
