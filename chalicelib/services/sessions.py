"""Signing in and out: sessions are begun, found by their token, renewed and ended."""

import hashlib
import re
import secrets
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.errors import Forbidden, Unauthenticated
from chalicelib.domain.session import GRACE, LIFE, Area, Session, holder_of
from chalicelib.services import access, throttling
from chalicelib.storage.stores import Stores

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

MAX_WRONG_KEYS = 20
"""Wrong keys that may come from one place in an hour."""


def begin(stores: Stores, area: Area, caller: Caller, now: datetime) -> tuple[Session, str]:
    """A new session of this caller, and its token, which is not kept."""
    return _issue(stores, Session("", area, caller, now, now, now + LIFE[area]))


def begin_by_key(stores: Stores, key: str, source: str, now: datetime) -> tuple[Session, str]:
    """A session in the console for whoever has this key of a merchant or an administrator.

    Raises:
        Unauthenticated: `key_wrong`, also for a partner's key.
        RateLimited: `too_many_attempts`, from this source.
    """
    with throttling.wrong_ones(stores, "console-key", source, key, MAX_WRONG_KEYS, now):
        try:
            caller = access.verify_key(stores, f"Bearer {key.strip()}", {Scope.ADMIN, Scope.MERCHANT}, now)
        except (Unauthenticated, Forbidden) as error:
            raise Unauthenticated("key_wrong", "this is no key of a merchant or administrator") from error
    return begin(stores, Area.CONSOLE, caller, now)


def find(stores: Stores, area: Area, token: str, now: datetime) -> Session | None:
    """The session of this token that is still good, or None: one that a key began ends with the key."""
    if not _TOKEN.fullmatch(token):
        return None
    session = stores.sessions.find(_digest(token))
    if session is None or session.area is not area or session.expires_at <= now:
        return None
    if session.caller.key is not None:
        key = stores.credentials.find_key(session.caller.key)
        if key is None or not key.is_live(now):
            return None
    return session


def renew(stores: Stores, session: Session, now: datetime) -> tuple[Session, str]:
    """The same session under a new token; the old one works for another moment."""
    renewed = _issue(stores, replace(session, issued_at=now))
    stores.sessions.put(replace(session, expires_at=min(session.expires_at, now + GRACE)))
    return renewed


def end(stores: Stores, session: Session) -> None:
    """Sign out here."""
    stores.sessions.remove(session)


def end_all(stores: Stores, session: Session) -> None:
    """Sign out everywhere: every session of the same holder in the same area ends."""
    _end_all_of(stores, session.holder)


def end_of_partner(stores: Stores, partner: str) -> None:
    """Sign the partner out of the portal, wherever it is signed in."""
    _end_all_of(stores, holder_of(Area.PORTAL, Caller(frozenset({Scope.PARTNER}), partner=partner)))


def _end_all_of(stores: Stores, holder: str) -> None:
    for one in list(stores.sessions.of(holder)):
        stores.sessions.remove(one)


def _issue(stores: Stores, session: Session) -> tuple[Session, str]:
    token = secrets.token_urlsafe(32)
    issued = replace(session, id=_digest(token))
    stores.sessions.put(issued)
    return issued, token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
