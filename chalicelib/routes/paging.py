"""Lists: how many, from where on, and a cursor that only its own caller can go on with.

    limit, start = paging.wanted(call)
    rows, next_key = ...
    return paging.listing(call, [view_of(row) for row in rows], next_key)

A route that pages declares `query=(..., *paging.QUERY)` and `returns=paging.Listing[SomeView]`.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from chalicelib.domain.errors import Invalid
from chalicelib.routes.endpoint import Call
from chalicelib.routes.wire import View

QUERY = ("limit", "cursor")
DEFAULT_LIMIT = 50
MAX_LIMIT = 200

_SEAL_BYTES = 16

T = TypeVar("T")


class Listing(View, Generic[T]):
    """A page of a list; `next_cursor` is null at the end."""

    data: list[T]
    next_cursor: str | None


def wanted(call: Call[Any]) -> tuple[int, dict[str, Any] | None]:
    """How many rows the caller wants (1 to 200, 50 by default), and the key after which they start.

    Raises:
        Invalid: `limit_invalid`; `cursor_invalid` for one that was not given out for this very list.
    """
    text = call.query.get("limit", str(DEFAULT_LIMIT))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid("limit_invalid", f"limit is from 1 to {MAX_LIMIT}", "limit")
    cursor = call.query.get("cursor")
    return limit, None if cursor is None else _open(call, cursor)


def listing(call: Call[Any], rows: list[T], next_key: Mapping[str, Any] | None) -> Listing[T]:
    """The page; `next_key` holds text and integers only, and is None at the end of the list."""
    return Listing(data=rows, next_cursor=_seal(call, next_key) if next_key else None)


def _seal(call: Call[Any], key: Mapping[str, Any]) -> str:
    position = json.dumps(key, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_mac(call, position) + position).decode().rstrip("=")


def _open(call: Call[Any], cursor: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _invalid() from None
    position = raw[_SEAL_BYTES:]
    if not hmac.compare_digest(raw[:_SEAL_BYTES], _mac(call, position)):
        raise _invalid()
    key: dict[str, Any] = json.loads(position)
    return key


def _mac(call: Call[Any], position: bytes) -> bytes:
    """Over the list (route, path, filters), the caller's tenant and the position, under a key of its own."""
    filters = {name: value for name, value in call.query.items() if name not in QUERY}
    tenant = [sorted(call.caller.scopes), call.caller.program, call.caller.partner]
    bound = json.dumps([call.route, dict(call.path), filters, tenant], sort_keys=True).encode()
    key = hmac.digest(call.stores.secrets.customer_key, b"list cursor", hashlib.sha256)
    return hmac.digest(key, len(bound).to_bytes(4, "big") + bound + position, hashlib.sha256)[:_SEAL_BYTES]


def _invalid() -> Invalid:
    return Invalid("cursor_invalid", "cursor is not one that this list gave out", "cursor")
