"""Versioned terms: which touches earn, how credit is shared, what it pays.

A conversion is priced by the version in force when its first credited touch happened; the first version
also covers what came before it. Publishing a version never re-prices the past.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.program import Method

MAX_WINDOW_DAYS = 365
"""The longest window that terms may give."""


class CouponRule(StrEnum):
    """What a promo code does to the credit of clicks."""

    BEATS_CLICK = "beats_click"
    IF_IN_PATH = "if_in_path"
    IF_NO_CLICK = "if_no_click"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Lock:
    """How long a customer stays with those who were credited with an order: `months`, None for ever."""

    months: int | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """How the touches of a path become credit.

    `model` is a name of `domain.attribution.MODELS`; windows are whole days, closed at both ends;
    `window_days_by_event` holds for conversions of that event and `window_days_by_method` for those that
    arrive by that method. `groups` name partners of a kind; where `priority` names some of those groups,
    only the touches of the first of them that is in the path count, and partners of none of them come last.
    `channel_weights` are the program's own, by group or channel. Clicks on links that stood on a host of
    `stand_down`, such as the shop's own checkout, don't count. With a `lock` the partners of an order earn
    the customer's later ones too, whatever led to those.
    """

    model: str = "last"
    window_days: int = 30
    window_days_by_method: dict[Method, int] = field(default_factory=lambda: {Method.PIXEL: 28})
    half_life_days: int = 7
    weights: tuple[int, int, int] = (40, 20, 40)
    coupon: CouponRule = CouponRule.BEATS_CLICK
    channel_weights: dict[str, int] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    priority: tuple[str, ...] = ()
    window_days_by_event: dict[str, int] = field(default_factory=dict)
    stand_down: tuple[str, ...] = ()
    lock: Lock | None = None

    def window_days_for(self, method: Method, event: str | None = None) -> int:
        """The window, in days, of a conversion of this event that arrived by this method.

        Where both have one of their own, the shorter of them.
        """
        by_method = self.window_days_by_method.get(method)
        by_event = self.window_days_by_event.get(event) if event else None
        own = [days for days in (by_method, by_event) if days is not None]
        return min(own, default=self.window_days)

    def stands_down(self, origin: str | None) -> bool:
        """Whether links on this host, or on a subdomain of one that is named, earn nothing."""
        return origin is not None and any(
            origin == host or origin.endswith(f".{host}") for host in self.stand_down
        )

    def group_of(self, partner: str | None) -> str | None:
        """The group that the partner is in; None for one in no group."""
        return next((name for name, partners in self.groups.items() if partner in partners), None)

    def rank_of(self, partner: str | None) -> int:
        """The place of the partner's group in the priority, from 0; those of no such group come after."""
        group = self.group_of(partner) if self.priority else None
        return self.priority.index(group) if group in self.priority else len(self.priority)


@dataclass(frozen=True, slots=True)
class Tier:
    """A bracket of sale amounts: from this amount on (minor units of the program's currency), this rate."""

    from_minor: int
    rate_bp: int


class TierMode(StrEnum):
    """What a bracket's rate is for: the part of the sale inside the bracket, or all of the sale."""

    MARGINAL = "marginal"
    RETROACTIVE = "retroactive"


class CustomerKind(StrEnum):
    """Whose order it is: a customer's first of its event, a later one, or nobody told whose."""

    NEW = "new"
    RETURNING = "returning"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CommissionRule:
    """What one event pays: `kind` is a name of `domain.commission.KINDS`.

    `rate_bp` is in basis points of the sale, `amount_minor` in minor units of the program's currency, and
    so are `min_order_minor` (a smaller order pays nothing) and `cap_minor` (an order pays no more).
    `partner` or `group`, and `sku` or `category`, say for whom and for which lines of an order the rule is;
    lines of the categories in `exclude` earn nothing under it. `customer` says for which customers it is;
    with `recurring_months` it pays for so many months from the customer's first order of this event on, and
    nothing after that; without, for ever.
    """

    event: str
    kind: str
    rate_bp: int | None = None
    amount_minor: int | None = None
    tiers: tuple[Tier, ...] = ()
    tier_mode: TierMode = TierMode.MARGINAL
    partner: str | None = None
    group: str | None = None
    sku: str | None = None
    category: str | None = None
    exclude: tuple[str, ...] = ()
    min_order_minor: int = 0
    cap_minor: int | None = None
    customer: CustomerKind | None = None
    recurring_months: int | None = None

    @property
    def place(self) -> tuple[str, str | None, str | None, str | None, str | None]:
        """What the rule is for, whoever the customer is."""
        return self.event, self.partner, self.group, self.sku, self.category

    @property
    def selector(self) -> tuple[object, CustomerKind | None]:
        """What the rule is for; no two rules of one version are for the same."""
        return self.place, self.customer

    @property
    def specificity(self) -> tuple[int, int, int]:
        """How special the rule is: for whom, then for what, then for which customers.

        Of those that match, the greatest wins.
        """
        whom = 2 if self.partner else 1 if self.group else 0
        return whom, 2 if self.sku else 1 if self.category else 0, 1 if self.customer else 0

    @property
    def asks_who(self) -> bool:
        """Whether it can't be told what it pays while nobody knows whose the order is."""
        if self.customer is CustomerKind.UNKNOWN:
            return False
        return self.customer is not None or self.recurring_months is not None

    @property
    def is_for_lines(self) -> bool:
        """Whether the rule is for some lines of an order only."""
        return self.sku is not None or self.category is not None


class MonthlyKind(StrEnum):
    """What a rule for months as a whole does."""

    TIERED = "tiered"
    MILESTONE = "milestone"
    CAP = "cap"


class Basis(StrEnum):
    """What of a partner's month is looked at: how many conversions, or the amount of their sales."""

    COUNT = "count"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class MonthlyTier:
    """From this count or amount (minor units) on, so much more: a rate of the sales, or an amount."""

    start: int
    rate_bp: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class MonthlyRule:
    """What a partner's month as a whole adds to what its sales earned, or how much it earns at most.

    Tiers add their rate to the sales, or their amount for each conversion: `tier_mode` says whether for
    those beyond the tier's beginning or for all of the month. Each milestone that is reached adds its amount
    once. A cap lets the month earn no more than `amount_minor`. `event` None is for all events together;
    amounts are those of `currency`, None for the one that the program books in, and the rule is for sales
    booked in it.
    """

    kind: MonthlyKind
    by: Basis | None = None
    tiers: tuple[MonthlyTier, ...] = ()
    tier_mode: TierMode | None = None
    amount_minor: int | None = None
    event: str | None = None
    partner: str | None = None
    group: str | None = None
    currency: str | None = None

    @property
    def selector(self) -> tuple[object, ...]:
        """What the rule is for; no two rules of one version are for the same."""
        return self.kind, self.event, self.partner, self.group, self.currency


@dataclass(frozen=True, slots=True)
class Terms:
    """One version, in force from `starts_at` until the next one starts.

    `monthly` holds for the months that begin while it is in force.
    """

    program: str
    version: int
    starts_at: datetime
    attribution: Attribution
    hold_days: int
    commissions: tuple[CommissionRule, ...]
    monthly: tuple[MonthlyRule, ...] = ()


def in_force(versions: Sequence[Terms], at: datetime) -> Terms | None:
    """The version in force at that instant; the first version before its own start; None without any.

    `versions` are in order of their numbers.
    """
    started = [terms for terms in versions if terms.starts_at <= at]
    return started[-1] if started else next(iter(versions), None)


def look_at_customers(versions: Sequence[Terms]) -> bool:
    """Whether any version decides by what else the customer has ordered."""
    return any(
        terms.attribution.lock or any(rule.asks_who for rule in terms.commissions) for terms in versions
    )


def longest_window_days(versions: Sequence[Terms]) -> int:
    """The longest window that any version of the terms gives any method or event; 30 without terms."""
    rules = [terms.attribution for terms in versions]
    windows = [
        days
        for rule in rules
        for days in (
            rule.window_days,
            *rule.window_days_by_method.values(),
            *rule.window_days_by_event.values(),
        )
    ]
    return max(windows, default=30)
