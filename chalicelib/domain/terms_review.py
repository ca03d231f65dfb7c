"""What a merchant wants its terms to be, reviewed as a whole: every problem is found, not only the first."""

import re
from collections.abc import Iterable, Sequence

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.commission import KINDS
from chalicelib.domain.errors import Invalid
from chalicelib.domain.ids import check_slug
from chalicelib.domain.money import check_amount
from chalicelib.domain.monthly_review import review_monthly
from chalicelib.domain.review import Review, normal_domain, within
from chalicelib.domain.terms import MAX_WINDOW_DAYS, Attribution, CommissionRule, CustomerKind, Terms, Tier

MAX_RULES = 50
MAX_TIERS = 20
MAX_GROUPS = 20
MAX_MEMBERS = 500
MAX_CHANNELS = 50
MAX_EVENTS = 50
MAX_STAND_DOWN = 50
MAX_DAYS = 365
MAX_MONTHS = 120
MAX_WEIGHT = 10_000
MAX_RATE_BP = 10_000

_EVENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.:-]{0,62}[A-Za-z0-9])?", re.ASCII)
_FIGURES = {"percent": "rate_bp", "flat": "amount", "tiered": "tiers"}
"""The one figure that a rule of each kind has."""


def review_terms(terms: Terms) -> list[Invalid]:
    """Everything that is wrong with a version of the terms."""
    review = Review()
    _review_attribution(review, terms.attribution)
    _review_groups(review, terms.attribution)
    review.check(within, terms.hold_days, 0, MAX_DAYS, "days", "hold_days")
    review.check(within, len(terms.commissions), 1, MAX_RULES, "rules", "commissions")
    seen: set[object] = set()
    for position, rule in enumerate(terms.commissions[:MAX_RULES]):
        path = f"commissions[{position}]"
        _review_rule(review, rule, path)
        _review_selector(review, rule, terms.attribution, path)
        review.check(_first_of, rule, seen, f"{path}.event")
        seen.add(rule.selector)
    review_monthly(review, terms)
    return review.problems


def _review_attribution(review: Review, attribution: Attribution) -> None:
    path = "attribution"
    review.check(_known, attribution.model, MODELS, "model_unknown", f"{path}.model")
    review.check(within, attribution.window_days, 1, MAX_WINDOW_DAYS, "days", f"{path}.window_days")
    for method, days in attribution.window_days_by_method.items():
        review.check(within, days, 1, MAX_WINDOW_DAYS, "days", f"{path}.window_days_by_method.{method}")
    by_event = attribution.window_days_by_event
    review.check(within, len(by_event), 0, MAX_EVENTS, "events", f"{path}.window_days_by_event")
    for event, days in list(by_event.items())[:MAX_EVENTS]:
        review.check(_event, event, f"{path}.window_days_by_event")
        review.check(within, days, 1, MAX_WINDOW_DAYS, "days", f"{path}.window_days_by_event.{event}")
    if attribution.lock is not None and attribution.lock.months is not None:
        review.check(within, attribution.lock.months, 1, MAX_MONTHS, "months", f"{path}.lock.months")
    hosts = attribution.stand_down
    review.check(within, len(hosts), 0, MAX_STAND_DOWN, "hosts", f"{path}.stand_down")
    for position, host in enumerate(hosts[:MAX_STAND_DOWN]):
        review.check(_host, host, f"{path}.stand_down[{position}]")
    review.check(within, attribution.half_life_days, 1, MAX_DAYS, "days", f"{path}.half_life_days")
    review.check(_weights, attribution.weights, f"{path}.weights")
    weights = attribution.channel_weights
    review.check(within, len(weights), 0, MAX_CHANNELS, "channels", f"{path}.channel_weights")
    for channel, weight in list(weights.items())[:MAX_CHANNELS]:
        review.check(check_slug, channel, f"{path}.channel_weights")
        review.check(within, weight, 0, MAX_WEIGHT, "parts", f"{path}.channel_weights.{channel}")
    of_partners = ("partner", *attribution.groups)
    if attribution.model == "channel_weights" and not any(weights.get(name) for name in of_partners):
        text = "one group, or partner, weighs more than 0: nobody would earn"
        review.check(_refuse, "weights_invalid", text, f"{path}.channel_weights")


def _review_groups(review: Review, attribution: Attribution) -> None:
    path = "attribution.groups"
    review.check(within, len(attribution.groups), 0, MAX_GROUPS, "groups", path)
    members: set[str] = set()
    for group, partners in list(attribution.groups.items())[:MAX_GROUPS]:
        review.check(check_slug, group, path)
        review.check(within, len(partners), 0, MAX_MEMBERS, "partners", f"{path}.{group}")
        for position, partner in enumerate(partners[:MAX_MEMBERS]):
            review.check(check_slug, partner, f"{path}.{group}[{position}]")
            review.check(_in_no_other, partner, members, f"{path}.{group}[{position}]")
            members.add(partner)
    for position, group in enumerate(attribution.priority):
        field = f"attribution.priority[{position}]"
        review.check(_known, group, attribution.groups, "group_unknown", field)
        if group in attribution.priority[:position]:
            review.check(_refuse, "group_repeated", "this group has a place already", field)


def _review_rule(review: Review, rule: CommissionRule, path: str) -> None:
    review.check(_event, rule.event, f"{path}.event")
    review.check(_known, rule.kind, KINDS, "kind_unknown", f"{path}.kind")
    figures = {"rate_bp": rule.rate_bp, "amount": rule.amount_minor, "tiers": rule.tiers or None}
    if rule.kind in _FIGURES:
        for name, value in figures.items():
            check = _given if name == _FIGURES[rule.kind] else _absent
            review.check(check, value, rule.kind, name, f"{path}.{name}")
    if rule.rate_bp is not None:
        review.check(within, rule.rate_bp, 0, MAX_RATE_BP, "basis points", f"{path}.rate_bp")
    for name, value in {
        "amount": rule.amount_minor,
        "min_order": rule.min_order_minor,
        "cap": rule.cap_minor,
    }.items():
        if value is not None:
            review.check(check_amount, value, f"{path}.{name}")
    if rule.recurring_months is not None:
        review.check(within, rule.recurring_months, 1, MAX_MONTHS, "months", f"{path}.recurring_months")
        if rule.customer is CustomerKind.UNKNOWN:
            review.check(_refuse, "field_invalid", "nobody knows since when", f"{path}.recurring_months")
    _review_tiers(review, rule.tiers, f"{path}.tiers")


def _review_tiers(review: Review, tiers: Sequence[Tier], path: str) -> None:
    review.check(within, len(tiers), 0, MAX_TIERS, "tiers", path)
    for position, tier in enumerate(tiers[:MAX_TIERS]):
        review.check(within, tier.rate_bp, 0, MAX_RATE_BP, "basis points", f"{path}[{position}].rate_bp")
        review.check(check_amount, tier.from_minor, f"{path}[{position}].from_amount")
        if position == 0 and tier.from_minor != 0:
            review.check(_refuse, "tiers_invalid", "the first tier is from 0", f"{path}[0].from_amount")
        if position and tier.from_minor <= tiers[position - 1].from_minor:
            review.check(
                _refuse, "tiers_invalid", "tiers rise from one to the next", f"{path}[{position}].from_amount"
            )


def _review_selector(review: Review, rule: CommissionRule, attribution: Attribution, path: str) -> None:
    if rule.partner is not None:
        review.check(check_slug, rule.partner, f"{path}.partner")
        review.check(_absent, rule.group, "partner's", "group", f"{path}.group")
    if rule.group is not None:
        review.check(_known, rule.group, attribution.groups, "group_unknown", f"{path}.group")
    if rule.sku is not None:
        review.check(_absent, rule.category, "product's", "category", f"{path}.category")
    named = {"sku": rule.sku, "category": rule.category}
    named |= {f"exclude[{position}]": name for position, name in enumerate(rule.exclude)}
    for name, value in named.items():
        if value is not None:
            review.check(_name, value, f"{path}.{name}")


def _first_of(rule: CommissionRule, seen: set[object], field: str) -> None:
    if rule.selector in seen:
        raise Invalid("event_repeated", "another rule pays for this event, partner and product", field)


def _in_no_other(partner: str, members: set[str], field: str) -> None:
    if partner in members:
        raise Invalid("partner_repeated", "a partner is in one group only", field)


def _known(name: str, table: Iterable[str], code: str, field: str) -> None:
    if name not in table:
        raise Invalid(code, f"must be one of {', '.join(table)}" if table else "there are none", field)


def _given(value: object, kind: str, name: str, field: str) -> None:
    if value is None:
        raise Invalid("field_required", f"a {kind} rule has {name}", field)


def _absent(value: object, kind: str, name: str, field: str) -> None:
    if value is not None:
        raise Invalid("field_invalid", f"a {kind} rule has no {name}", field)


def _refuse(code: str, message: str, field: str) -> None:
    raise Invalid(code, message, field)


def _weights(weights: tuple[int, int, int], field: str) -> None:
    if any(weight < 0 for weight in weights) or sum(weights) != 100:
        raise Invalid("weights_invalid", "weights are three integers from 0 that sum to 100", field)


def _name(name: str, field: str) -> None:
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid("name_invalid", "must be 1 to 100 printable characters", field)


def _host(host: str, field: str) -> None:
    if normal_domain(host) != host:
        raise Invalid("domain_invalid", "a host name such as checkout.example.com", field)


def _event(event: str, field: str) -> None:
    if not _EVENT.fullmatch(event):
        raise Invalid("event_invalid", "event must be 1 to 64 letters, digits, spaces or _.:-", field)
