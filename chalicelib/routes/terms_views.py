"""A version of the terms as it is shown, to a merchant whole and to a partner as far as it concerns it."""

from typing import Any

from chalicelib.domain.period import format_instant
from chalicelib.domain.program import Method
from chalicelib.domain.terms import (
    CommissionRule,
    CouponRule,
    MonthlyRule,
    Terms,
)
from chalicelib.routes.endpoint import View


class LockView(View):
    """For how many months a customer stays with the partners of an order; null is for ever."""

    months: int | None


class AttributionView(View):
    """Which touches count, and how they share."""

    model: str
    window_days: int
    window_days_by_method: dict[Method, int]
    window_days_by_event: dict[str, int]
    half_life_days: int
    weights: tuple[int, int, int]
    coupon: CouponRule
    channel_weights: dict[str, int]
    groups: dict[str, list[str]]
    priority: list[str]
    stand_down: list[str]
    lock: LockView | None


class TermsView(View):
    """A version of the terms, in force from `starts_at` until the next one starts."""

    program: str
    version: int
    starts_at: str
    attribution: AttributionView
    hold_days: int
    commissions: list[dict[str, Any]]
    monthly: list[dict[str, Any]]


def given(**settings: object) -> dict[str, Any]:
    """Those of the settings that have a value."""
    return {name: value for name, value in settings.items() if value is not None}


def terms_view(version: Terms, only_for: str | None) -> TermsView:
    """The version; where `only_for` names a partner, without the other partners' groups and rules."""
    attribution = version.attribution
    own_group = attribution.group_of(only_for)
    groups = {name: list(partners) for name, partners in attribution.groups.items()}
    rules = version.commissions
    if only_for is not None:
        groups = {own_group: [only_for]} if own_group else {}
        rules = tuple(r for r in rules if r.partner in {None, only_for} and r.group in {None, own_group})
    return TermsView(
        program=version.program,
        version=version.version,
        starts_at=format_instant(version.starts_at),
        attribution=AttributionView(
            model=attribution.model,
            window_days=attribution.window_days,
            window_days_by_method=attribution.window_days_by_method,
            window_days_by_event=attribution.window_days_by_event,
            half_life_days=attribution.half_life_days,
            weights=attribution.weights,
            coupon=attribution.coupon,
            channel_weights=attribution.channel_weights,
            groups=groups,
            priority=list(attribution.priority),
            stand_down=list(attribution.stand_down),
            lock=LockView(months=attribution.lock.months) if attribution.lock else None,
        ),
        hold_days=version.hold_days,
        commissions=[_rule_view(rule) for rule in rules],
        monthly=[_monthly_view(rule) for rule in version.monthly if _is_for(rule, only_for, own_group)],
    )


def _is_for(rule: MonthlyRule, only_for: str | None, own_group: str | None) -> bool:
    return only_for is None or (rule.partner in {None, only_for} and rule.group in {None, own_group})


def _monthly_view(rule: MonthlyRule) -> dict[str, Any]:
    tiers = [given(at=tier.start, add_bp=tier.rate_bp, add_amount=tier.amount_minor) for tier in rule.tiers]
    return given(
        kind=rule.kind,
        by=rule.by,
        tiers=tiers or None,
        tier_mode=rule.tier_mode,
        amount=rule.amount_minor,
        event=rule.event,
        partner=rule.partner,
        group=rule.group,
        currency=rule.currency,
    )


def _rule_view(rule: CommissionRule) -> dict[str, Any]:
    tiers = [{"from_amount": tier.from_minor, "rate_bp": tier.rate_bp} for tier in rule.tiers]
    return given(
        event=rule.event,
        kind=rule.kind,
        rate_bp=rule.rate_bp,
        amount=rule.amount_minor,
        tiers=tiers or None,
        tier_mode=rule.tier_mode if tiers else None,
        partner=rule.partner,
        group=rule.group,
        sku=rule.sku,
        category=rule.category,
        exclude=list(rule.exclude) or None,
        min_order=rule.min_order_minor or None,
        cap=rule.cap_minor,
        customer=rule.customer,
        recurring_months=rule.recurring_months,
    )
