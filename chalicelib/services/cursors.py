"""Cursors: where a list goes on, sealed so that only its own caller can use it, and on that very list."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.credentials import Caller
from chalicelib.domain.errors import Invalid
from chalicelib.storage.stores import Stores

_SEAL_BYTES = 16


def seal(stores: Stores, caller: Caller, which: list[Any], key: Mapping[str, Any]) -> str:
    """A cursor after that key, which holds text and integers only; `which` names the list and its filters."""
    position = json.dumps(key, separators=(",", ":")).encode()
    raw = _mac(stores, caller, which, position) + position
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def open_sealed(stores: Stores, caller: Caller, which: list[Any], cursor: str) -> dict[str, Any]:
    """The key in a cursor.

    Raises:
        Invalid: `cursor_invalid` for one that was not given out to this caller for this very list.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _invalid() from None
    position = raw[_SEAL_BYTES:]
    if not hmac.compare_digest(raw[:_SEAL_BYTES], _mac(stores, caller, which, position)):
        raise _invalid()
    key: dict[str, Any] = json.loads(position)
    return key


def _mac(stores: Stores, caller: Caller, which: list[Any], position: bytes) -> bytes:
    """Over the list, the caller's tenant and the position, under a key of its own."""
    tenant = [sorted(caller.scopes), caller.program, caller.partner]
    bound = json.dumps([*which, tenant], sort_keys=True).encode()
    key = hmac.digest(stores.secrets.customer_key, b"list cursor", hashlib.sha256)
    return hmac.digest(key, len(bound).to_bytes(4, "big") + bound + position, hashlib.sha256)[:_SEAL_BYTES]


def _invalid() -> Invalid:
    return Invalid("cursor_invalid", "cursor is not one that this list gave out", "cursor")
