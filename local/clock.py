"""The clock of the local stack: the system's, until it is set; then it stands still, over restarts too."""

import json
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.domain.period import format_instant, parse_instant


class LocalClock:
    """Tells the time that everything in the stack reads; what was set is kept in `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._set: datetime | None = None
        if path.exists():
            kept = json.loads(path.read_text())["now"]
            self._set = parse_instant(kept, "now") if kept else None

    def __call__(self) -> datetime:
        return self._set or datetime.now(UTC)

    @property
    def stands_still(self) -> bool:
        """Whether it was set."""
        return self._set is not None

    def set(self, now: datetime | None) -> None:
        """Stand still at this instant; None follows the system's clock again."""
        kept = json.dumps({"now": format_instant(now) if now else None})
        fresh = self._path.with_suffix(".new")
        fresh.write_text(kept)
        fresh.replace(self._path)
        self._set = now
