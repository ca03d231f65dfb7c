"""Ledger entries: what was booked, append-only. A correction is another entry, never an edit."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.period import Month, format_instant


class Kind(StrEnum):
    """What an entry does to a partner's balance."""

    ACCRUAL = "accrual"
    REVERSAL = "reversal"
    CORRECTION = "correction"
    RELEASE = "release"
    PAYOUT = "payout"


class Account(StrEnum):
    """Which part of the partner's balance an entry changes; a release moves from pending to payable."""

    PENDING = "pending"
    PAYABLE = "payable"


EARNING_KINDS = frozenset({Kind.ACCRUAL, Kind.REVERSAL, Kind.CORRECTION})
"""Kinds that change what a partner has earned; the others move or pay it."""

_RANK = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ledger.

    `month` is the one that it was claimed for; `share` is the partner's share of the sale as a fraction
    such as `1/3`; `basis` names the click or coupon and `rate` the rate that made it; `reverses` is the
    id of the accrual that a reversal or correction answers; `first` marks one entry of each conversion,
    so that conversions can be counted by entries. `sold_in` is the month of that accrual where it is another
    one; `counts` is 1 where a correction credits a partner first, and -1 where the partner keeps nothing of
    the sale. A payout and what was booked by hand have no conversion,
    order or rate of their own: those are empty.
    """

    id: str
    program: str
    month: Month
    shard: int
    kind: Kind
    booked_at: datetime
    occurred_at: datetime
    conversion: str
    order_id: str
    event: str
    partner: str
    currency: str
    sale_minor: int
    commission_minor: int
    share: str
    terms_version: int
    account: Account
    basis: str
    rate: str
    cause: str
    code: str | None = None
    reverses: str | None = None
    first: bool = False
    sold_in: Month | None = None
    counts: int = 0

    @property
    def by_hand(self) -> bool:
        """Whether somebody booked it by hand."""
        return self.basis.startswith("by ")

    @property
    def counted(self) -> int:
        """By how much it changes how many conversions stand for the partner."""
        return 1 if self.kind is Kind.ACCRUAL else self.counts

    @property
    def sort_key(self) -> str:
        """The order of a ledger: by time of booking, then kind, then id."""
        return f"{format_instant(self.booked_at)}#{_RANK[self.kind]}#{self.id}"

    @property
    def reason(self) -> str:
        """Why there is this line: its cause, what earned it and at which rate, where there is one."""
        return "; ".join(text for text in (self.cause, self.basis, self.rate) if text)


@dataclass(frozen=True, slots=True)
class Books:
    """How far the months of a program are closed.

    `opened` is the month in which they begin; `closed_through` the last published month; `closing` the
    one that is being closed, by code of version `engine`; `sha256` that of the last published manifest.
    """

    opened: Month
    closed_through: Month | None = None
    closing: Month | None = None
    engine: str | None = None
    sha256: str | None = None

    @property
    def next_to_close(self) -> Month:
        """The oldest month that isn't published yet."""
        return self.closed_through.next() if self.closed_through else self.opened

    def month_for(self, natural: Month) -> Month:
        """The month that takes an entry: its natural one while that is open, else the oldest open one.

        Before any month was closed every month is open, also ones before the program began.
        """
        if self.closed_through is None and self.closing is None:
            return natural
        return max(natural, self.next_to_close)
