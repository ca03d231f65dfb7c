"""Linear: every touch earns the same."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def share(touches: Sequence[Touch], _occurred_at: datetime, _rules: Attribution) -> list[Fraction]:
    """1/n for each of n touches."""
    return [Fraction(1, len(touches))] * len(touches)
