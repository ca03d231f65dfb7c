"""Last touch: the partner who brought the customer to this purchase earns the whole."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def weigh(touches: Sequence[Touch], _occurred_at: datetime, _rules: Attribution) -> list[int]:
    """1 for the newest touch, 0 for the others."""
    return [*[0] * (len(touches) - 1), 1]
