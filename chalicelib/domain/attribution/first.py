"""First touch: the partner who introduced the customer earns the whole."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def weigh(touches: Sequence[Touch], _occurred_at: datetime, _rules: Attribution) -> list[int]:
    """1 for the oldest touch, 0 for the others."""
    return [1, *[0] * (len(touches) - 1)]
