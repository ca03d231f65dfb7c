"""The terms that a body asks for."""

from chalicelib.domain.program import Method
from chalicelib.domain.terms import (
    Attribution,
    Basis,
    CommissionRule,
    CouponRule,
    CustomerKind,
    Lock,
    MonthlyKind,
    MonthlyRule,
    MonthlyTier,
    Tier,
    TierMode,
)
from chalicelib.routes.endpoint import Body
from chalicelib.routes.terms_views import given

DEFAULT_HOLD_DAYS = 30

PIXEL_WINDOW_DAYS = 28
"""The usual life of a conversion pixel's cookie (Aspire); never longer than the other methods' window."""


class LockBody(Body):
    """For how many months a customer stays with the partners of an order; `null` is for ever."""

    months: int | None


class AttributionBody(Body):
    """Which touches count, and how they share. What is left out has the usual value.

    `groups` name partners of a kind; `priority` says which groups come first; `channel_weights` are those
    of the model of that name, by group or channel. Clicks on links on the hosts of `stand_down` don't count.
    `lock` gives a customer to the partners of its first credited order.
    """

    model: str | None = None
    window_days: int | None = None
    window_days_by_method: dict[Method, int] | None = None
    window_days_by_event: dict[str, int] | None = None
    half_life_days: int | None = None
    weights: tuple[int, int, int] | None = None
    coupon: CouponRule | None = None
    channel_weights: dict[str, int] | None = None
    groups: dict[str, list[str]] | None = None
    priority: list[str] | None = None
    stand_down: list[str] | None = None
    lock: LockBody | None = None


class TierBody(Body):
    """A bracket: from this amount of the sale on (minor units of the program's currency), this rate."""

    from_amount: int
    rate_bp: int


class CommissionBody(Body):
    """What one event pays: `rate_bp` (basis points), `tiers`, or `amount` (in the program's currency).

    `partner` or `group`, `sku` or `category`, and `customer` narrow the rule; the most specific one that
    matches pays. With `recurring_months` it pays for so long after the customer's first order.
    """

    event: str
    kind: str
    rate_bp: int | None = None
    amount: int | None = None
    tiers: list[TierBody] | None = None
    tier_mode: TierMode | None = None
    partner: str | None = None
    group: str | None = None
    sku: str | None = None
    category: str | None = None
    exclude: list[str] | None = None
    min_order: int | None = None
    cap: int | None = None
    customer: CustomerKind | None = None
    recurring_months: int | None = None


class MonthlyTierBody(Body):
    """From `at`, a count or an amount, on so much more: a rate (basis points) or an amount (minor units)."""

    at: int
    add_bp: int | None = None
    add_amount: int | None = None


class MonthlyBody(Body):
    """What a partner's month as a whole adds, or earns at most. Amounts are minor units of `currency`.

    `tiered` adds to the sales beyond a tier's beginning (`marginal`) or to all of the month (`retroactive`),
    `by` the `count` of conversions or the `amount` of sales. Each `milestone` that is reached adds its amount
    once. A `cap` has an `amount`.
    """

    kind: MonthlyKind
    by: Basis | None = None
    tiers: list[MonthlyTierBody] | None = None
    tier_mode: TierMode | None = None
    amount: int | None = None
    event: str | None = None
    partner: str | None = None
    group: str | None = None
    currency: str | None = None


class NewTerms(Body):
    """A version of the terms, in force from now on. `hold_days` is 30 where it is left out.

    `monthly` holds for the months that begin while the version is in force.
    """

    commissions: list[CommissionBody]
    monthly: list[MonthlyBody] | None = None
    attribution: AttributionBody | None = None
    hold_days: int | None = None


def parts_of(body: NewTerms) -> tuple[Attribution, int, list[CommissionRule]]:
    """The terms that a body asks for: attribution, days of hold and commissions."""
    hold_days = DEFAULT_HOLD_DAYS if body.hold_days is None else body.hold_days
    return _attribution(body.attribution or AttributionBody()), hold_days, [*map(_rule, body.commissions)]


def monthly_of(body: NewTerms) -> tuple[MonthlyRule, ...]:
    """The rules for months as a whole that a body asks for."""
    return tuple(map(_monthly, body.monthly or ()))


def _attribution(body: AttributionBody) -> Attribution:
    groups = {name: tuple(partners) for name, partners in (body.groups or {}).items()}
    stated = Attribution(
        **given(
            model=body.model,
            window_days=body.window_days,
            window_days_by_method={},
            window_days_by_event=body.window_days_by_event,
            half_life_days=body.half_life_days,
            weights=body.weights,
            coupon=body.coupon,
            channel_weights=body.channel_weights,
            groups=groups,
            priority=None if body.priority is None else tuple(body.priority),
            stand_down=None if body.stand_down is None else tuple(body.stand_down),
            lock=None if body.lock is None else Lock(body.lock.months),
        )
    )
    windows = {Method.PIXEL: min(PIXEL_WINDOW_DAYS, stated.window_days)} | (body.window_days_by_method or {})
    stated.window_days_by_method.update(windows)
    return stated


def _rule(body: CommissionBody) -> CommissionRule:
    tiers = None if body.tiers is None else tuple(Tier(tier.from_amount, tier.rate_bp) for tier in body.tiers)
    return CommissionRule(
        body.event,
        body.kind,
        **given(
            rate_bp=body.rate_bp,
            amount_minor=body.amount,
            tiers=tiers,
            tier_mode=body.tier_mode,
            partner=body.partner,
            group=body.group,
            sku=body.sku,
            category=body.category,
            exclude=None if body.exclude is None else tuple(body.exclude),
            min_order_minor=body.min_order,
            cap_minor=body.cap,
            customer=body.customer,
            recurring_months=body.recurring_months,
        ),
    )


def _monthly(body: MonthlyBody) -> MonthlyRule:
    tiers = (MonthlyTier(tier.at, tier.add_bp, tier.add_amount) for tier in body.tiers or ())
    return MonthlyRule(
        kind=body.kind,
        by=body.by,
        tiers=tuple(tiers),
        tier_mode=body.tier_mode,
        amount_minor=body.amount,
        event=body.event,
        partner=body.partner,
        group=body.group,
        currency=body.currency,
    )
