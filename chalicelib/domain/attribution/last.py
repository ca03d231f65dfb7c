"""Last touch: the partner who brought the customer to this purchase earns the whole."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def share(touches: Sequence[Touch], _occurred_at: datetime, _rules: Attribution) -> list[Fraction]:
    """1 for the newest touch, 0 for the others."""
    return [*[Fraction(0)] * (len(touches) - 1), Fraction(1)]
