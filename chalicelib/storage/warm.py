"""What a warm process remembers for a moment, so that a redirect need not read it again.

A value is fresh for `MAX_AGE_S`; after that it is read again, and kept all the same for when storage is
away. Writes of this process forget it at once; those of another are seen when it is no longer fresh.
"""

import time
from dataclasses import dataclass
from typing import Any

MAX_AGE_S = 10.0
"""How long a value is used without another read."""

MAX_ENTRIES = 10_000
"""The oldest ones go first."""


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    fresh_until: float


class Warm:
    """Values by key. Threads may share it: every step is one operation of a dict."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}

    def find(self, kind: str, key: str) -> tuple[Any, bool]:
        """The value (None where there is none) and whether it is fresh."""
        entry = self._entries.get((kind, key))
        if entry is None:
            return None, False
        return entry.value, time.monotonic() < entry.fresh_until

    def keep(self, kind: str, key: str, value: object) -> None:
        """Remember the value from now on."""
        if len(self._entries) >= MAX_ENTRIES and (kind, key) not in self._entries:
            self._entries.pop(next(iter(self._entries), (kind, key)), None)
        self._entries[(kind, key)] = _Entry(value, time.monotonic() + MAX_AGE_S)

    def forget(self, kind: str, key: str) -> None:
        """Forget one value, because it was written."""
        self._entries.pop((kind, key), None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
