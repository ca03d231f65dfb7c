"""API keys and webhook signing secrets: made, listed, withdrawn."""

import base64
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain import ids
from chalicelib.domain.credentials import ApiKey, Scope, SigningSecret
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.services import signatures
from chalicelib.services.access import KEY_TEXT, digest_of
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

MAX_OVERLAP_HOURS = 30 * 24
"""How long a key may go on beside its successor."""


def new_text() -> str:
    """A fresh key, as its bearer shows it."""
    name = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return f"llk_{name}_{secrets.token_urlsafe(32)}"


def create(
    stores: Stores, scopes: frozenset[Scope], program: str | None, partner: str | None, now: datetime
) -> tuple[ApiKey, str]:
    """A new key as it is kept, and its text, which is not kept and so shown once.

    Raises:
        Invalid: `scopes_invalid`, `program_required`, `partner_required`.
        NotFound: `program_unknown`, `partner_unknown`. Conflict: `partner_erased`.
    """
    _check_binding(scopes, program, partner)
    if program is not None:
        stores.catalogue.program(program)
    if partner is not None:
        stores.catalogue.partner(partner).check_present()
    text = new_text()
    key = key_of(text, scopes, program, partner, now)
    if not stores.credentials.add_key_once(key) and stores.credentials.find_key(key.id) != key:
        raise ValueError("80 random bits came twice")
    return key, text


def bootstrap_admin(stores: Stores, text: str, now: datetime) -> None:
    """Register this administrator's key, however often it is called.

    Raises:
        ValueError: the text has not the form that `new_text` gives.
    """
    key = key_of(text, frozenset({Scope.ADMIN}), None, None, now)
    stores.credentials.add_key_once(key)


def rotate(stores: Stores, key_id: str, overlap_hours: int, now: datetime) -> tuple[ApiKey, str, datetime]:
    """A successor with the same rights, its text, and when the old key ends: after the overlap.

    Raises:
        NotFound: `key_unknown`, also where it has ended.
        Invalid: `overlap_invalid`.
        Conflict: `key_rotated`, where the old key ends already or was rotated meanwhile.
    """
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        raise Invalid("overlap_invalid", f"overlap_hours is from 0 to {MAX_OVERLAP_HOURS}", "overlap_hours")
    old = stores.credentials.find_key(key_id)
    if old is None or not old.is_live(now):
        raise NotFound("key_unknown", "there is no such key")
    if old.expires_at:
        raise Conflict("key_rotated", "this key has a successor; rotate that one, or delete this one")
    text, ends_at = new_text(), now + timedelta(hours=overlap_hours)
    successor = replace(key_of(text, old.scopes, old.program, old.partner, now), replaces=old.id)
    try:
        stores.credentials.rotate_key(old, replace(old, expires_at=ends_at), successor)
    except ConditionFailed as error:
        raise Conflict("key_rotated", "this key was rotated or withdrawn meanwhile") from error
    return successor, text, ends_at


def withdraw(stores: Stores, key_id: str) -> None:
    """End a key; from now on it verifies nothing.

    Raises:
        NotFound: `key_unknown`.
    """
    key = stores.credentials.find_key(key_id)
    if key is None:
        raise NotFound("key_unknown", "there is no such key")
    stores.credentials.remove_key(key)


def create_secret(stores: Stores, program: str, now: datetime) -> SigningSecret:
    """A new signing secret of the program.

    Raises:
        NotFound: `program_unknown`.
        Conflict: `secrets_full`, where two are live.
    """
    secret = SigningSecret(
        ids.from_bytes("sec", secrets.token_bytes(10)),
        stores.catalogue.program(program).id,
        signatures.new_secret(),
        now,
    )
    if not stores.credentials.add_secret(secret):
        raise Conflict("secrets_full", "two secrets are live; delete one first")
    return secret


def withdraw_secret(stores: Stores, program: str, secret_id: str) -> None:
    """End a signing secret; from now on it verifies nothing.

    Raises:
        NotFound: `secret_unknown`.
    """
    found = [secret for secret in stores.credentials.secrets_of(program) if secret.id == secret_id]
    if not found:
        raise NotFound("secret_unknown", "there is no such secret")
    stores.credentials.remove_secret(found[0])


def key_of(
    text: str, scopes: frozenset[Scope], program: str | None, partner: str | None, now: datetime
) -> ApiKey:
    """The key with this text, as it is kept.

    Raises:
        ValueError: the text has not the form that `new_text` gives.
    """
    match = KEY_TEXT.fullmatch(text)
    if match is None:
        raise ValueError("a key is llk_, 16 characters of base32, _ and 43 of URL-safe base64")
    return ApiKey(f"key_{match['id']}", digest_of(match["secret"]), scopes, program, partner, now)


def _check_binding(scopes: frozenset[Scope], program: str | None, partner: str | None) -> None:
    """One scope a key: a mixture would have to be judged route by route, and nobody could say by what."""
    if len(scopes) != 1:
        raise Invalid("scopes_invalid", "a key has one scope: admin, merchant or partner", "scopes")
    if scopes == {Scope.ADMIN} and (program or partner):
        raise Invalid(
            "scopes_invalid", "an admin key is bound to nothing", "program" if program else "partner"
        )
    if scopes == {Scope.MERCHANT} and (program is None or partner is not None):
        raise Invalid(
            "program_required", "a merchant key is bound to a program, and to no partner", "program"
        )
    if scopes == {Scope.PARTNER} and partner is None:
        raise Invalid("partner_required", "a partner key is bound to a partner", "partner")
