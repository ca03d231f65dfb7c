"""Sessions of people who are signed in: partners in the portal, those who run programs in the console."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.credentials import Caller


class Area(StrEnum):
    """The two sets of pages; each has its own sessions, so that one browser may be signed in to both."""

    PORTAL = "portal"
    CONSOLE = "console"


LIFE = {Area.PORTAL: timedelta(days=14), Area.CONSOLE: timedelta(hours=12)}
"""How long a session lasts, however busy it is."""

RENEW_AFTER = timedelta(hours=1)
"""How old a token may be before it is replaced by a new one."""

GRACE = timedelta(minutes=1)
"""How long a replaced token still works: pages that were asked for at the same time still carry it."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. `id` is the hex SHA-256 of its token, which is never stored.

    `begun_at` is when the person signed in, `issued_at` when this token was made, `expires_at` when it ends.
    """

    id: str
    area: Area
    caller: Caller
    begun_at: datetime
    issued_at: datetime
    expires_at: datetime

    @property
    def holder(self) -> str:
        """Whose session it is: all of one holder can be ended together."""
        return holder_of(self.area, self.caller)

    def is_due(self, now: datetime) -> bool:
        """Whether its token is to be replaced."""
        return now - self.issued_at >= RENEW_AFTER and self.expires_at - now > GRACE


def holder_of(area: Area, caller: Caller) -> str:
    """The holder of the caller's sessions in this area."""
    who = f"partner#{caller.partner}" if caller.is_partner else f"key#{caller.key}"
    return f"{area}#{who}"
