"""Tiered: a rate that grows with the amount of the sale.

Marginal: each part of the amount pays the rate of the bracket that it lies in, as income tax does.
Retroactive: the bracket that the whole amount reaches pays for all of it. An amount that is exactly a
bracket's beginning has reached it.
"""

from fractions import Fraction

from chalicelib.domain.commission.sale import Sale
from chalicelib.domain.terms import CommissionRule, TierMode


def pay(rule: CommissionRule, sale: Sale) -> Fraction:
    """The brackets' rates on the amount; brackets are stated in the program's currency."""
    if not rule.tiers:
        raise ValueError("a tiered rule has tiers")
    amount = sale.content.amount_minor
    reached = [
        (start, tier.rate_bp) for tier in rule.tiers if (start := sale.stated(tier.from_minor)) <= amount
    ]
    if not reached:
        return Fraction(0)
    if rule.tier_mode is TierMode.RETROACTIVE:
        return Fraction(amount * reached[-1][1], 10_000)
    ends = [*(start for start, _ in reached[1:]), Fraction(amount)]
    parts = ((end - start) * rate_bp for (start, rate_bp), end in zip(reached, ends, strict=True))
    return sum(parts, Fraction(0)) / 10_000
