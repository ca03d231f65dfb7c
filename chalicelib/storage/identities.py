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


@dataclass(frozen=True, slots=True)
class Journey:
    """Whose a journey is, and the conversions known by it, with whether somebody vouches for that."""

    customers: tuple[str, ...]
    conversions: dict[str, bool]


class Identities:
    """The identities table; readers ignore what is past its time, whether deleted yet or not."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "identities")

    def add_visitor(self, program: str, customer: str, visitor: str, expires_at: datetime) -> None:
        """Keep that this journey is this customer's, and the customer this journey's."""
        ends_s = int(expires_at.timestamp()) + 1
        self._put(_of_journey(program, visitor), f"customer#{customer}", _TTL, ends_s)
        self._put(f"{program}#{customer}", f"visitor#{visitor}", _TTL, ends_s)

    def add_to_journey(
        self, program: str, visitor: str, conversion: str, expires_at: datetime, *, trusted: bool
    ) -> None:
        """Keep that this conversion is known by this journey, and whether somebody vouches for that."""
        key = f"conversion#{'trusted' if trusted else 'told'}#{conversion}"
        self._put(_of_journey(program, visitor), key, _TTL, int(expires_at.timestamp()) + 1)

    def add_conversion(self, program: str, customer: str, conversion: str, expires_at: datetime) -> None:
        """Keep that this conversion is this customer's; after that time only for whoever erases it."""
        ends_s = int(expires_at.timestamp()) + 1
        self._put(f"{program}#{customer}", f"conversion#{conversion}", _UNTIL, ends_s)

    def remove_visitor(self, program: str, customer: str, visitor: str) -> None:
        """Forget that this journey is this customer's."""
        self._table.delete(f"{program}#{customer}", f"visitor#{visitor}")
        self._table.delete(_of_journey(program, visitor), f"customer#{customer}")

    def forget(self, program: str, customer: str, now: datetime) -> None:
        """Forget the customer's devices, and let no new one lead to its orders any more.

        Which orders these were stays, out of readers' sight: without it, the customer could not be erased.
        """
        for item in self._table.query(f"{program}#{customer}"):
            kind, value = item["sk"].split("#", 1)
            if kind == "visitor":
                self._forget_journey(program, value, customer)
                self._table.delete(item["pk"], item["sk"])
            else:
                self._put(item["pk"], item["sk"], _UNTIL, int(now.timestamp()))

    def every(self, program: str, customer: str) -> Known:
        """All that was ever known of the customer and is still there, what is past its time included."""
        keys = [item["sk"].split("#", 1) for item in self._table.query(f"{program}#{customer}")]
        return _known(keys)

    def remove_all(self, program: str, customer: str) -> None:
        """Delete all that is known of the customer, what is past its time included."""
        for item in self._table.query(f"{program}#{customer}"):
            kind, value = item["sk"].split("#", 1)
            if kind == "visitor":
                self._forget_journey(program, value, customer)
            self._table.delete(item["pk"], item["sk"])

    def known(self, program: str, customer: str, now: datetime) -> Known:
        """All that is known of the customer, in one consistent query."""
        return _known(self._alive(f"{program}#{customer}", now))

    def of_journey(self, program: str, visitor: str, now: datetime) -> Journey:
        """All that is known of the journey, in one consistent query."""
        customers: list[str] = []
        conversions: dict[str, bool] = {}
        for kind, value in self._alive(_of_journey(program, visitor), now):
            if kind == "customer":
                customers.append(value)
            else:
                trust, conversion = value.split("#")
                conversions[conversion] = conversions.get(conversion, False) or trust == "trusted"
        return Journey(tuple(customers), conversions)

    def _forget_journey(self, program: str, visitor: str, customer: str) -> None:
        """Forget whose the journey is, and which conversions are known by it."""
        for item in self._table.query(_of_journey(program, visitor)):
            if item["sk"] == f"customer#{customer}" or item["sk"].startswith("conversion#"):
                self._table.delete(item["pk"], item["sk"])

    def _alive(self, pk: str, now: datetime) -> Iterator[list[str]]:
        for item in self._table.query(pk):
            if item[_UNTIL if _UNTIL in item else _TTL] > now.timestamp():
                yield item["sk"].split("#", 1)

    def _put(self, pk: str, sort_key: str, ends: str, at_s: int) -> None:
        self._table.put({"pk": pk, "sk": sort_key, ends: at_s})


def _of_journey(program: str, visitor: str) -> str:
    return f"{program}#journey#{visitor}"


def _known(keys: Iterable[list[str]]) -> Known:
    found: dict[str, list[str]] = {"visitor": [], "conversion": []}
    for kind, value in keys:
        found[kind].append(value)
    return Known(tuple(found["visitor"]), tuple(found["conversion"]))
