"""Everything that is known about one conversion: what is decided follows from it alone."""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.conversion import (
    FILE_APPROVAL,
    Adjustment,
    AdjustmentKind,
    CouponMatch,
    Report,
    Signal,
    Touch,
)
from chalicelib.domain.coupon_use import Use, deciding


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known about one conversion.

    `report` is the first one acknowledged; `confirmation` the authenticated one that followed a
    browser's, whose figures stand; `touches`, `coupons` and `signals` are the union of all evidence, the
    last of which was told at `learned_at`. `customers` are those whose order it is by the word of somebody
    whom the program trusts. `earlier` are the orders of its customer that decide on it, oldest first, the
    last of which changed at `informed_at`; they have none of their own. `used_before` are the uses of its
    promo code that go before it, counted up to the code's limit.
    """

    id: str
    report: Report
    learned_at: datetime
    confirmation: Report | None = None
    touches: tuple[Touch, ...] = ()
    coupons: tuple[CouponMatch, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    customers: tuple[str, ...] = ()
    earlier: "tuple[Facts, ...]" = ()
    informed_at: datetime | None = None
    signals: tuple[Signal, ...] = ()
    used_before: int = 0

    @property
    def coupon(self) -> CouponMatch | None:
        """The promo code that decides on it, whether or not its limit was reached."""
        return deciding(self.coupons, self.effective.occurred_at)

    @property
    def use(self) -> Use | None:
        """That it is a use of a promo code with a limit; None where it is none, or not vouched for."""
        coupon = self.coupon if self.coupons and self.stands else None
        if coupon is None or coupon.max_uses is None:
            return None
        return Use(coupon.code, self.effective.occurred_at, coupon.max_uses)

    @property
    def is_over_limit(self) -> bool:
        """Whether its promo code's limit was reached before it."""
        use = self.use
        return use is not None and self.used_before >= use.limit

    @property
    def customer(self) -> str | None:
        """Whose order it is: of several, the same one in whatever order they were told."""
        return min(self.customers, default=None)

    @property
    def stands(self) -> bool:
        """Whether it counts in its customer's history."""
        return self.confirmed_at is not None and self.rejected_at is None

    @property
    def place(self) -> tuple[datetime, str]:
        """Its place among its customer's orders."""
        return self.effective.occurred_at, self.id

    @property
    def told(self) -> int:
        """How much was told that may matter to the customer's later orders: it only ever grows."""
        judged = (a for a in self.adjustments if a.kind in {AdjustmentKind.APPROVE, AdjustmentKind.REJECT})
        parts = (self.touches, self.coupons, self.customers, self.signals, tuple(judged))
        return 1 + (self.confirmation is not None) + sum(map(len, parts))

    @property
    def changed_at(self) -> datetime:
        """When the last was told that may matter to the customer's later orders."""
        return max([self.learned_at, *(a.received_at for a in self.adjustments)])

    @property
    def effective(self) -> Report:
        """The report whose figures, time and method stand: the authenticated one, where there are two."""
        return self.confirmation or self.report

    @property
    def confirmed_at(self) -> datetime | None:
        """Since when somebody whom the program trusts vouches for it; None while nobody does."""
        reports = [self.report, *([self.confirmation] if self.confirmation else [])]
        vouched = [report.received_at for report in reports if report.confirmed]
        vouched += [a.received_at for a in self.adjustments if a.kind is AdjustmentKind.APPROVE]
        return min(vouched, default=None)

    @property
    def approved_at(self) -> datetime | None:
        """When somebody first approved it, which is more than to vouch for it; None if nobody did."""
        approvals = (a for a in self.adjustments if a.kind is AdjustmentKind.APPROVE)
        return min((a.received_at for a in approvals if a.id != FILE_APPROVAL), default=None)

    @property
    def rejected_at(self) -> datetime | None:
        """When it was first rejected; None if never. A rejection outweighs every approval."""
        return min((a.received_at for a in self.adjustments if a.kind is AdjustmentKind.REJECT), default=None)


def with_adjustment(facts: Facts, adjustment: Adjustment) -> Facts:
    """The facts with one adjustment more."""
    return replace(facts, adjustments=(*facts.adjustments, adjustment))
