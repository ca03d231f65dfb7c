"""A shard's piece of a month's files: its own part of the ledger, and its share of everybody else's files.

Pieces are written apart from one another, by whoever has the time, from entries that are frozen: a shard's
piece always has the same bytes. `publishing` puts the pieces of a month together, in the order of shards.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from chalicelib.domain import ledger, statement_page
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.journal import Entry
from chalicelib.domain.ledger import Part, Tally
from chalicelib.domain.monthly import Monthly
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services.pacing import HasTime, OutOfTime
from chalicelib.services.spooling import COPIED_BYTES, Bundle, Growing, Spool

LOOK_EVERY = 1_000
"""Entries between two looks at the clock."""

JOURNAL, STATEMENTS, PAGES = "journal", "statements", "pages"
"""The bundles of a piece: its part of the journal, and of the partners' statements as CSV and as pages."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was written of a shard's entries, and what they add up to: `tally` opens with nothing."""

    ledger: Part
    bundles: Mapping[str, Bundle]
    tally: Tally
    monthly: Monthly


@dataclass(frozen=True, slots=True)
class Held:
    """A piece, and who opens its bundles to be read from their beginning."""

    piece: Piece
    open: Callable[[str], BinaryIO]


def part_name(shard: int) -> str:
    """The shard's file within the month's folder."""
    return f"ledger-{shard:05d}.csv"


def write(
    folder: Path,
    shard: int,
    entries: Iterable[Entry],
    program: Program,
    month: Month,
    has_time: HasTime,
    *,
    by_month: bool = False,
) -> Held:
    """The shard's piece, written into the folder; its figures by month only where the terms ask for them.

    Raises:
        OutOfTime: there are more entries than time allows.
    """
    tally, monthly = Tally(), Monthly()
    rows = Growing(folder / part_name(shard))
    journal = Growing(folder / _file(shard, JOURNAL))
    statements, pages = Spool(folder / f"{shard}-s"), Spool(folder / f"{shard}-p")
    rows.write(ledger.header(ledger.ENTRY_COLUMNS))
    for number, entry in enumerate(entries):
        if number % LOOK_EVERY == 0 and not has_time():
            raise OutOfTime
        tally.add(entry)
        if by_month:
            monthly.add(entry)
        line = ledger.entry_line(entry)
        rows.write(line)
        statements.add(entry.partner, line)
        pages.add(entry.partner, statement_page.row(entry))
        journal.write(ledger.journal_transaction(entry, month, program.timezone))
    part = rows.part(part_name(shard), header_rows=1)
    whole = journal.part(JOURNAL)
    bundles = {
        JOURNAL: Bundle(whole.sha256, whole.bytes, ((JOURNAL, whole.bytes, whole.rows),)),
        STATEMENTS: statements.bundle(folder / _file(shard, STATEMENTS)),
        PAGES: pages.bundle(folder / _file(shard, PAGES)),
    }
    return Held(Piece(part, bundles, tally, monthly), lambda name: (folder / _file(shard, name)).open("rb"))


def _file(shard: int, bundle: str) -> str:
    return f"{shard:05d}.{bundle}"


class Reading:
    """A bundle that is read once, from its beginning, name by name."""

    def __init__(self, held: Held, name: str) -> None:
        self._bundle = held.piece.bundles[name]
        self._left = iter(self._bundle.index)
        self._next = next(self._left, None)
        self._file = held.open(name)
        self._digest = hashlib.sha256()

    def copy(self, name: str, into: Growing) -> None:
        """Append what the bundle has under this name; names have to be asked for in their order.

        Raises:
            Unavailable: `piece_damaged`, it ends too early.
        """
        if self._next is None or self._next[0] != name:
            return
        _, left, records = self._next
        while left:
            body = self._file.read(min(left, COPIED_BYTES))
            if not body:
                raise _damaged()
            self._digest.update(body)
            into.append(body, 0)
            left -= len(body)
        into.append(b"", records)
        self._next = next(self._left, None)

    def finish(self) -> None:
        """Close it, once all was copied.

        Raises:
            Unavailable: `piece_damaged`, it is not what was written.
        """
        self._file.close()
        if self._next is not None or self._digest.hexdigest() != self._bundle.sha256:
            raise _damaged()


def _damaged() -> Unavailable:
    return Unavailable("piece_damaged", "a piece of the month is not what was written")
