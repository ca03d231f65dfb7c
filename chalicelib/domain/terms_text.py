"""Terms in words, as partners read them: generated from the terms themselves, so that both always agree.

Of groups and rules for others nothing is told: a version is first cut down to what one partner may see.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.domain.money import format_major
from chalicelib.domain.terms import (
    Attribution,
    Basis,
    CommissionRule,
    CouponRule,
    CustomerKind,
    MonthlyKind,
    MonthlyRule,
    MonthlyTier,
    Terms,
    TierMode,
)

MODELS = {
    "last": "The last click before the sale earns the whole commission.",
    "first": "The first click on the way to the sale earns the whole commission.",
    "last_non_direct": "The last click of any channel, direct visits left aside, earns the whole commission.",
    "linear": "Every click on the way to the sale earns the same part of the commission.",
    "time_decay": "Every click earns, the more the closer it is to the sale: half for every {days} days.",
    "position": "The first click earns {first} parts, the last one {last}, those between share {middle}.",
    "channel_weights": "Every click earns by the weight of the channel that it came through.",
}

COUPONS = {
    CouponRule.BEATS_CLICK: "Your promo code earns you the whole commission, whoever's link was clicked.",
    CouponRule.IF_IN_PATH: "Your promo code earns you the whole commission where your link was clicked, too.",
    CouponRule.IF_NO_CLICK: "Your promo code earns you the commission where nobody's link was clicked.",
    CouponRule.OFF: "Promo codes do not earn by themselves: only clicks do.",
}


CUSTOMERS = {
    None: "",
    CustomerKind.NEW: " of a new customer",
    CustomerKind.RETURNING: " of a returning customer",
    CustomerKind.UNKNOWN: " of a customer whom the shop does not name",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and its sentences."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a version took away from the one before it, and what it brought."""

    terms: Terms
    gone: tuple[str, ...]
    new: tuple[str, ...]


def seen_by(terms: Terms, partner: str) -> Terms:
    """The version without the groups and rules of other partners."""
    attribution = terms.attribution
    group = attribution.group_of(partner)
    mine: dict[str, tuple[str, ...]] = {group: (partner,)} if group is not None else {}
    rules = (r for r in terms.commissions if r.partner in {None, partner} and r.group in {None, group})
    months = (r for r in terms.monthly if r.partner in {None, partner} and r.group in {None, group})
    seen = replace(terms, attribution=replace(attribution, groups=mine))
    return replace(seen, commissions=tuple(rules), monthly=tuple(months))


def sections(terms: Terms, currency: str) -> list[Section]:
    """The version in words; `currency` is the program's."""
    return [
        Section("What you earn", tuple(_rule(rule, currency) for rule in terms.commissions)),
        *([Section("What a month adds", tuple(_months(terms, currency)))] if terms.monthly else []),
        Section("Which clicks count", tuple(_windows(terms.attribution))),
        Section("Who gets the credit", tuple(_credit(terms.attribution))),
        Section("When it is paid", tuple(_hold(terms.hold_days))),
    ]


def differences(versions: list[Terms], currency: str) -> list[Difference]:
    """What each version changed, newest first; the first version changed nothing."""
    found = []
    for before, after in itertools.pairwise(versions):
        old, new = _sentences(before, currency), _sentences(after, currency)
        gone = tuple(sentence for sentence in old if sentence not in new)
        came = tuple(sentence for sentence in new if sentence not in old)
        found.append(Difference(after, gone, came))
    return found[::-1]


def _sentences(terms: Terms, currency: str) -> list[str]:
    return [sentence for section in sections(terms, currency) for sentence in section.sentences]


def _rule(rule: CommissionRule, currency: str) -> str:
    what = f"For each {rule.event}{CUSTOMERS[rule.customer]}"
    if rule.sku:
        what += f" of product {rule.sku}"
    if rule.category:
        what += f" in {rule.category}"
    whom = " (agreed with you)" if rule.partner else " (for partners of your group)" if rule.group else ""
    text = f"{what}: {pays(rule, currency)}{whom}."
    if rule.exclude:
        text += f" Nothing for {', '.join(rule.exclude)}."
    if rule.min_order_minor:
        text += f" Only from an order of {_money(rule.min_order_minor, currency)} on."
    if rule.cap_minor is not None:
        text += f" At most {_money(rule.cap_minor, currency)} an order."
    if rule.recurring_months is not None:
        text += f" For {_months_long(rule.recurring_months)} from the customer's first {rule.event} on."
    return text


def _months(terms: Terms, currency: str) -> Iterator[str]:
    for rule in terms.monthly:
        mine = rule.currency or currency
        what = rule.event or "every sale"
        if rule.kind is MonthlyKind.CAP:
            yield f"For {what}: at most {_money(rule.amount_minor or 0, mine)} a month, additions included."
            continue
        for tier in rule.tiers:
            start = (
                f"{tier.start} of them" if rule.by is Basis.COUNT else f"{_money(tier.start, mine)} of sales"
            )
            yield f"For {what}, from {start} in a month on: {_more(rule, tier, mine)}."
    yield "A month keeps the rules with which it began."


def _more(rule: MonthlyRule, tier: MonthlyTier, currency: str) -> str:
    amount = _money(tier.amount_minor or 0, currency)
    if rule.kind is MonthlyKind.MILESTONE:
        return f"{amount} once"
    which = "all of the month" if rule.tier_mode is TierMode.RETROACTIVE else "what comes after that"
    return f"{amount if tier.rate_bp is None else _percent(tier.rate_bp)} more for {which}"


def _months_long(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"


def pays(rule: CommissionRule, currency: str) -> str:
    """What the rule pays; `currency` is the program's."""
    if rule.tiers:
        brackets = ", ".join(
            f"{_percent(tier.rate_bp)} from {_money(tier.from_minor, currency)}" for tier in rule.tiers
        )
        whole = "all of that" if rule.is_for_lines else "the whole order"
        of = whole if rule.tier_mode is TierMode.RETROACTIVE else "the part from there on"
        return f"{brackets}, of {of}"
    if rule.rate_bp is not None:
        return _percent(rule.rate_bp) if rule.is_for_lines else f"{_percent(rule.rate_bp)} of the order"
    each = " for each piece" if rule.is_for_lines else ""
    return f"{_money(rule.amount_minor or 0, currency)}{each}"


def _windows(attribution: Attribution) -> Iterator[str]:
    yield f"A click counts for sales in the {_days(attribution.window_days)} after it."
    for method, days in sorted(attribution.window_days_by_method.items()):
        if days != attribution.window_days:
            yield f"For sales that are reported by {method}: {_days(days)}."
    for event, days in sorted(attribution.window_days_by_event.items()):
        yield f"For each {event}: {_days(days)}."
    for host in attribution.stand_down:
        yield f"Links on pages of {host} earn nothing: whoever is there has found the shop already."


def _credit(attribution: Attribution) -> Iterator[str]:
    first, middle, last = attribution.weights
    template = MODELS.get(attribution.model, f"Credit is shared by the model {attribution.model}.")
    yield template.format(days=attribution.half_life_days, first=first, middle=middle, last=last)
    yield COUPONS[attribution.coupon]
    if attribution.lock is not None:
        months = attribution.lock.months
        lasts = "for ever" if months is None else f"for {_months_long(months)}"
        yield f"Whoever earns an order earns its customer's later ones {lasts}, whatever led to those."
    if attribution.priority and attribution.groups:
        (group,) = attribution.groups
        if group in attribution.priority:
            place = attribution.priority.index(group) + 1
            yield f"Your group, {group}, is number {place} in the order of groups."
    if attribution.priority:
        yield "Where partners of several groups are on the way to a sale, the group that comes first earns."


def _hold(days: int) -> Iterator[str]:
    if days:
        yield f"A commission is pending for {_days(days)} after the sale, in case goods come back."
    yield "After that it is approved, and paid with the month in which that happens."
    yield "What is refunded takes its part of the commission back, at the rate that it was earned at."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _percent(rate_bp: int) -> str:
    whole, rest = divmod(rate_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


def _money(amount_minor: int, currency: str) -> str:
    return f"{format_major(amount_minor, currency)} {currency}"
