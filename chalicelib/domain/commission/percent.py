"""Percent: a rate of the sale."""

from fractions import Fraction

from chalicelib.domain.commission.sale import Sale
from chalicelib.domain.terms import CommissionRule


def pay(rule: CommissionRule, sale: Sale) -> Fraction:
    """`rate_bp` ten-thousandths of the amount."""
    if rule.rate_bp is None:
        raise ValueError("a percent rule has a rate_bp")
    return Fraction(sale.content.amount_minor * rule.rate_bp, 10_000)
