"""Long lists: a page of rows, and the cursor of the next one.

    start = paging.start(visit)
    rows, next_key = stores.links.of_program(program, paging.ROWS, start, partner)
    Shown("...", {"rows": rows, "next": paging.cursor(visit, next_key)})

and in the template `{{ ui.pages(next) }}`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from chalicelib.portal.page import Visit
from chalicelib.services import cursors

ROWS = 50

T = TypeVar("T")


def start(visit: Visit) -> dict[str, Any] | None:
    """The key after which the page begins; None for the first one.

    Raises:
        Invalid: `cursor_invalid`.
    """
    cursor = visit.query.get("cursor")
    if cursor is None:
        return None
    return cursors.open_sealed(visit.stores, visit.caller, _which(visit), cursor)


def part(visit: Visit, rows: Sequence[T], most: int = ROWS) -> tuple[Sequence[T], dict[str, Any] | None]:
    """The page's part of rows that are all here, such as a file's, and the key of the next one.

    Raises:
        Invalid: `cursor_invalid`.
    """
    begin = int((start(visit) or {"row": 0})["row"])
    end = begin + most
    return rows[begin:end], {"row": end} if end < len(rows) else None


def cursor(visit: Visit, next_key: Mapping[str, Any] | None) -> str | None:
    """The cursor of the next page; None at the end of the list."""
    return cursors.seal(visit.stores, visit.caller, _which(visit), next_key) if next_key else None


def _which(visit: Visit) -> list[Any]:
    filters = {name: value for name, value in visit.query.items() if name not in {"cursor", "done"}}
    return [visit.address, filters]
