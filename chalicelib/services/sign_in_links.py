"""Links by e-mail that sign a partner in: signed, good for a quarter of an hour, and once.

Whether an address is a partner's shows nowhere: the request does the same for every address, and a worker
looks it up later. Opening a link changes nothing, because mail programs open links, too: its page has a
button.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import observe
from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.errors import RateLimited, Unauthenticated
from chalicelib.domain.partner import Partner, fold_email
from chalicelib.domain.period import epoch_ms, from_epoch_ms
from chalicelib.domain.review import check_email
from chalicelib.domain.session import Area, Session
from chalicelib.services import sessions, throttling
from chalicelib.storage.stores import Stores

LIFE = timedelta(minutes=15)
MOST_FROM_ONE_PLACE = 30
MOST_TO_ONE_ADDRESS = 5
MAX_LINKS = 10
"""Links in one mail, where several partners have the same address."""

_TAG_BYTES = 32


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: whom it signs in, and to which page."""

    partner: Partner
    path: str
    digest: str


def request(stores: Stores, email: str, path: str, source: str, now: datetime) -> None:
    """Have a link sent, should the address be a partner's; too many for one address are silently left out.

    Raises:
        Invalid: `email_invalid`.
        RateLimited: `too_many_attempts`, from this source.
        Unavailable: the queue is away.
    """
    check_email(email)
    attempt = secrets.token_hex(8)
    throttling.note(stores, "sign-in", source, attempt, MOST_FROM_ONE_PLACE, now)
    whom = hashlib.sha256(fold_email(email).encode()).hexdigest()
    try:
        throttling.note(stores, "sign-in-mail", whom, attempt, MOST_TO_ONE_ADDRESS, now)
    except RateLimited:
        observe.count("sign_in_mail_left_out")
        return
    stores.jobs.send({"mail": "sign_in", "email": email, "path": path})


def send(stores: Stores, email: str, path: str, now: datetime) -> int:
    """Send the links to a partner's address; how many partners have it.

    Raises:
        Unavailable: mail is away; it may be tried again.
    """
    partners = stores.catalogue.partners_with(email)[:MAX_LINKS]
    if partners:
        lines = [f"{one.name} ({one.id}):\n{_url(stores, one, path, now)}" for one in partners]
        text = (
            "Open this link to sign in. It works once, for 15 minutes, and asks you to press a button.\n\n"
            + "\n\n".join(lines)
            + "\n\nIf you did not ask for it, there is nothing to do: nobody can sign in without it.\n"
        )
        stores.mail.send(partners[0].email, "Your link to sign in", text)
    observe.count("sign_in_mail_sent" if partners else "sign_in_mail_unknown")
    return len(partners)


def read(stores: Stores, token: str, now: datetime) -> Link:
    """What a link says, which may be used still.

    Raises:
        Unauthenticated: `link_invalid`: not ours, too old, or used.
    """
    payload = _verified(stores, token)
    if payload is None:
        raise _invalid()
    partner_id, issued_ms, path, nonce = payload
    age = now - from_epoch_ms(issued_ms)
    partner = stores.catalogue.find_partner(partner_id)
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    if (
        partner is None
        or partner.is_erased
        or not timedelta(0) <= age < LIFE
        or stores.sessions.is_used(digest)
    ):
        raise _invalid()
    return Link(partner, path, digest)


def enter(stores: Stores, token: str, now: datetime) -> tuple[Session, str, str]:
    """Use a link: the session that begins, its token, and the page to go to.

    Raises:
        Unauthenticated: `link_invalid`, also for the second of two who use it at the same time.
    """
    link = read(stores, token, now)
    if not stores.sessions.use_once(link.digest, now + 2 * LIFE):
        raise _invalid()
    caller = Caller(frozenset({Scope.PARTNER}), partner=link.partner.id)
    session, session_token = sessions.begin(stores, Area.PORTAL, caller, now)
    return session, session_token, link.path


def _url(stores: Stores, partner: Partner, path: str, now: datetime) -> str:
    said = [partner.id, epoch_ms(now), path, secrets.token_hex(8)]
    payload = json.dumps(said, separators=(",", ":")).encode()
    token = base64.urlsafe_b64encode(_tag(stores, payload) + payload).decode().rstrip("=")
    return f"{stores.settings.base_url}/portal/enter?token={token}"


def _verified(stores: Stores, token: str) -> tuple[str, int, str, str] | None:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(stores, payload)):
        return None
    partner, issued_ms, path, nonce = json.loads(payload)
    return partner, issued_ms, path, nonce


def _tag(stores: Stores, payload: bytes) -> bytes:
    key = hmac.digest(stores.secrets.customer_key, b"sign-in link", hashlib.sha256)
    return hmac.digest(key, payload, hashlib.sha256)


def _invalid() -> Unauthenticated:
    return Unauthenticated("link_invalid", "this link has been used or is too old; ask for a new one")
