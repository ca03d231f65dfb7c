"""A random key for each UTC day, in the `counts` table: gone after its day, and then nobody can tell any more
which address a digest of that day was made from."""

import base64
import secrets
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.storage.table import Table

KEPT_FOR = timedelta(hours=2)
"""How long a key stays after its day, for processes that are a little late."""

_PK = "daily-keys"


class DailyKeys:
    """The keys of the present days. A process remembers the one that it used last."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "counts")
        self._last: tuple[date, bytes] | None = None

    def of(self, now: datetime) -> bytes:
        """The key of this day, made where nobody has made it yet; 32 bytes.

        Raises:
            Unavailable: storage is away.
        """
        day = now.date()
        if self._last is None or self._last[0] != day:
            self._last = (day, self._find_or_make(day))
        return self._last[1]

    def forget_past(self, now: datetime) -> int:
        """Delete the keys of days that are over, sooner than their TTL would; how many there were."""
        past = [item for item in self._table.query(_PK) if item["expires_at"] <= now.timestamp()]
        for item in past:
            self._table.delete(item["pk"], item["sk"])
        return len(past)

    def _find_or_make(self, day: date) -> bytes:
        ends = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) + KEPT_FOR
        item = self._table.find(_PK, day.isoformat())
        if item is None:
            key = base64.b64encode(secrets.token_bytes(32)).decode()
            made = {"pk": _PK, "sk": day.isoformat(), "key": key, "expires_at": int(ends.timestamp())}
            item = made if self._table.put_once(made) else self._table.find(_PK, day.isoformat())
        if item is None:
            raise Unavailable("storage_unavailable", "storage does not answer; try again")
        return base64.b64decode(str(item["key"]))
