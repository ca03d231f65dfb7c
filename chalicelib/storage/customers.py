"""A customer's orders, for ever: written in the same transaction as what an order says of its customer.

They lie beside the conversions, name the customer only by an HMAC, and never expire, because later orders are
decided by them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.table import Table


@dataclass(frozen=True, slots=True)
class Ordered:
    """That a conversion is an order of the customer: its event, and when it occurred as it now stands."""

    conversion: str
    event: str
    occurred_at: datetime


class Customers:
    """The customers' orders, in the conversions table."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "conversions")

    def actions(self, program: str, customers: Iterable[str], ordered: Ordered) -> list[dict[str, Any]]:
        """What keeps, for a transaction, that the order is these customers'."""
        said = {"event": ordered.event, "occurred_at": format_instant(ordered.occurred_at)}
        key = f"order#{ordered.conversion}"
        return [
            self._table.put_action({"pk": _pk(program, customer), "sk": key, **said})
            for customer in sorted(set(customers))
        ]

    def orders(self, program: str, customer: str) -> list[Ordered]:
        """The customer's orders, read consistently, by time and id."""
        found = [
            Ordered(
                item["sk"].partition("#")[2], item["event"], parse_instant(item["occurred_at"], "occurred_at")
            )
            for item in self._table.query(_pk(program, customer), prefix="order#")
        ]
        return sorted(found, key=lambda ordered: (ordered.occurred_at, ordered.conversion))

    def copy(self, program: str, customer: str, name: str) -> None:
        """Keep the customer's orders under this name as well."""
        for item in self._table.query(_pk(program, customer), prefix="order#"):
            self._table.put(item | {"pk": _pk(program, name)})

    def remove_all(self, program: str, customer: str) -> None:
        """Forget the customer's orders."""
        for item in self._table.query(_pk(program, customer), prefix="order#"):
            self._table.delete(item["pk"], item["sk"])


def _pk(program: str, customer: str) -> str:
    return f"customer#{program}#{customer}"
