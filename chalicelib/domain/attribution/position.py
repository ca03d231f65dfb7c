"""Position-based (U-shaped): the first and the last touch earn most, those between share the rest."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def share(touches: Sequence[Touch], _occurred_at: datetime, rules: Attribution) -> list[Fraction]:
    """By the three `weights` (first, between, last); one touch earns the whole, two a half each."""
    count = len(touches)
    if count == 1:
        return [Fraction(1)]
    if count == 2:
        return [Fraction(1, 2)] * 2
    first, between, last = (Fraction(weight, sum(rules.weights)) for weight in rules.weights)
    return [first, *[between / (count - 2)] * (count - 2), last]
