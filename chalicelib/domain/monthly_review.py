"""What a merchant wants months as a whole to pay, reviewed: every problem is found, not only the first."""

from chalicelib.domain.errors import Invalid
from chalicelib.domain.ids import check_slug
from chalicelib.domain.money import check_amount, check_currency
from chalicelib.domain.review import Review, within
from chalicelib.domain.terms import Basis, MonthlyKind, MonthlyRule, MonthlyTier, Terms, TierMode

MAX_RULES = 20
MAX_TIERS = 20
MAX_COUNT = 10_000_000
MAX_RATE_BP = 10_000


def review_monthly(review: Review, terms: Terms) -> None:
    """Check the monthly rules of a version of the terms."""
    review.check(within, len(terms.monthly), 0, MAX_RULES, "rules", "monthly")
    seen: set[object] = set()
    events = {rule.event for rule in terms.commissions}
    for position, rule in enumerate(terms.monthly[:MAX_RULES]):
        path = f"monthly[{position}]"
        _review_whom(review, rule, terms, path)
        if rule.event is not None and rule.event not in events:
            review.check(_refuse, "event_unknown", "no commission is for this event", f"{path}.event")
        if rule.selector in seen:
            review.check(
                _refuse, "rule_repeated", "another rule of this kind is for the same", f"{path}.kind"
            )
        seen.add(rule.selector)
        if rule.kind is MonthlyKind.CAP:
            _review_cap(review, rule, path)
        else:
            _review_tiers(review, rule, path)


def _review_whom(review: Review, rule: MonthlyRule, terms: Terms, path: str) -> None:
    if rule.partner is not None:
        review.check(check_slug, rule.partner, f"{path}.partner")
    if rule.group is not None and rule.group not in terms.attribution.groups:
        review.check(_refuse, "group_unknown", "there is no such group", f"{path}.group")
    if rule.partner is not None and rule.group is not None:
        review.check(_refuse, "field_invalid", "a partner's rule has no group", f"{path}.group")
    if rule.currency is not None:
        review.check(check_currency, rule.currency, f"{path}.currency")


def _review_cap(review: Review, rule: MonthlyRule, path: str) -> None:
    if rule.amount_minor is None:
        review.check(_refuse, "field_required", "a cap has amount", f"{path}.amount")
    else:
        review.check(check_amount, rule.amount_minor, f"{path}.amount")
    for name, value in (("by", rule.by), ("tiers", rule.tiers), ("tier_mode", rule.tier_mode)):
        if value:
            review.check(_refuse, "field_invalid", f"a cap has no {name}", f"{path}.{name}")


def _review_tiers(review: Review, rule: MonthlyRule, path: str) -> None:
    if rule.amount_minor is not None:
        review.check(_refuse, "field_invalid", f"a {rule.kind} rule has no amount", f"{path}.amount")
    if rule.by is None:
        review.check(_refuse, "field_required", "say by what: count or amount", f"{path}.by")
    if rule.kind is MonthlyKind.TIERED and rule.tier_mode is None:
        review.check(_refuse, "field_required", "say marginal or retroactive", f"{path}.tier_mode")
    if rule.kind is MonthlyKind.MILESTONE and rule.tier_mode is not None:
        review.check(_refuse, "field_invalid", "a milestone has no tier_mode", f"{path}.tier_mode")
    review.check(within, len(rule.tiers), 1, MAX_TIERS, "tiers", f"{path}.tiers")
    for position, tier in enumerate(rule.tiers[:MAX_TIERS]):
        field = f"{path}.tiers[{position}]"
        _review_tier(review, rule, tier, field)
        if position and tier.start <= rule.tiers[position - 1].start:
            review.check(_refuse, "tiers_invalid", "tiers rise from one to the next", f"{field}.at")


def _review_tier(review: Review, rule: MonthlyRule, tier: MonthlyTier, field: str) -> None:
    if rule.by is Basis.COUNT:
        review.check(within, tier.start, 1, MAX_COUNT, "conversions", f"{field}.at")
    else:
        review.check(check_amount, tier.start, f"{field}.at")
    if (tier.rate_bp is None) == (tier.amount_minor is None):
        review.check(_refuse, "field_required", "a tier adds a rate or an amount", f"{field}.add_bp")
    if tier.rate_bp is not None:
        review.check(within, tier.rate_bp, 0, MAX_RATE_BP, "basis points", f"{field}.add_bp")
    if tier.amount_minor is not None:
        review.check(check_amount, tier.amount_minor, f"{field}.add_amount")
    if rule.kind is MonthlyKind.MILESTONE and tier.rate_bp is not None:
        review.check(_refuse, "field_invalid", "a milestone adds an amount", f"{field}.add_bp")
    if rule.kind is MonthlyKind.TIERED and rule.tier_mode is TierMode.MARGINAL:
        _review_marginal(review, rule, tier, field)


def _review_marginal(review: Review, rule: MonthlyRule, tier: MonthlyTier, field: str) -> None:
    """Which sales lie beyond a number of them is not told by a set, nor how many lie beyond an amount."""
    if rule.by is Basis.COUNT and tier.rate_bp is not None:
        text = "beyond a number of conversions an amount is added for each"
        review.check(_refuse, "field_invalid", text, f"{field}.add_bp")
    if rule.by is Basis.AMOUNT and tier.amount_minor is not None:
        text = "beyond an amount of sales a rate is added"
        review.check(_refuse, "field_invalid", text, f"{field}.add_amount")


def _refuse(code: str, message: str, field: str) -> None:
    raise Invalid(code, message, field)
