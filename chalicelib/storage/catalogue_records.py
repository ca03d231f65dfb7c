"""How the catalogue's values are written in items, and read back.

Readers are tolerant: an attribute that an older version did not write takes its default.
"""

from chalicelib.domain.partner import Coupon, Enrollment, Partner
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.program import Consent, Method, Program
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
    Terms,
    Tier,
    TierMode,
)
from chalicelib.storage.codec import Item, compact


def program_record(program: Program) -> Item:
    """A program, as attributes."""
    return compact(
        {
            "id": program.id,
            "name": program.name,
            "domains": program.domains,
            "currency": program.currency,
            "default_url": program.default_url,
            "created_at": format_instant(program.created_at),
            "postback_token": program.postback_token,
            "timezone": program.timezone,
            "click_param": program.click_param,
            "fallback_url": program.fallback_url,
            "methods": sorted(program.methods),
            "trust_browser": program.trust_browser,
            "settle_in": program.settle_in,
            "late_days": program.late_days,
            "consent": str(program.consent),
            "utm": program.utm,
            "shards": program.shards,
        }
    )


def read_program(item: Item) -> Program:
    """The program that an item holds."""
    return Program(
        id=item["id"],
        name=item["name"],
        domains=tuple(item["domains"]),
        currency=item["currency"],
        default_url=item["default_url"],
        created_at=parse_instant(item["created_at"], "created_at"),
        postback_token=item["postback_token"],
        timezone=item["timezone"],
        click_param=item["click_param"],
        fallback_url=item.get("fallback_url"),
        methods=frozenset(map(Method, item["methods"])),
        trust_browser=item["trust_browser"],
        settle_in=item.get("settle_in"),
        late_days=item["late_days"],
        consent=Consent(item["consent"]),
        utm=item.get("utm", {}),
        shards=item["shards"],
    )


def terms_key(version: int) -> str:
    """The sort key of a version of the terms: they sort as their numbers do."""
    return f"terms#{version:06d}"


def terms_record(terms: Terms) -> Item:
    """A version of the terms, as attributes."""
    attribution = terms.attribution
    return {
        "program": terms.program,
        "version": terms.version,
        "starts_at": format_instant(terms.starts_at),
        "hold_days": terms.hold_days,
        "attribution": {
            "model": attribution.model,
            "window_days": attribution.window_days,
            "window_days_by_method": {
                str(method): days for method, days in attribution.window_days_by_method.items()
            },
            "window_days_by_event": attribution.window_days_by_event,
            "half_life_days": attribution.half_life_days,
            "weights": attribution.weights,
            "coupon": str(attribution.coupon),
            "channel_weights": attribution.channel_weights,
            "groups": attribution.groups,
            "priority": attribution.priority,
            "stand_down": attribution.stand_down,
            **({"lock": {"months": attribution.lock.months}} if attribution.lock else {}),
        },
        "commissions": [_rule_record(rule) for rule in terms.commissions],
        **({"monthly": [_monthly_record(rule) for rule in terms.monthly]} if terms.monthly else {}),
    }


def _monthly_record(rule: MonthlyRule) -> Item:
    return compact(
        {
            "kind": str(rule.kind),
            "by": rule.by and str(rule.by),
            "tiers": [[tier.start, tier.rate_bp, tier.amount_minor] for tier in rule.tiers],
            "tier_mode": rule.tier_mode and str(rule.tier_mode),
            "amount_minor": rule.amount_minor,
            "event": rule.event,
            "partner": rule.partner,
            "group": rule.group,
            "currency": rule.currency,
        }
    )


def _read_monthly(item: Item) -> MonthlyRule:
    return MonthlyRule(
        kind=MonthlyKind(item["kind"]),
        by=Basis(item["by"]) if "by" in item else None,
        tiers=tuple(MonthlyTier(*tier) for tier in item.get("tiers", [])),
        tier_mode=TierMode(item["tier_mode"]) if "tier_mode" in item else None,
        amount_minor=item.get("amount_minor"),
        event=item.get("event"),
        partner=item.get("partner"),
        group=item.get("group"),
        currency=item.get("currency"),
    )


def _rule_record(rule: CommissionRule) -> Item:
    return {
        "event": rule.event,
        "kind": rule.kind,
        "rate_bp": rule.rate_bp,
        "amount_minor": rule.amount_minor,
    } | compact(
        {
            "tiers": [[tier.from_minor, tier.rate_bp] for tier in rule.tiers],
            "tier_mode": str(rule.tier_mode) if rule.tiers else None,
            "partner": rule.partner,
            "group": rule.group,
            "sku": rule.sku,
            "category": rule.category,
            "exclude": list(rule.exclude),
            "min_order_minor": rule.min_order_minor or None,
            "cap_minor": rule.cap_minor,
            "customer": str(rule.customer) if rule.customer else None,
            "recurring_months": rule.recurring_months,
        }
    )


def _read_rule(item: Item) -> CommissionRule:
    return CommissionRule(
        event=item["event"],
        kind=item["kind"],
        rate_bp=item.get("rate_bp"),
        amount_minor=item.get("amount_minor"),
        tiers=tuple(Tier(start, rate_bp) for start, rate_bp in item.get("tiers", [])),
        tier_mode=TierMode(item.get("tier_mode", TierMode.MARGINAL)),
        partner=item.get("partner"),
        group=item.get("group"),
        sku=item.get("sku"),
        category=item.get("category"),
        exclude=tuple(item.get("exclude", [])),
        min_order_minor=item.get("min_order_minor", 0),
        cap_minor=item.get("cap_minor"),
        customer=CustomerKind(item["customer"]) if "customer" in item else None,
        recurring_months=item.get("recurring_months"),
    )


def read_terms(item: Item) -> Terms:
    """The version of the terms that an item holds."""
    kept = item["attribution"]
    first, between, last = kept["weights"]
    return Terms(
        program=item["program"],
        version=item["version"],
        starts_at=parse_instant(item["starts_at"], "starts_at"),
        attribution=Attribution(
            model=kept["model"],
            window_days=kept["window_days"],
            window_days_by_method={
                Method(method): days for method, days in kept["window_days_by_method"].items()
            },
            window_days_by_event=kept.get("window_days_by_event", {}),
            half_life_days=kept["half_life_days"],
            weights=(first, between, last),
            coupon=CouponRule(kept["coupon"]),
            channel_weights=kept.get("channel_weights", {}),
            groups={name: tuple(partners) for name, partners in kept.get("groups", {}).items()},
            priority=tuple(kept.get("priority", [])),
            stand_down=tuple(kept.get("stand_down", [])),
            lock=Lock(kept["lock"].get("months")) if "lock" in kept else None,
        ),
        hold_days=item["hold_days"],
        commissions=tuple(map(_read_rule, item["commissions"])),
        monthly=tuple(map(_read_monthly, item.get("monthly", []))),
    )


def partner_record(partner: Partner) -> Item:
    """A partner, as attributes."""
    return compact(
        {
            "id": partner.id,
            "name": partner.name,
            "email": partner.email,
            "created_at": format_instant(partner.created_at),
            "owner": partner.owner,
        }
    )


def read_partner(item: Item) -> Partner:
    """The partner that an item holds."""
    return Partner(
        item["id"],
        item["name"],
        item["email"],
        parse_instant(item["created_at"], "created_at"),
        item.get("owner"),
    )


def enrollment_record(enrollment: Enrollment) -> Item:
    """An enrolment, as attributes."""
    return {
        "program": enrollment.program,
        "partner": enrollment.partner,
        "link_code": enrollment.link_code,
        "created_at": format_instant(enrollment.created_at),
    }


def read_enrollment(item: Item) -> Enrollment:
    """The enrolment that an item holds."""
    return Enrollment(
        item["program"],
        item["partner"],
        item["link_code"],
        parse_instant(item["created_at"], "created_at"),
    )


def coupon_record(coupon: Coupon) -> Item:
    """A coupon, as attributes."""
    return compact(
        {
            "program": coupon.program,
            "partner": coupon.partner,
            "code": coupon.code,
            "created_at": format_instant(coupon.created_at),
            "starts_at": format_instant(coupon.starts_at) if coupon.starts_at else None,
            "ends_at": format_instant(coupon.ends_at) if coupon.ends_at else None,
            "max_uses": coupon.max_uses,
        }
    )


def read_coupon(item: Item) -> Coupon:
    """The coupon that an item holds."""
    created_at = parse_instant(item["created_at"], "created_at")
    starts_at, ends_at = (
        parse_instant(item[at], at) if at in item else None for at in ("starts_at", "ends_at")
    )
    bounds = starts_at, ends_at, item.get("max_uses")
    return Coupon(item["program"], item["partner"], item["code"], created_at, *bounds)
