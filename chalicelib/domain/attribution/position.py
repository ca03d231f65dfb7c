"""Position-based (U-shaped): the first and the last touch earn most, those between share the rest."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def weigh(touches: Sequence[Touch], _occurred_at: datetime, rules: Attribution) -> list[int]:
    """By the three `weights` (first, between, last); one touch earns the whole, two a half each."""
    between = len(touches) - 2
    if between <= 0:
        return [1] * len(touches)
    first, middle, last = rules.weights
    return [first * between, *[middle] * between, last * between]
