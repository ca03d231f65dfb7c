"""Who is calling: verified from an API key or from a webhook signature.

Every refusal is the same error, and does the same work, whether the key or program is unknown or its
secret is wrong.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.credentials import ApiKey, Caller, Scope, program_unknown
from chalicelib.domain.errors import Forbidden, Unauthenticated, Unavailable
from chalicelib.domain.program import Program
from chalicelib.services import signatures
from chalicelib.storage.stores import Stores

KEY_TEXT = re.compile(r"llk_(?P<id>[a-z2-7]{16})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
"""`llk_`, the key's id without its prefix, and 32 random bytes in URL-safe base64."""

_SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_NO_DIGEST = "0" * 64


def digest_of(secret: str) -> str:
    """What is kept of a key's secret part: SHA-256 is enough, because the secret has 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_signed(headers: Mapping[str, str]) -> bool:
    """Whether the request comes with a signature instead of a key."""
    return "authorization" not in headers and any(name in headers for name in _SIGNATURE_HEADERS)


def verify_key(stores: Stores, authorization: str | None, scopes: Collection[Scope], now: datetime) -> Caller:
    """The bearer of the key in the `Authorization` header, who has one of the scopes.

    The day of the key's last use is kept: one write a day and key, and none where storage doesn't take it.

    Raises:
        Unauthenticated: `unauthenticated`.
        Forbidden: `scope_missing`.
    """
    scheme, _, text = (authorization or "").partition(" ")
    match = KEY_TEXT.fullmatch(text.strip()) if scheme.lower() == "bearer" else None
    if match is None:
        raise _unauthenticated()
    key = stores.credentials.find_key(f"key_{match['id']}")
    right = hmac.compare_digest(digest_of(match["secret"]), key.digest if key else _NO_DIGEST)
    if key is None or not right or not key.is_live(now):
        raise _unauthenticated()
    if key.used_on is None or key.used_on < now.date():
        _note_use(stores, key, now)
    if not key.scopes & set(scopes):
        raise Forbidden("scope_missing", "this key may not do that")
    return Caller(key.scopes, key.program, key.partner, key.id)


def _note_use(stores: Stores, key: ApiKey, now: datetime) -> None:
    try:
        stores.credentials.note_key_use(key, now.date())
    except Unavailable:
        observe.count("key_use_not_kept")


def verify_signature(
    stores: Stores, headers: Mapping[str, str], raw: bytes, program: object, now: datetime
) -> Caller:
    """The merchant of the program that the body names, where the body is signed with its secret.

    A signature may be replayed within its 300 s: every call that takes one is idempotent.

    Raises:
        Unauthenticated: `unauthenticated`.
    """
    message_id, timestamp, signature = (headers.get(name, "") for name in _SIGNATURE_HEADERS)
    name = program if isinstance(program, str) else ""
    live = [secret.secret for secret in stores.credentials.secrets_of(name)]
    if not signatures.verifies(live, message_id, timestamp, signature, raw, now):
        raise _unauthenticated()
    return Caller(frozenset({Scope.MERCHANT}), program=name)


def program_of(stores: Stores, caller: Caller, program_id: str) -> Program:
    """The program, where it is this caller's: a partner's are those in which it is enrolled.

    Raises:
        NotFound: `program_unknown`, exactly as for a program that does not exist.
    """
    caller.require_program(program_id)
    program = stores.catalogue.program(program_id)
    if caller.is_partner and stores.catalogue.find_enrollment(program.id, caller.partner or "") is None:
        raise program_unknown()
    return program


def _unauthenticated() -> Unauthenticated:
    return Unauthenticated("unauthenticated", "a valid key or signature is required")
