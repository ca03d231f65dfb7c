"""Attribution models: how the touches that count share one conversion.

A model is a function from touches (at least one, oldest first) to exact shares, one a touch, that sum
to 1. It counts touches, not partners. To add one: write it in a file of its own here, and give it a line
in `MODELS`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction

from chalicelib.domain.attribution import first, last, linear, position, time_decay
from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution

Model = Callable[[Sequence[Touch], datetime, Attribution], list[Fraction]]
"""Takes the touches, the conversion's `occurred_at` and the terms' attribution."""

MODELS: dict[str, Model] = {
    "first": first.share,
    "last": last.share,
    "linear": linear.share,
    "position": position.share,
    "time_decay": time_decay.share,
}
