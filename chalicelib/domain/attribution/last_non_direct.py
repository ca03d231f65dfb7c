"""Last non-direct: the newest touch of any channel earns the whole; visits out of the blue count for nothing.

So a partner earns only where no search, ad, e-mail or other channel brought the customer after it. As web
analytics have it (Google Analytics 4's "last click", support.google.com/analytics/answer/10596866). Direct
visits leave no touch.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def weigh(touches: Sequence[Touch], _occurred_at: datetime, _rules: Attribution) -> list[int]:
    """1 for the newest touch, whosever it is, and 0 for the others."""
    return [*[0] * (len(touches) - 1), 1]
