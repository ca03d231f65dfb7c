"""Which devices (journeys) and which conversions belong to a customer, known only by an HMAC."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.settings import Settings
from chalicelib.storage.table import Table

_TTL, _UNTIL = "expires_at", "until"
"""When an item is deleted, and until when one that stays is looked at."""


@dataclass(frozen=True, slots=True)
class Known:
    """A customer's journeys and conversions."""

    visitors: tuple[str, ...]
    conversions: tuple[str, ...]


class Identities:
    """The identities table; readers ignore what is past its time, whether deleted yet or not."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "identities")

    def add_visitor(self, program: str, customer: str, visitor: str, expires_at: datetime) -> None:
        """Keep that this journey is this customer's."""
        self._put(program, customer, f"visitor#{visitor}", _TTL, int(expires_at.timestamp()) + 1)

    def add_conversion(self, program: str, customer: str, conversion: str, expires_at: datetime) -> None:
        """Keep that this conversion is this customer's; after that time only for whoever erases it."""
        self._put(program, customer, f"conversion#{conversion}", _UNTIL, int(expires_at.timestamp()) + 1)

    def remove_visitor(self, program: str, customer: str, visitor: str) -> None:
        """Forget that this journey is this customer's."""
        self._table.delete(f"{program}#{customer}", f"visitor#{visitor}")

    def forget(self, program: str, customer: str, now: datetime) -> None:
        """Forget the customer's devices, and let no new one lead to its orders any more.

        Which orders these were stays, out of readers' sight: without it, the customer could not be erased.
        """
        for item in self._table.query(f"{program}#{customer}"):
            if item["sk"].startswith("visitor#"):
                self._table.delete(item["pk"], item["sk"])
            else:
                self._put(program, customer, item["sk"], _UNTIL, int(now.timestamp()))

    def every(self, program: str, customer: str) -> Known:
        """All that was ever known of the customer and is still there, what is past its time included."""
        keys = [item["sk"].split("#", 1) for item in self._table.query(f"{program}#{customer}")]
        return _known(keys)

    def remove_all(self, program: str, customer: str) -> None:
        """Delete all that is known of the customer, what is past its time included."""
        for item in self._table.query(f"{program}#{customer}"):
            self._table.delete(item["pk"], item["sk"])

    def known(self, program: str, customer: str, now: datetime) -> Known:
        """All that is known of the customer, in one consistent query."""
        return _known(self._alive(program, customer, now))

    def _alive(self, program: str, customer: str, now: datetime) -> Iterator[list[str]]:
        for item in self._table.query(f"{program}#{customer}"):
            if item[_UNTIL if _UNTIL in item else _TTL] > now.timestamp():
                yield item["sk"].split("#", 1)

    def _put(self, program: str, customer: str, sort_key: str, ends: str, at_s: int) -> None:
        self._table.put({"pk": f"{program}#{customer}", "sk": sort_key, ends: at_s})


def _known(keys: Iterable[list[str]]) -> Known:
    found: dict[str, list[str]] = {"visitor": [], "conversion": []}
    for kind, value in keys:
        found[kind].append(value)
    return Known(tuple(found["visitor"]), tuple(found["conversion"]))
