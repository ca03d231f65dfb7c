"""Commission kinds: what one rule pays for one sale, exactly, before it is rounded.

A kind is a function from the rule and the sale to an exact amount of minor units in the sale's currency;
it raises `Waiting` where it cannot tell. To add one: write it in a file of its own here, and give it a
line in `KINDS`.
"""

from collections.abc import Callable
from fractions import Fraction

from chalicelib.domain.commission import flat, percent, tiered
from chalicelib.domain.commission.sale import Sale
from chalicelib.domain.terms import CommissionRule

Kind = Callable[[CommissionRule, Sale], Fraction]

KINDS: dict[str, Kind] = {
    "percent": percent.pay,
    "flat": flat.pay,
    "tiered": tiered.pay,
}
