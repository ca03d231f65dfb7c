"""The books as an auditor sees them: read back from the bucket and the journal, and checked against what
was acknowledged."""

import csv
import hashlib
import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

from chalicelib.domain.journal import EARNING_KINDS, Entry
from chalicelib.domain.ledger import entry_line
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services import months
from chalicelib.services.folders import published_folder
from chalicelib.services.publishing import written
from chalicelib.storage.stores import Stores

Row = dict[str, str]


@dataclass(frozen=True)
class Audit:
    """Published rows by month, entries of open months, and the problems that were found."""

    published: dict[Month, list[Row]]
    open_entries: list[Entry]
    problems: list[str]

    def commission_of(self, conversion: str) -> int:
        """What stands for a conversion over all months, in minor units of a two-digit currency."""
        kinds = {str(kind) for kind in EARNING_KINDS}
        rows = [row for rows in self.published.values() for row in rows]
        booked = sum(
            int(Decimal(row["commission_amount"]) * 100)
            for row in rows
            if row["conversion_id"] == conversion and row["kind"] in kinds
        )
        waiting = sum(
            e.commission_minor
            for e in self.open_entries
            if e.conversion == conversion and e.kind in EARNING_KINDS
        )
        return booked + waiting


def audit(stores: Stores, program: Program) -> Audit:
    """Read everything back and check what must hold whatever happened before."""
    books = stores.journal.books(program)
    published: dict[Month, list[Row]] = {}
    problems: list[str] = []
    month, previous = books.opened, None
    while books.closed_through is not None and month <= books.closed_through:
        rows, manifest_hash, found = _published_month(stores, program, month, previous)
        published[month] = rows
        problems += found
        previous = {"month": str(month), "sha256": manifest_hash}
        month = month.next()
    open_entries = _open_entries(stores, program, month)
    ids = Counter(row["entry_id"] for rows in published.values() for row in rows)
    ids.update(entry.id for entry in open_entries)
    problems += [f"entry {entry} stands {count} times" for entry, count in ids.items() if count > 1]
    problems += _reversed_too_much(published, open_entries)
    return Audit(published, open_entries, problems)


def _published_month(
    stores: Stores, program: Program, month: Month, previous: dict[str, str] | None
) -> tuple[list[Row], str, list[str]]:
    folder = published_folder(program.id, month)
    raw = stores.bucket.find(folder + "manifest.json")
    if raw is None:
        return [], "", [f"{month} is marked as closed without a manifest"]
    manifest = json.loads(raw)
    problems = []
    rows: list[Row] = []
    for part in manifest["parts"]:
        body = stores.bucket.find(folder + part["name"]) or b""
        if hashlib.sha256(body).hexdigest() != part["sha256"] or len(body) != part["bytes"]:
            problems.append(f"{month} {part['name']} is not what the manifest says")
        if part["name"].startswith("ledger-"):
            rows += csv.DictReader(io.StringIO(body.decode(), newline=""))
    if manifest["previous"] != previous:
        problems.append(f"{month} is not chained to the month before it")
    problems += _recomputed(stores, program, month, manifest["engine"], raw)
    return rows, hashlib.sha256(raw).hexdigest(), problems


def _recomputed(stores: Stores, program: Program, month: Month, engine: str, raw: bytes) -> list[str]:
    opening = months.opening_of(stores, program, month, stores.journal.books(program).opened)
    with written(stores, program, month, opening, engine) as files:
        return [] if files.manifest == raw else [f"{month} is not published as it is recomputed"]


def _open_entries(stores: Stores, program: Program, first: Month) -> list[Entry]:
    found = []
    month = first
    for _ in range(3):
        for shard in range(program.shards):
            found += stores.journal.entries(program.id, month, shard)
        month = month.next()
    return found


def _reversed_too_much(published: dict[Month, list[Row]], open_entries: list[Entry]) -> list[str]:
    rows = [row for rows in published.values() for row in rows]
    for entry in open_entries:
        rows += csv.DictReader(io.StringIO(_with_header(entry), newline=""))
    nets: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["conversion_id"] and row["kind"] in {str(kind) for kind in EARNING_KINDS}:
            nets[row["conversion_id"], row["partner"]] += Decimal(row["commission_amount"])
    return [f"{key} stands at {net}" for key, net in nets.items() if net < 0]


def _with_header(entry: Entry) -> str:
    from chalicelib.domain.ledger import ENTRY_COLUMNS, header

    return header(ENTRY_COLUMNS) + entry_line(entry)
