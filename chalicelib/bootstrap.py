"""The one place that wires a process: its settings, its stores and its clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from chalicelib import settings
from chalicelib.domain.period import whole_milliseconds
from chalicelib.storage.stores import Stores

Clock = Callable[[], datetime]


def _system_clock() -> datetime:
    return datetime.now(UTC)


_clock: Clock = _system_clock


@lru_cache(maxsize=1)
def stores() -> Stores:
    """The stores of this process."""
    return Stores(settings.load())


def now() -> datetime:
    """The time that everything reads: once a request or job, then passed on. UTC, whole milliseconds."""
    return whole_milliseconds(_clock())


def set_clock(clock: Clock | None) -> None:
    """Replace the clock (None: the system's again). Only the local stack and tests call this."""
    global _clock
    _clock = clock or _system_clock
