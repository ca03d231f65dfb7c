"""What a sale is worth: the price of each partner's share of it, in the currency that is booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm

from chalicelib.domain.commission.pricing import Price, price
from chalicelib.domain.commission.sale import Sale, Waiting, exchange
from chalicelib.domain.conversion import Report
from chalicelib.domain.customer import NOBODY, Tenure
from chalicelib.domain.money import round_half_away
from chalicelib.domain.period import local_day
from chalicelib.domain.program import Program
from chalicelib.domain.rates import Rates
from chalicelib.domain.terms import CommissionRule, Terms

_ANY_DAY = date.min
"""Where one currency does for all, no rate is looked up."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What the sale is worth in the currency that is booked: the sale, and by partner the price of it all.

    `exact` is the commission in minor units; `parts` says in which proportion the partners earn it, in
    their order.
    """

    currency: str
    sale_minor: int
    prices: dict[str, Price]
    exact: Fraction = Fraction(0)
    parts: Sequence[int] = ()
    exchanged: str = ""

    @property
    def text(self) -> str:
        """The rules that made it, in a few words."""
        distinct = {id(price): price for price in self.prices.values()}
        return "; ".join(price.text for price in distinct.values()) or "no rule"


def unknown(report: Report) -> Worth:
    """The worth of a sale whose commission can't be told yet."""
    return Worth(report.content.currency, report.content.amount_minor, {})


def reckon(
    report: Report,
    program: Program,
    terms: Terms,
    weights: dict[str, int],
    rates: Rates,
    tenure: Tenure = NOBODY,
) -> Worth:
    """The worth of the sale. Its day, for exchange rates, is that of the program's time zone.

    Raises:
        Waiting: a rule, a rate or the customer is missing.
    """
    content, event = report.content, report.event
    rules = [rule for rule in terms.commissions if rule.event == event]
    if not rules:
        raise Waiting("commission_rule_missing", f"the terms have no commission for {event}")
    booked = program.settle_in or content.currency
    one_currency = content.currency == booked == program.currency
    on = _ANY_DAY if one_currency else local_day(report.occurred_at, program.timezone)
    sale = Sale(content, program.currency, rates=rates, on=on, tenure=tenure)
    sale_minor = content.amount_minor
    if booked != content.currency:
        sale_minor = round_half_away(exchange(sale_minor, content.currency, booked, rates, on))
    prices = _prices(rules, weights, terms, sale)
    exact, parts = _weigh_prices(prices, weights)
    rate = rates.find(content.currency, booked, on) if booked != content.currency else None
    return Worth(
        booked,
        sale_minor,
        prices,
        exchange(exact, content.currency, booked, rates, on),
        parts,
        str(rate) if rate else "",
    )


def _weigh_prices(prices: dict[str, Price], weights: dict[str, int]) -> tuple[Fraction, list[int]]:
    """The commission of all partners together, each by its own price, and the proportion of their parts."""
    same = next(iter(prices.values()))
    if all(price is same for price in prices.values()):
        return same.exact, list(weights.values())
    whole = sum(weights.values())
    exact = [prices[partner].exact * weight / whole for partner, weight in weights.items()]
    common = lcm(*(part.denominator for part in exact))
    return sum(exact, Fraction(0)), [part.numerator * (common // part.denominator) for part in exact]


def _prices(
    rules: Sequence[CommissionRule], weights: dict[str, int], terms: Terms, sale: Sale
) -> dict[str, Price]:
    """By partner; reckoned once where no rule is for some partners only."""
    if not any(rule.partner or rule.group for rule in rules):
        return dict.fromkeys(weights, price(rules, "any partner", None, sale))
    return {partner: price(rules, partner, terms.attribution.group_of(partner), sale) for partner in weights}
