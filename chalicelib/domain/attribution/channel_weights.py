"""The program's own weights: every touch weighs what its channel does.

A touch's channel is the group that its partner is in, where the weights name that; else it is `partner`.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution


def weigh(touches: Sequence[Touch], _occurred_at: datetime, rules: Attribution) -> list[int]:
    """Each touch's weight in the terms; a channel that they don't name weighs nothing."""
    weights = rules.channel_weights
    return [weights.get(rules.group_of(t.partner) or "", weights.get(t.channel, 0)) for t in touches]
