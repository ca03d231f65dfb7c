"""Flat: the same amount for every event, in the program's currency."""

from fractions import Fraction

from chalicelib.domain.commission.sale import Sale, Waiting
from chalicelib.domain.terms import CommissionRule


def pay(rule: CommissionRule, sale: Sale) -> Fraction:
    """`amount_minor`, where the sale is in the program's currency; elsewhere it waits for a rate."""
    if rule.amount_minor is None:
        raise ValueError("a flat rule has an amount_minor")
    if sale.content.currency != sale.program_currency:
        raise Waiting("rate_missing", f"a flat amount in {sale.program_currency} needs a rate for this sale")
    return Fraction(rule.amount_minor)
