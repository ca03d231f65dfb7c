"""How much time Lambda leaves an invocation."""

from collections.abc import Callable
from typing import Any

RESERVE_MS = 60_000
"""What is kept for finishing: drafts, messages, and a storage that answers slowly."""


def has_time(event: Any) -> Callable[[], bool]:
    """Tells, whenever it is asked, whether there is time to begin something more."""
    return lambda: event.context.get_remaining_time_in_millis() > RESERVE_MS
