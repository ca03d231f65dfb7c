"""Reading the audit log: page by page, or whole as CSV."""

import json
from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.audit import Record, Values
from chalicelib.domain.credentials import Caller
from chalicelib.domain.errors import Forbidden
from chalicelib.domain.period import format_instant
from chalicelib.domain.spreadsheet import line, safe
from chalicelib.storage.stores import Stores

COLUMNS = ("id", "at", "actor", "action", "what", "name", "program", "before", "after")
_PAGE = 200


def check_readable(stores: Stores, caller: Caller, program: str | None) -> None:
    """Let the caller on to the log of its program, or an administrator to the stage's (None).

    Raises:
        NotFound: `program_unknown`.
        Forbidden: `scope_missing`.
    """
    if program is not None:
        caller.require_program(program)
        stores.catalogue.program(program)
    elif not caller.is_admin:
        raise Forbidden("scope_missing", "name a program: this key may not read the stage's log")


def csv_lines(records: Iterator[Record]) -> Iterator[str]:
    """The records as lines of CSV, a header first; `before` and `after` are JSON."""
    yield line(COLUMNS)
    for record in records:
        change = record.change
        cells = (
            *(record.id, format_instant(record.at), record.actor, change.action, change.what),
            *(change.name, change.program or "", _json(change.before), _json(change.after)),
        )
        yield line([safe(cell) for cell in cells])


def every(stores: Stores, program: str | None, since: datetime | None) -> Iterator[Record]:
    """All records from `since` on, newest first, page by page."""
    start = None
    while True:
        records, start = stores.trail.page(program, since, None, _PAGE, start)
        yield from records
        if start is None:
            return


def _json(values: Values | None) -> str:
    return "" if values is None else json.dumps(values, sort_keys=True, ensure_ascii=False)
