"""The price of a sale for one partner: which rule pays for what, and how much, exactly.

A rule may be for one partner or a group, for a product or a category of lines, and for new, returning or
unknown customers. Of the rules that match a line the most specific one pays for it: first by whom it is for
(the partner, its group, everybody), then by what (the product, its category, anything), then by the customer.
What no line accounts for, and all of an order without lines, falls to the most specific rule for anything.
Where something is left that no rule is for, the price isn't guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from chalicelib.domain.commission import KINDS
from chalicelib.domain.commission.sale import Sale, Waiting
from chalicelib.domain.conversion import Content, Item
from chalicelib.domain.terms import CommissionRule, CustomerKind


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule pays for its part of the sale, in minor units of the sale's currency.

    `limited` says what changed the plain result: `minimum_order`, `cap`, `recurring_over` or nothing;
    `lines` are the
    positions of the order's lines that it pays for, None for whatever nothing else accounts for.
    """

    rule: CommissionRule
    base_minor: int
    pays: Fraction
    limited: str = ""
    lines: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Price:
    """What a partner would earn for the whole sale; `excluded_minor` of it earns nothing by the rules.

    `excluded_lines` are the positions of the lines that it is made of; `stated_in` is the currency in which
    the rules state amounts. Partners share one price, whose words are found once for all: so it has no slots.
    """

    parts: tuple[Part, ...]
    stated_in: str
    excluded_minor: int = 0
    excluded_lines: tuple[int, ...] = ()

    @property
    def exact(self) -> Fraction:
        """The sum of the parts, unrounded."""
        if len(self.parts) == 1:
            return self.parts[0].pays
        return sum((part.pays for part in self.parts), Fraction(0))

    @cached_property
    def text(self) -> str:
        """The rules in a few words, as ledgers tell them."""
        return " + ".join(dict.fromkeys(rule_text(part.rule) for part in self.parts)) or "no rule"


def price(rules: Sequence[CommissionRule], partner: str, group: str | None, sale: Sale) -> Price:
    """The price of this sale for the partner, under the rules of the sale's event.

    Raises:
        Waiting: `commission_rule_missing`, `customer_missing`, `items_exceed_amount`, `rate_missing`.
    """
    matching = [rule for rule in rules if _is_for(rule, partner, group)]
    if not sale.tenure.known:
        _check_nobody_asks(matching)
    matching = [rule for rule in matching if rule.customer in {None, sale.tenure.kind}]
    if len(matching) == 1 and not matching[0].is_for_lines and not matching[0].exclude:
        return Price((_pay(matching[0], sale, sale),), sale.program_currency)
    whole = _best(rule for rule in matching if not rule.is_for_lines)
    items = sale.content.items
    by_rule: dict[CommissionRule, list[int]] = {}
    excluded_lines = []
    for position, item in enumerate(items):
        rule = _best(rule for rule in matching if _takes(rule, item))
        if rule and item.category is not None and item.category in rule.exclude:
            excluded_lines.append(position)
        elif rule and rule.is_for_lines:
            by_rule.setdefault(rule, []).append(position)
    excluded = sum(items[position].amount_minor for position in excluded_lines)
    parts = [
        replace(_pay(rule, _lines(sale, [items[p] for p in lines]), sale), lines=tuple(lines))
        for rule, lines in by_rule.items()
    ]
    rest = sale.content.amount_minor - excluded - sum(part.base_minor for part in parts)
    if rest < 0:
        raise Waiting("items_exceed_amount", "the lines that rules are for come to more than the order")
    if rest > 0 or not parts:
        if whole is None:
            raise Waiting("commission_rule_missing", "the terms have no rule for all of this sale")
        content = Content(rest, sale.content.currency, sale.content.items)
        parts.append(_pay(whole, replace(sale, content=content), sale))
    return Price(tuple(parts), sale.program_currency, excluded, tuple(excluded_lines))


def line_shares(price: Price, items: Sequence[Item]) -> tuple[Fraction, ...]:
    """Which part of the price each line of the order earns, and at the end what no line accounts for.

    Within what one rule pays, lines earn by their amounts, and by their quantities where it pays for each
    piece. They add up to 1.
    """
    shares = [Fraction(0)] * len(items)
    named = {p for part in price.parts for p in part.lines or ()} | set(price.excluded_lines)
    for part in price.parts:
        lines = part.lines if part.lines is not None else [p for p in range(len(items)) if p not in named]
        weights = [_weight(part.rule, items[p]) for p in lines]
        total = sum(weights)
        if part.lines is None:
            total = max(total, part.base_minor)
        if divisor := total * price.exact:
            for position, weight in zip(lines, weights, strict=True):
                shares[position] += part.pays * weight / divisor
    return (*shares, 1 - sum(shares, Fraction(0)))


def _weight(rule: CommissionRule, item: Item) -> int:
    return item.quantity if rule.kind == "flat" and rule.is_for_lines else item.amount_minor


def rule_text(rule: CommissionRule) -> str:
    """A rule in a few words: what it pays, and for whom and what, where it is not for all."""
    if rule.kind == "tiered":
        brackets = ", ".join(f"{tier.rate_bp} bp from {tier.from_minor}" for tier in rule.tiers)
        pays = f"tiered {rule.tier_mode}: {brackets}"
    else:
        pays = f"{rule.rate_bp} bp" if rule.rate_bp is not None else f"{rule.kind} {rule.amount_minor}"
    names = narrowed(rule)
    return f"{pays} ({', '.join(names)})" if names else pays


def narrowed(rule: CommissionRule) -> list[str]:
    """For whom and what the rule is, where it is not for all, each in two words."""
    stated: dict[str, object] = {"partner": rule.partner, "group": rule.group, "product": rule.sku}
    stated |= {"category": rule.category, "customer": rule.customer, "months": rule.recurring_months}
    return [f"{name} {value}" for name, value in stated.items() if value]


def _check_nobody_asks(rules: Sequence[CommissionRule]) -> None:
    """Go on where no rule asks for the customer, or another one says what pays while nobody knows."""
    told = {rule.place for rule in rules if rule.customer is CustomerKind.UNKNOWN}
    if any(rule.asks_who and rule.place not in told for rule in rules):
        raise Waiting("customer_missing", "the rules ask for the customer, and nobody told who it is")


def _is_for(rule: CommissionRule, partner: str, group: str | None) -> bool:
    return rule.partner in {None, partner} and rule.group in {None, group}


def _takes(rule: CommissionRule, item: Item) -> bool:
    return rule.sku in {None, item.sku} and rule.category in {None, item.category}


def _best(rules: Iterable[CommissionRule]) -> CommissionRule | None:
    return max(rules, key=lambda rule: rule.specificity, default=None)


def _lines(sale: Sale, items: Sequence[Item]) -> Sale:
    content = Content(sum(item.amount_minor for item in items), sale.content.currency, tuple(items))
    return replace(sale, content=content, units=sum(item.quantity for item in items))


def _pay(rule: CommissionRule, part: Sale, order: Sale) -> Part:
    """The rule on its part; its minimum looks at the whole order, its cap at what the part pays."""
    base = part.content.amount_minor
    if rule.min_order_minor and order.content.amount_minor < order.stated(rule.min_order_minor):
        return Part(rule, base, Fraction(0), "minimum_order")
    if rule.recurring_months is not None and not order.tenure.is_within(rule.recurring_months):
        return Part(rule, base, Fraction(0), "recurring_over")
    pays = KINDS[rule.kind](rule, part)
    if rule.cap_minor is not None and pays > (cap := order.stated(rule.cap_minor)):
        return Part(rule, base, cap, "cap")
    return Part(rule, base, pays)
