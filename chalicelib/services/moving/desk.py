"""What every step of an import works with, and what it answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chalicelib.domain import ids
from chalicelib.domain.errors import Conflict
from chalicelib.domain.moving import Told
from chalicelib.domain.partner import fold_email
from chalicelib.domain.program import Program
from chalicelib.storage.imports import Made
from chalicelib.storage.stores import Stores


class Standing(StrEnum):
    """What became of something that a file tells, or in a dry run would become of it."""

    MADE = "made"
    THERE = "there already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to make; `name` is its name among those of its kind, `partner` ours."""

    name: str
    partner: str
    told: Told


@dataclass(slots=True)
class Desk:
    """An import under way; `people` tells which partner a row means, `seen` what was made, by kind, name."""

    stores: Stores
    program: Program
    vendor: str
    now: datetime
    import_id: str
    people: "People"
    seen: dict[tuple[str, str], Step] = field(default_factory=dict)

    def was_undone(self, kind: str, name: str) -> bool:
        """Whether this very import made it and was undone, so that it may be made again."""
        noted = self.stores.imports.find(self.program.id, self.import_id, kind, name)
        return noted is not None and noted.undone

    def is_enrolled(self, partner: str) -> bool:
        """Whether the partner is in the program, or would be by then in a dry run."""
        if ("partner", partner) in self.seen:
            return True
        return self.stores.catalogue.find_enrollment(self.program.id, partner) is not None


class Kind(Protocol):
    """How one kind of thing is found, made and taken back."""

    def wanted(self, desk: Desk, told: Told) -> Step | None:
        """What a row asks for, or None."""

    def look(self, desk: Desk, step: Step) -> Standing:
        """Whether it is to be made or there already; raises a `LinkledgerError` where it can't be made."""

    def make(self, desk: Desk, step: Step) -> None:
        """Make it; again, where it is made already, changes nothing."""

    def undo(self, desk: Desk, made: Made) -> str:
        """Take back what the import made; the reason where it has to stay, else nothing."""


class People:
    """Which partner of ours a row means: by the vendor's id, by e-mail address, or both.

    Whoever has the address and is in the program already is that partner. All others get an id derived from
    the vendor's, or from the address where no row tells more, so that another run finds them again.
    """

    def __init__(self, stores: Stores, program: Program, vendor: str, rows: Iterable[Told]) -> None:
        self._stores = stores
        self._program = program
        self._vendor = vendor
        self._email_of: dict[str, str] = {}
        self._key_of: dict[str, str] = {}
        self._name_of: dict[str, str] = {}
        self._known: dict[str, str] = {}
        for told in rows:
            email = fold_email(told.email)
            if told.partner and email:
                self._email_of.setdefault(told.partner, email)
                self._key_of.setdefault(email, told.partner)
            if told.name:
                self._name_of.setdefault(told.partner or email, told.name)

    def email_of(self, told: Told) -> str:
        """The partner's address, as any row tells it, or nothing."""
        return fold_email(told.email) or self._email_of.get(told.partner, "")

    def name_of(self, told: Told) -> str:
        """The partner's name, or the first part of the address."""
        email = self.email_of(told)
        key = told.partner or self._key_of.get(email, "")
        return self._name_of.get(key) or self._name_of.get(email) or email.partition("@")[0]

    def id_of(self, told: Told) -> str:
        """The partner's id here."""
        email = self.email_of(told)
        key = told.partner or self._key_of.get(email, email)
        if key not in self._known:
            self._known[key] = self._enrolled(email) or ids.derive(
                "ptn", "moved", self._program.id, self._vendor, key
            )
        return self._known[key]

    def _enrolled(self, email: str) -> str | None:
        catalogue = self._stores.catalogue
        return next(
            (
                partner.id
                for partner in (catalogue.partners_with(email) if email else ())
                if catalogue.find_enrollment(self._program.id, partner.id)
            ),
            None,
        )


def elsewhere(what: str, code: str) -> Conflict:
    """The refusal of something that another partner has."""
    return Conflict(code, f"this {what} belongs to another partner", what)
