"""What rules look at: one conversion, a partner's counts over some days, a partner who wants to take part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.domain.conversion import CouponMatch, Report, Signal, Touch
from chalicelib.domain.path import Considered, Path

_COULD = frozenset({"credited", "model_gives_none", "coupon_beats_click"})


@dataclass(frozen=True, slots=True)
class Case:
    """A conversion and what was seen of it; `told` is the first report, `effective` the one that stands.

    `steps` is its path as the terms weigh it, before any rule changed it; `coupon` the promo code that earns.
    Of the path, oldest first: `credited` are the touches that earn, `marked` those of them of whose clicks
    more was noted, `eligible` the partners' touches that could earn, also where the model or a promo code
    left them nothing. `earners` are the partners who earn.
    """

    told: Report
    effective: Report
    steps: tuple[Considered, ...]
    coupon: CouponMatch | None
    signals: tuple[Signal, ...]
    credited: tuple[Touch, ...]
    marked: tuple[Touch, ...]
    eligible: tuple[Touch, ...]
    earners: frozenset[str]

    @classmethod
    def of(cls, told: Report, effective: Report, path: Path, signals: tuple[Signal, ...]) -> "Case":
        """The case of a conversion with this path."""
        credited = tuple([step.touch for step in path.steps if step.weight])
        marked = tuple([touch for touch in credited if touch.marks])
        eligible = tuple([step.touch for step in path.steps if step.reason in _COULD and step.touch.partner])
        earners = frozenset([touch.partner for touch in credited if touch.partner])
        if path.coupon and path.coupon.partner:
            earners = frozenset({path.coupon.partner})
        return cls(told, effective, path.steps, path.coupon, signals, credited, marked, eligible, earners)

    def before_sale(self, touch: Touch) -> timedelta:
        """How long before the sale the touch happened."""
        return self.effective.occurred_at - touch.at

    def signal(self, *names: str) -> Signal | None:
        """The first signal of these names that is about a partner who earns, or about nobody."""
        about = (s for s in self.signals if s.partner is None or s.partner in self.earners)
        return next((s for s in about if s.name in names), None)


@dataclass(slots=True)
class Tally:
    """What was counted of a partner, or of a whole program, in some days."""

    clicks: int = 0
    repeats: int = 0
    robots: int = 0
    forced: int = 0
    conversions: int = 0
    by_coupon: int = 0
    accruals: int = 0
    reversals: int = 0
    chargebacks: int = 0

    @property
    def hits(self) -> int:
        """Every hit on a link, whoever made it."""
        return self.clicks + self.robots + self.forced

    def add(self, other: "Tally") -> None:
        """Count the other one in."""
        for name in Tally.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def less(self, other: "Tally") -> "Tally":
        """What is left without the other one."""
        return Tally(**{name: getattr(self, name) - getattr(other, name) for name in Tally.__slots__})


@dataclass(frozen=True, slots=True)
class Traffic:
    """A partner's counts: by day (a date in UTC), together, and those of all other partners of the program.

    `last_day` is the day up to which was counted; `orders` are the numeric ids of browser-told orders of this
    partner that nobody has confirmed.
    """

    partner: str
    last_day: str
    days: Mapping[str, Tally]
    own: Tally
    others: Tally
    orders: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Applicant:
    """A partner as it is when it enrols or names an account: whom else the same account pays."""

    partner: str
    email_domain: str
    disposable: bool = False
    shares_account_with: tuple[str, ...] = field(default=())
