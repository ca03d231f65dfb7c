"""Versioned terms: which touches earn, how credit is shared, what it pays.

A conversion is priced by the version in force when its first credited touch happened; the first version
also covers what came before it. Publishing a version never re-prices the past.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.program import Method


class CouponRule(StrEnum):
    """What a promo code does to the credit of clicks."""

    BEATS_CLICK = "beats_click"
    IF_NO_CLICK = "if_no_click"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Attribution:
    """How the touches of a path become credit.

    `model` is a name of `domain.attribution.MODELS`; windows are whole days, closed at both ends;
    `window_days_by_method` holds for conversions that arrive by that method.
    """

    model: str = "last"
    window_days: int = 30
    window_days_by_method: dict[Method, int] = field(default_factory=lambda: {Method.PIXEL: 28})
    half_life_days: int = 7
    weights: tuple[int, int, int] = (40, 20, 40)
    coupon: CouponRule = CouponRule.BEATS_CLICK

    def window_days_for(self, method: Method) -> int:
        """The window, in days, of a conversion that arrived by this method."""
        return self.window_days_by_method.get(method, self.window_days)


@dataclass(frozen=True, slots=True)
class CommissionRule:
    """What one event pays: `kind` is a name of `domain.commission.KINDS`.

    `rate_bp` is in basis points of the sale, `amount_minor` in minor units of the program's currency.
    """

    event: str
    kind: str
    rate_bp: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """One version, in force from `starts_at` until the next one starts."""

    program: str
    version: int
    starts_at: datetime
    attribution: Attribution
    hold_days: int
    commissions: tuple[CommissionRule, ...]


def in_force(versions: Sequence[Terms], at: datetime) -> Terms | None:
    """The version in force at that instant; the first version before its own start; None without any.

    `versions` are in order of their numbers.
    """
    started = [terms for terms in versions if terms.starts_at <= at]
    return started[-1] if started else next(iter(versions), None)


def longest_window_days(versions: Sequence[Terms]) -> int:
    """The longest window that any version of the terms gives any method; 30 without terms."""
    windows = [
        days
        for terms in versions
        for days in (terms.attribution.window_days, *terms.attribution.window_days_by_method.values())
    ]
    return max(windows, default=30)
