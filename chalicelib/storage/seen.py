"""From where partners were in the portal today, in the `counts` table: a digest of the address, and who.

The digest is made under the day's key, and goes with it.
"""

from datetime import datetime

from chalicelib.settings import Settings
from chalicelib.storage.table import Table

MOST_REMEMBERED = 1_000


class Seen:
    """Who was seen where. A process remembers what it has noted, so that a partner's pages cost one write."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "counts")
        self._noted: set[tuple[str, str]] = set()

    def note(self, mark: str, partner: str, expires_at: datetime) -> None:
        """Note that the partner was there.

        Raises:
            Unavailable: storage is away.
        """
        if (mark, partner) in self._noted:
            return
        item = {"pk": f"seen#{mark}", "sk": partner, "expires_at": int(expires_at.timestamp())}
        self._table.put(item)
        if len(self._noted) >= MOST_REMEMBERED:
            self._noted.clear()
        self._noted.add((mark, partner))

    def partners(self, mark: str, now: datetime) -> frozenset[str]:
        """The partners who were there today."""
        found = self._table.query(f"seen#{mark}")
        return frozenset(str(item["sk"]) for item in found if item["expires_at"] > now.timestamp())
