"""Sessions in the identities table, whose TTL removes what is over.

Each lies under the digest of its token, and once more under its holder, so that all of them can be ended. `@`
begins the keys because no program's id has one.
"""

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.session import Area, Session
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.table import Table, transact


class Sessions:
    """Every session of the stage. Readers ignore what is past its time, whether deleted yet or not."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "identities")

    def find(self, session_id: str) -> Session | None:
        """The session, or None."""
        item = self._table.find(f"@session#{session_id}", "session")
        return _read(item) if item else None

    def of(self, holder: str) -> Iterator[Session]:
        """Every session of this holder."""
        return map(_read, self._table.query(f"@holder#{holder}"))

    def put(self, session: Session) -> None:
        """Keep a session, or its new end."""
        attributes = _record(session)
        keys = (
            {"pk": f"@session#{session.id}", "sk": "session"},
            {"pk": f"@holder#{session.holder}", "sk": session.id},
        )
        transact([self._table.put_action(key | attributes) for key in keys])

    def use_once(self, digest: str, expires_at: datetime) -> bool:
        """Mark what may be used once as used; False where it was, or may have been."""
        mark = {"pk": f"@used#{digest}", "sk": "used", "expires_at": int(expires_at.timestamp()) + 1}
        return self._table.put_once(mark)

    def is_used(self, digest: str) -> bool:
        """Whether it was used."""
        return self._table.find(f"@used#{digest}", "used") is not None

    def remove(self, session: Session) -> None:
        """End a session: from now on its token opens nothing."""
        transact(
            [
                self._table.delete_action(f"@session#{session.id}", "session"),
                self._table.delete_action(f"@holder#{session.holder}", session.id),
            ]
        )


def _record(session: Session) -> Item:
    caller = session.caller
    return compact(
        {
            "id": session.id,
            "area": session.area,
            "scopes": sorted(caller.scopes),
            "program": caller.program,
            "partner": caller.partner,
            "key": caller.key,
            "begun_at": format_instant(session.begun_at),
            "issued_at": format_instant(session.issued_at),
            "ends_at": format_instant(session.expires_at),
            "expires_at": int(session.expires_at.timestamp()) + 1,
        }
    )


def _read(item: Item) -> Session:
    scopes = frozenset(Scope(scope) for scope in item["scopes"])
    return Session(
        id=item["id"],
        area=Area(item["area"]),
        caller=Caller(scopes, item.get("program"), item.get("partner"), item.get("key")),
        begun_at=parse_instant(item["begun_at"], "begun_at"),
        issued_at=parse_instant(item["issued_at"], "issued_at"),
        expires_at=parse_instant(item["ends_at"], "ends_at"),
    )
