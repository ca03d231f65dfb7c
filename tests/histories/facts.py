"""What those who act remember of what they were answered: all that the oracle is given."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Click:
    """A hit that was answered with a token, as number `sequence` of all that happened."""

    token: str
    partner: str
    at: datetime
    sequence: int


@dataclass
class Visitor:
    """A browser; `unanswered` counts its clicks that may have been kept without an answer."""

    cookie: str | None = None
    clicks: list[Click] = field(default_factory=list)
    unanswered: int = 0


@dataclass
class Evidence:
    """What a report told beside its figures; number `sequence` of all that happened when it was sent."""

    sequence: int
    at: datetime
    visitor: Visitor | None = None
    token: str | None = None
    coupon: str | None = None
    customer: str | None = None


@dataclass(frozen=True)
class Login:
    """A customer was seen on a device; number `sequence` of all that happened when it was told."""

    visitor: Visitor
    sequence: int
    at: datetime


@dataclass
class Order:
    """An order, and all that was acknowledged of it. `confirmed_minor`: what an authenticated call said."""

    id: str
    event: str
    occurred_at: datetime
    amount_minor: int
    from_browser: bool = False
    confirmed_minor: int | None = None
    evidence: list[Evidence] = field(default_factory=list)
    adjustments: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    conversion: str | None = None
    acknowledged: bool = False

    @property
    def confirmed(self) -> bool:
        """Whether somebody vouches for it: its own report, a second one, or a reviewer."""
        approved = any(kind == "approve" for kind, _ in self.adjustments.values())
        return not self.from_browser or self.confirmed_minor is not None or approved
