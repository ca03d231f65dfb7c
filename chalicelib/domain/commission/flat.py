"""Flat: the same amount for every event, in the program's currency; for lines of an order, for every unit."""

from fractions import Fraction

from chalicelib.domain.commission.sale import Sale
from chalicelib.domain.terms import CommissionRule


def pay(rule: CommissionRule, sale: Sale) -> Fraction:
    """`amount_minor` for each unit; where the sale is in another currency, at the rate of its day."""
    if rule.amount_minor is None:
        raise ValueError("a flat rule has an amount_minor")
    return sale.stated(rule.amount_minor * sale.units)
