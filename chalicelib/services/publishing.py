"""Writing a month's files: one pass over the journal into temporary files, hashed as they grow.

The same entries, opening balances and engine version always give the same bytes, whether for a draft, for
publishing, or to verify what was published. Memory holds balances and a bounded buffer, never the month.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib.domain import ledger, monthly, monthly_file, statement, statement_page
from chalicelib.domain.journal import Entry
from chalicelib.domain.ledger import Key, Part, Tally
from chalicelib.domain.monthly import Monthly
from chalicelib.domain.payout import FORMATS, batch
from chalicelib.domain.payout.batch import Batch, File, payments_of
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.terms import Terms
from chalicelib.services import payout_facts
from chalicelib.services.pacing import HasTime, OutOfTime, always
from chalicelib.services.payout_facts import Source
from chalicelib.services.spooling import Spool
from chalicelib.storage.stores import Stores

_LOOK_EVERY = 1_000
"""Entries between two looks at the clock."""

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "ledger": "text/plain; charset=utf-8",
    "xml": "application/xml",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What a month starts from: the month before, its manifest's hash, its balances and months' figures."""

    previous: tuple[Month, str] | None
    balances: Mapping[Key, tuple[int, int]]
    monthly: Monthly = field(default_factory=Monthly)


@dataclass(frozen=True, slots=True)
class Extent:
    """Which files a month has beside its entries, sums, journal and statements.

    The first versions wrote no pages, and nothing of payouts; a month that they published comes out as it did
    then. The bytes of a kind of file, once published, never change: a new kind gets a place here.
    """

    pages: bool = True
    payouts: bool = True

    @classmethod
    def of_parts(cls, names: Collection[str]) -> "Extent":
        """That of a published month, told by the names of its parts."""
        statements = any(name.startswith("statements/") for name in names)
        pages = not statements or any(name.endswith(".html") for name in names)
        return cls(pages, "payouts.csv" in names)


@dataclass(frozen=True, slots=True)
class Files:
    """A month's files on disk: the parts in their order, and the manifest that names them.

    `own` are the entries that the month as a whole books.
    """

    folder: Path
    parts: tuple[Part, ...]
    manifest: bytes
    tally: Tally
    month: Month
    monthly: Monthly
    own: tuple[Entry, ...]

    @property
    def opening(self) -> Opening:
        """What the month after it starts from."""
        return Opening((self.month, self.sha256), self.tally.carried(), self.monthly)

    @property
    def sha256(self) -> str:
        """The manifest's own hash, which the next month's manifest carries."""
        return hashlib.sha256(self.manifest).hexdigest()


@contextmanager
def written(
    stores: Stores,
    program: Program,
    month: Month,
    opening: Opening,
    engine: str,
    payouts: Source = payout_facts.known,
    extent: Extent = Extent(),
    until: datetime | None = None,
    has_time: HasTime = always,
) -> Iterator[Files]:
    """The month's files, as long as the context lasts; `payouts` gives the facts behind its payouts.

    A draft shows the month as if it ended at `until`.

    Raises:
        OutOfTime: there are more entries than time allows.
    """
    with TemporaryDirectory(prefix="ledger-") as name:
        folder = Path(name)
        (folder / "statements").mkdir()
        tally = Tally.opened_with(opening.balances)
        whole = _Whole(program, month, stores.catalogue.terms(program.id), opening.monthly.copy(), until)
        parts = (
            *_write_entries(stores, program, month, tally, folder, whole, extent, has_time),
            *(_write_payouts(stores, program, month, tally, folder, payouts) if extent.payouts else ()),
        )
        manifest = ledger.manifest(
            program.id, month, program.timezone, engine, tally, parts, opening.previous
        )
        yield Files(folder, parts, manifest, tally, month, whole.monthly, whole.own)


def content_type(name: str) -> str:
    """The content type of a ledger file by its name."""
    return CONTENT_TYPES[name.rsplit(".", 1)[1]]


def _write_entries(
    stores: Stores,
    program: Program,
    month: Month,
    tally: Tally,
    folder: Path,
    whole: "_Whole",
    extent: Extent,
    has_time: HasTime,
) -> tuple[Part, ...]:
    journal, statements, pages = Spool(folder), Spool(folder), Spool(folder)
    opened = Tally.opened_with(tally.carried())
    parts = []
    for shard in range(program.shards + 1):
        name = f"ledger-{shard:05d}.csv"
        entries = whole.close() if shard == program.shards else whole.seen(stores, shard)
        if entries is None:
            continue
        rows = Spool(folder)
        rows.add(name, ledger.header(ledger.ENTRY_COLUMNS))
        for number, entry in enumerate(entries):
            if number % _LOOK_EVERY == 0 and not has_time():
                raise OutOfTime
            tally.add(entry)
            rows.add(name, ledger.entry_line(entry))
            statements.add(statement.name(entry.partner), ledger.entry_line(entry))
            if extent.pages:
                pages.add(statement_page.name(entry.partner), statement_page.row(entry))
            journal.add("entries", ledger.journal_transaction(entry, month, program.timezone))
        parts.append(rows.part(name, header_rows=1))
    return (
        *parts,
        *whole.carried(folder),
        _summary(folder, tally),
        _journal(folder, program, month, opened, tally, journal),
        *_statements(folder, opened, tally, statements),
        *(_pages(folder, program, month, tally, pages) if extent.pages else ()),
    )


@dataclass(slots=True)
class _Whole:
    """The month as a whole, where any version of the terms looks at months so."""

    program: Program
    month: Month
    versions: Sequence[Terms]
    monthly: Monthly
    until: datetime | None
    own: tuple[Entry, ...] = ()

    def seen(self, stores: Stores, shard: int) -> Iterator[Entry]:
        """The shard's entries, each taken into account as it goes by."""
        entries = stores.journal.entries(self.program.id, self.month, shard)
        if not monthly.has_rules(self.versions):
            yield from entries
            return
        for entry in entries:
            self.monthly.add(entry)
            yield entry

    def close(self) -> tuple[Entry, ...] | None:
        """What the month itself books; None where that is nothing."""
        found = monthly.close(self.monthly, self.program, self.versions, self.month, self.until)
        self.own = tuple(found)
        return self.own or None

    def carried(self, folder: Path) -> Iterator[Part]:
        """The file that the next month goes on from, where there is anything."""
        if self.monthly.sales or self.monthly.booked:
            spool = Spool(folder)
            for record in monthly_file.lines(self.monthly):
                spool.add(monthly_file.NAME, record)
            yield spool.part(monthly_file.NAME, header_rows=1)


def _write_payouts(
    stores: Stores, program: Program, month: Month, tally: Tally, folder: Path, source: Source
) -> Iterator[Part]:
    """What is due to whom, and a file for each way of paying; the facts, where anything is payable."""
    payables = {key: balance.payable for key, balance in tally.balances.items() if balance.payable > 0}
    facts = source(stores, program, month, payables) if payables else None
    payments = payments_of(program.id, month, payables, facts, FORMATS) if facts else []
    texts = [File("payouts.csv", "".join(batch.lines(payments)), len(payments))]
    if facts:
        body = batch.facts_json(program.id, month, facts).decode()
        texts.append(File(payout_facts.NAME, body, len(facts.accounts)))
        for method, way in FORMATS.items():
            due = [p for p in payments if p.due_minor and p.account and p.account.method == method]
            texts += way.files(Batch(program.id, month, facts, due))
    for file in texts:
        spool = Spool(folder)
        spool.add(file.name, file.text)
        yield spool.part(file.name, rows=file.rows)


def _summary(folder: Path, tally: Tally) -> Part:
    spool = Spool(folder)
    for record in ledger.summary_lines(tally):
        spool.add("summary.csv", record)
    return spool.part("summary.csv", header_rows=1)


def _journal(
    folder: Path, program: Program, month: Month, opened: Tally, tally: Tally, entries: "Spool"
) -> Part:
    currencies = sorted({currency for _, currency in tally.balances})
    spool = Spool(folder)
    head = ledger.journal_opening(program.id, month, program.timezone, opened, currencies)
    spool.add("journal.ledger", head)
    spool.append_file("journal.ledger", entries, "entries")
    return spool.part("journal.ledger", rows=sum(tally.kinds.values()))


def _statements(folder: Path, opened: Tally, tally: Tally, entries: "Spool") -> Iterator[Part]:
    for partner in _partners(tally):
        opening = statement.opening_lines(partner, opened)
        closing = statement.closing_lines(partner, tally)
        yield _around(folder, statement.name(partner), opening, entries, closing)


def _pages(folder: Path, program: Program, month: Month, tally: Tally, rows: "Spool") -> Iterator[Part]:
    for partner in _partners(tally):
        head = statement_page.head(program.id, month, partner, tally)
        yield _around(folder, statement_page.name(partner), [head], rows, [statement_page.tail()])


def _partners(tally: Tally) -> list[str]:
    return sorted({partner for partner, _ in tally.balances})


def _around(folder: Path, name: str, before: Iterable[str], entries: "Spool", after: Iterable[str]) -> Part:
    """The file that holds what was collected for it in `entries`, between these texts."""
    spool = Spool(folder)
    whole = f"{name}.whole"
    for text in before:
        spool.add(whole, text)
    spool.append_file(whole, entries, name)
    for text in after:
        spool.add(whole, text)
    part = spool.part(whole, header_rows=1 if name.endswith(".csv") else 2)
    (folder / whole).replace(folder / name)
    return Part(name, part.sha256, part.bytes, part.rows)
