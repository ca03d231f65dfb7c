"""Lists: how many, from where on, and a cursor that only its own caller can go on with.

    limit, start = paging.wanted(call)
    rows, next_key = ...
    return paging.listing(call, [view_of(row) for row in rows], next_key)

A route that pages declares `query=(..., *paging.QUERY)` and `returns=paging.Listing[SomeView]`.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from chalicelib.domain.errors import Invalid
from chalicelib.routes.endpoint import Call
from chalicelib.routes.wire import View
from chalicelib.services import cursors

QUERY = ("limit", "cursor")
DEFAULT_LIMIT = 50
MAX_LIMIT = 200

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
    if cursor is None:
        return limit, None
    return limit, cursors.open_sealed(call.stores, call.caller, _which(call), cursor)


def listing(call: Call[Any], rows: list[T], next_key: Mapping[str, Any] | None) -> Listing[T]:
    """The page; `next_key` holds text and integers only, and is None at the end of the list."""
    cursor = cursors.seal(call.stores, call.caller, _which(call), next_key) if next_key else None
    return Listing(data=rows, next_cursor=cursor)


def _which(call: Call[Any]) -> list[Any]:
    """The list: route, path and filters."""
    filters = {name: value for name, value in call.query.items() if name not in QUERY}
    return [call.route, dict(call.path), filters]
