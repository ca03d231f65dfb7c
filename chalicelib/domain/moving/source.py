"""What an export of another vendor looks like: for each kind of file, the columns that hold what we take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAMES = (
    "partner",
    "email",
    "name",
    "first_name",
    "last_name",
    "code",
    "link",
    "destination",
    "coupon",
    "max_uses",
    "customer",
    "since",
    "balance",
    "currency",
)
"""What can be read of a row: `partner` is the vendor's id, `email`, `name` and its parts the partner's;
`code` a link's, or `link` its whole address; `max_uses` the promo code's limit; `customer` is the shop's id
of one who belongs to the partner `since` then; `balance` is owed to the partner, in major units of
`currency`."""

Columns = Mapping[str, Sequence[str]]


def fold(column: str) -> str:
    """A column's name as it is compared: `Affiliate ID`, `affiliate_id` and `affiliateId` are one."""
    return "".join(character for character in column.casefold() if character.isalnum())


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of file of a vendor: for each name the columns that may hold it, the first that is there.

    No vendor's sheet has a `balance`: what their columns of money are called, and whether they hold euros or
    cents, is published nowhere. The caller names the column (docs/moving.md).

    `needs` are sets of names of which each must have one by which the kind is recognised.
    """

    kind: str
    columns: Columns
    needs: Sequence[frozenset[str]]

    def places(self, header: Sequence[str]) -> dict[str, int]:
        """At which position each name stands in this header."""
        folded = [fold(column) for column in header]
        found = {}
        for name, columns in self.columns.items():
            at = next((folded.index(fold(column)) for column in columns if fold(column) in folded), None)
            if at is not None:
                found[name] = at
        return found

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a file with this header is of this kind."""
        places = self.places(header)
        return all(need & places.keys() for need in self.needs)


@dataclass(frozen=True, slots=True)
class Source:
    """A vendor: its files, the surest kind first, and the parameters by which its links name a partner."""

    name: str
    sheets: Sequence[Sheet]
    parameters: Sequence[str] = ()


PARTNER = frozenset({"partner", "email"})
CODE = frozenset({"code", "link"})
CUSTOMER = frozenset({"customer"})
COUPON = frozenset({"coupon"})
