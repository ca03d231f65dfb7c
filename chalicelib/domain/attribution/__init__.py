"""Attribution models: how the touches that count share one conversion.

A model is a function from touches (at least one, oldest first) to integer weights, one a touch, none
negative. A touch's share is its weight over their sum: exact, and 1 in all. Where every weight is 0 nobody
earns. It counts touches, not partners. To add one: write it in a file of its own here, and give it a line
in `MODELS`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.attribution import (
    channel_weights,
    first,
    last,
    last_non_direct,
    linear,
    position,
    time_decay,
)
from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution

Model = Callable[[Sequence[Touch], datetime, Attribution], list[int]]
"""Takes the touches, the conversion's `occurred_at` and the terms' attribution."""

MODELS: dict[str, Model] = {
    "first": first.weigh,
    "last": last.weigh,
    "last_non_direct": last_non_direct.weigh,
    "linear": linear.weigh,
    "position": position.weigh,
    "time_decay": time_decay.weigh,
    "channel_weights": channel_weights.weigh,
}

ALL_CHANNELS = frozenset({"last_non_direct"})
"""Models that are shown the touches of other channels too; what they give those, no partner earns."""
