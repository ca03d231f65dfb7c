"""Writing a month's files: a piece of each shard's entries first, then what they are put together to.

The same entries, opening balances and engine version always give the same bytes, whether for a draft, for
publishing, or to verify what was published, and whoever wrote the pieces. Memory holds balances and a bounded
buffer, never the month.
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
from chalicelib.services import payout_facts, pieces
from chalicelib.services.pacing import HasTime, always
from chalicelib.services.payout_facts import Source
from chalicelib.services.pieces import JOURNAL, PAGES, STATEMENTS, Held, Reading
from chalicelib.services.spooling import Growing
from chalicelib.storage.stores import Stores

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

    The ledger parts of shards whose pieces were given are where those are, not on this disk. `own` are the
    entries that the month as a whole books.
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
    held: Sequence[Held] | None = None,
) -> Iterator[Files]:
    """The month's files, as long as the context lasts; `payouts` gives the facts behind its payouts.

    A draft shows the month as if it ended at `until`. `held` are the pieces of its shards, where they are
    written already.

    Raises:
        OutOfTime: there are more entries than time allows.
        Unavailable: storage is away; `piece_damaged`, a piece is not what was written.
    """
    with TemporaryDirectory(prefix="ledger-") as name:
        whole = _Whole(Path(name), program, month, opening, stores.catalogue.terms(program.id), extent)
        (whole.folder / "statements").mkdir()
        if held is None:
            held = [whole.piece_of(stores, shard, has_time) for shard in range(program.shards)]
        parts = whole.put_together(held, until)
        if extent.payouts:
            parts += _write_payouts(stores, program, month, whole.tally, whole.folder, payouts)
        manifest = ledger.manifest(
            program.id, month, program.timezone, engine, whole.tally, parts, opening.previous
        )
        yield Files(whole.folder, parts, manifest, whole.tally, month, whole.monthly, whole.own)


def content_type(name: str) -> str:
    """The content type of a ledger file by its name."""
    return CONTENT_TYPES[name.rsplit(".", 1)[1]]


class _Whole:
    """A month's files as they are put together, and what they add up to."""

    def __init__(
        self,
        folder: Path,
        program: Program,
        month: Month,
        opening: Opening,
        versions: Sequence[Terms],
        extent: Extent,
    ) -> None:
        self.folder = folder
        self.tally = Tally.opened_with(opening.balances)
        self.monthly = opening.monthly.copy()
        self.own: tuple[Entry, ...] = ()
        self._opened = Tally.opened_with(self.tally.carried())
        self._program, self._month = program, month
        self._versions, self._extent = versions, extent

    def piece_of(self, stores: Stores, shard: int, has_time: HasTime) -> Held:
        """The shard's piece, written here."""
        entries = stores.journal.entries(self._program.id, self._month, shard)
        by_month = monthly.has_rules(self._versions)
        return pieces.write(
            self.folder, shard, entries, self._program, self._month, has_time, by_month=by_month
        )

    def put_together(self, held: Sequence[Held], until: datetime | None) -> tuple[Part, ...]:
        """Everything that is made of the pieces, and what the month itself books beside them."""
        for one in held:
            self.tally.merge(one.piece.tally)
            self.monthly.merge(one.piece.monthly)
        self.own = tuple(monthly.close(self.monthly, self._program, self._versions, self._month, until))
        if self.own:
            own = pieces.write(
                self.folder, self._program.shards, self.own, self._program, self._month, always
            )
            self.tally.merge(own.piece.tally)
            held = [*held, own]
        return (
            *(one.piece.ledger for one in held),
            *self._carried(),
            self._texts("summary.csv", ledger.summary_lines(self.tally)),
            self._journal(held),
            *self._statements(held),
            *(self._pages(held) if self._extent.pages else ()),
        )

    def _carried(self) -> Iterator[Part]:
        """The file that the next month goes on from, where there is anything."""
        if self.monthly.sales or self.monthly.booked:
            yield self._texts(monthly_file.NAME, monthly_file.lines(self.monthly))

    def _texts(self, name: str, lines: Iterable[str]) -> Part:
        file = Growing(self.folder / name)
        for line in lines:
            file.write(line)
        return file.part(name, header_rows=1)

    def _journal(self, held: Sequence[Held]) -> Part:
        currencies = sorted({currency for _, currency in self.tally.balances})
        timezone = self._program.timezone
        file = Growing(self.folder / "journal.ledger")
        file.write(ledger.journal_opening(self._program.id, self._month, timezone, self._opened, currencies))
        with _readings(held, JOURNAL) as readings:
            for reading in readings:
                reading.copy(JOURNAL, file)
        return file.part("journal.ledger", header_rows=1)

    def _statements(self, held: Sequence[Held]) -> Iterator[Part]:
        with _readings(held, STATEMENTS) as readings:
            for partner in self._partners():
                before = statement.opening_lines(partner, self._opened)
                after = statement.closing_lines(partner, self.tally)
                yield self._around(statement.name(partner), partner, before, readings, after, 1)

    def _pages(self, held: Sequence[Held]) -> Iterator[Part]:
        with _readings(held, PAGES) as readings:
            for partner in self._partners():
                before = [statement_page.head(self._program.id, self._month, partner, self.tally)]
                after = [statement_page.tail()]
                yield self._around(statement_page.name(partner), partner, before, readings, after, 2)

    def _around(
        self,
        name: str,
        partner: str,
        before: Iterable[str],
        readings: Sequence[Reading],
        after: Iterable[str],
        header_rows: int,
    ) -> Part:
        """The file that holds the partner's share of each piece, between these texts."""
        file = Growing(self.folder / name)
        for text in before:
            file.write(text)
        for reading in readings:
            reading.copy(partner, file)
        for text in after:
            file.write(text)
        return file.part(name, header_rows=header_rows)

    def _partners(self) -> list[str]:
        return sorted({partner for partner, _ in self.tally.balances})


@contextmanager
def _readings(held: Sequence[Held], name: str) -> Iterator[list[Reading]]:
    """These bundles of the pieces, to be read to their ends."""
    readings = [Reading(one, name) for one in held]
    yield readings
    for reading in readings:
        reading.finish()


def _write_payouts(
    stores: Stores, program: Program, month: Month, tally: Tally, folder: Path, source: Source
) -> tuple[Part, ...]:
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
    parts = []
    for text in texts:
        file = Growing(folder / text.name)
        file.write(text.text)
        parts.append(file.part(text.name, rows=text.rows))
    return tuple(parts)
