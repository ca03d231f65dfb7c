"""Linear: every touch earns the same."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def weigh(touches: Sequence[Touch], _occurred_at: datetime, _rules: Attribution) -> list[int]:
    """1 for each touch."""
    return [1] * len(touches)
