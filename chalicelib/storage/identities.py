"""Which devices (journeys) and which conversions belong to a customer, known only by an HMAC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.settings import Settings
from chalicelib.storage.table import Table


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
        self._put(program, customer, f"visitor#{visitor}", expires_at)

    def add_conversion(self, program: str, customer: str, conversion: str, expires_at: datetime) -> None:
        """Keep that this conversion is this customer's."""
        self._put(program, customer, f"conversion#{conversion}", expires_at)

    def remove_visitor(self, program: str, customer: str, visitor: str) -> None:
        """Forget that this journey is this customer's."""
        self._table.delete(f"{program}#{customer}", f"visitor#{visitor}")

    def remove_all(self, program: str, customer: str) -> None:
        """Forget all that is known of the customer, what is past its time included."""
        for item in self._table.query(f"{program}#{customer}"):
            self._table.delete(item["pk"], item["sk"])

    def known(self, program: str, customer: str, now: datetime) -> Known:
        """All that is known of the customer, in one consistent query."""
        visitors: list[str] = []
        conversions: list[str] = []
        for kind, value in self._alive(program, customer, now):
            (visitors if kind == "visitor" else conversions).append(value)
        return Known(tuple(visitors), tuple(conversions))

    def _alive(self, program: str, customer: str, now: datetime) -> Iterator[tuple[str, str]]:
        for item in self._table.query(f"{program}#{customer}"):
            if item["expires_at"] > now.timestamp():
                kind, value = item["sk"].split("#", 1)
                yield kind, value

    def _put(self, program: str, customer: str, sort_key: str, expires_at: datetime) -> None:
        self._table.put(
            {"pk": f"{program}#{customer}", "sk": sort_key, "expires_at": int(expires_at.timestamp()) + 1}
        )
