"""Attribution models: how the touches that count share one conversion.

A model is a function from touches (at least one, oldest first) to integer weights, one a touch, none
negative and at least one above 0. A touch's share is its weight over their sum: exact, and 1 in all. It
counts touches, not partners. To add one: write it in a file of its own here, and give it a line in
`MODELS`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.attribution import first, last, linear, position, time_decay
from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution

Model = Callable[[Sequence[Touch], datetime, Attribution], list[int]]
"""Takes the touches, the conversion's `occurred_at` and the terms' attribution."""

MODELS: dict[str, Model] = {
    "first": first.weigh,
    "last": last.weigh,
    "linear": linear.weigh,
    "position": position.weigh,
    "time_decay": time_decay.weigh,
}
