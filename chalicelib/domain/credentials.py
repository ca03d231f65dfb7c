"""Credentials of the API, and what their bearer may touch."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from chalicelib.domain.errors import NotFound


class Scope(StrEnum):
    """What a key is for: everything, one program, or one partner's own affairs."""

    ADMIN = "admin"
    MERCHANT = "merchant"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: `digest` is the hex SHA-256 of its secret part, which is never stored.

    It verifies until before `expires_at` (None: until it is withdrawn). `used_on` is the UTC day of its
    last use; `replaces` the key whose successor it is.
    """

    id: str
    digest: str
    scopes: frozenset[Scope]
    program: str | None
    partner: str | None
    created_at: datetime
    expires_at: datetime | None = None
    used_on: date | None = None
    replaces: str | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it still verifies."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A webhook signing secret of a program; `secret` is `whsec_` and base64."""

    id: str
    program: str
    secret: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, once verified. `program` binds merchants and may bind partners; `partner` partners.

    `key` is the id of the API key, None for a signature.
    """

    scopes: frozenset[Scope]
    program: str | None = None
    partner: str | None = None
    key: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether nothing is closed to this caller."""
        return Scope.ADMIN in self.scopes

    @property
    def name(self) -> str:
        """How the audit log names this caller: by the key, or a partner's id, never by a person."""
        if self.key or not self.scopes:
            return self.key or "anonymous"
        return f"partner {self.partner}" if self.partner else "signature"

    @property
    def is_partner(self) -> bool:
        """Whether this caller sees only what belongs to its own partner."""
        return self.scopes == {Scope.PARTNER}

    def may_touch_program(self, program: str) -> bool:
        """Whether the program is this caller's; a partner that is not bound to one may name any."""
        return self.is_admin or self.program == program or (self.is_partner and self.program is None)

    def require_program(self, program: str) -> None:
        """Let the call go on where the program is this caller's.

        Raises:
            NotFound: `program_unknown`, exactly as for a program that does not exist.
        """
        if not self.may_touch_program(program):
            raise program_unknown()

    def require_partner(self, partner: str) -> None:
        """Let the call go on unless the caller is another partner.

        Raises:
            NotFound: `partner_unknown`, exactly as for a partner that does not exist.
        """
        if self.is_partner and self.partner != partner:
            raise partner_unknown()


NOBODY = Caller(frozenset())
"""The caller of a route that needs no credential."""


def program_unknown(field: str | None = "program") -> NotFound:
    """The refusal for a program that there isn't, or that isn't the caller's."""
    return NotFound("program_unknown", "there is no such program", field)


def partner_unknown(field: str | None = "partner") -> NotFound:
    """The refusal for a partner that there isn't, or that isn't the caller's."""
    return NotFound("partner_unknown", "there is no such partner", field)
