"""After a batch was marked as paid: the rest of its payments, and the conversions that it paid.

A conversion is paid when every entry that made money of it payable stands in a month whose balance its
partner was paid. Which ones may be covered is read from the partner's own published statements, with a note
of how far; each is settled again, which books nothing and says where it stands.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from chalicelib import observe
from chalicelib.domain import statement
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.journal import Books
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services.folders import published_folder
from chalicelib.services.pacing import HasTime, always
from chalicelib.services.payouts import AT_ONCE, carry_on
from chalicelib.services.settle import Rules, settle_conversion
from chalicelib.storage.payouts import Mark, Request
from chalicelib.storage.stores import Stores

_EVERY = 1_000
"""Conversions between two notes of how far a statement is read."""


def finish_open(stores: Stores, rules: Rules, now: datetime, has_time: HasTime = always) -> int:
    """Work off the program's open requests; how many conversions were looked at again.

    Where time is over, the next run goes on from the last statement that was read.

    Raises:
        Unavailable: storage is away; the next run goes on in the same way.
    """
    looked_at = 0
    for request in stores.payouts.open_requests(rules.program.id):
        progress = carry_on(stores, rules.program, request, AT_ONCE, now)
        while progress.waiting and has_time():
            progress = carry_on(stores, rules.program, request, AT_ONCE, now)
        if progress.waiting:
            break
        for conversion in _covered(stores, rules.program, request, progress.marks):
            looked_at += 1
            _settle(stores, rules, conversion, now)
            if not has_time():
                return looked_at
        stores.payouts.reach(rules.program.id, request.id, None)
    return looked_at


def _covered(stores: Stores, program: Program, request: Request, marks: Sequence[Mark]) -> Iterator[str]:
    """The conversions of the statements that the payments cover, from the first that wasn't read yet."""
    books = stores.journal.books(program)
    since: dict[str, Month] = {}
    for mark in marks:
        first = _first_unpaid(mark.after, books)
        since[mark.partner] = min(first, since.get(mark.partner, first))
    month = min(since.values(), default=request.month.next())
    while month <= request.month:
        wanted = [partner for partner, first in since.items() if first <= month]
        for partner in _with_statement(stores, program, month, wanted):
            if f"{month}#{partner}#~" <= request.reached:
                continue
            for number, conversion in enumerate(_conversions(stores, program, month, partner)):
                place = f"{month}#{partner}#{number:09d}"
                if place > request.reached:
                    yield conversion
                    if number % _EVERY == 0:
                        stores.payouts.reach(program.id, request.id, place)
            stores.payouts.reach(program.id, request.id, f"{month}#{partner}#~")
        month = month.next()


def _with_statement(stores: Stores, program: Program, month: Month, partners: Iterable[str]) -> list[str]:
    """Those of the partners who have a statement of the month, in order."""
    manifest = stores.bucket.find(published_folder(program.id, month) + "manifest.json")
    if manifest is None:
        raise Unavailable("ledger_missing", f"the ledger of {month} can't be read")
    names = {part["name"] for part in json.loads(manifest)["parts"]}
    return sorted(partner for partner in partners if statement.name(partner) in names)


def _conversions(stores: Stores, program: Program, month: Month, partner: str) -> Iterator[str]:
    body = stores.bucket.find(published_folder(program.id, month) + statement.name(partner))
    if body is None:
        raise Unavailable("ledger_missing", f"the statement of {partner} of {month} can't be read")
    rows = csv.DictReader(io.StringIO(body.decode(), newline=""))
    yield from dict.fromkeys(row["conversion_id"] for row in rows if row["conversion_id"])


def _settle(stores: Stores, rules: Rules, conversion: str, now: datetime) -> None:
    """One conversion that can't be settled must not keep the others from being paid."""
    try:
        settle_conversion(stores, rules, conversion, now)
    except Unavailable:
        raise
    except Exception:
        observe.error("state_not_refreshed", conversion=conversion)
        observe.count("state_not_refreshed")


def _first_unpaid(after: Month | None, books: Books) -> Month:
    return after.next() if after else books.opened
