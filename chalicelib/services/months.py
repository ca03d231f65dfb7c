"""Months of a program: what each starts from, and its drafts."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib import ENGINE
from chalicelib.domain import monthly_file
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.ledger import Key
from chalicelib.domain.money import parse_signed_major
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services.folders import draft_folder, published_folder
from chalicelib.services.pacing import HasTime, always
from chalicelib.services.publishing import Files, Opening, content_type, written
from chalicelib.storage.stores import Stores

LARGE = 100_000
"""Entries above which a draft is written once a day: the hourly pass would read millions for a few."""

LARGE_AT = 3
"""In which hour of the day (UTC) that is, by the first pass in it and those that follow within it."""

_BOOKED_WITHIN = timedelta(minutes=15)
"""How long after its note an entry may still be booked: no function of ours runs longer.

A younger note stays, so that the next pass looks again.
"""


def opening_of(stores: Stores, program: Program, month: Month, first: Month) -> Opening:
    """What a month starts from: the published balances of the month before it.

    Raises:
        Unavailable: the month before can't be read, or its summary is not what its manifest says.
    """
    if month <= first:
        return Opening(None, {})
    folder = published_folder(program.id, month.previous())
    manifest = stores.bucket.find(folder + "manifest.json")
    summary = stores.bucket.find(folder + "summary.csv")
    if manifest is None or summary is None:
        raise Unavailable("ledger_missing", f"the ledger of {month.previous()} can't be read")
    named = {part["name"]: part["sha256"] for part in json.loads(manifest)["parts"]}
    if named["summary.csv"] != sha256_of(summary):
        raise Unavailable("ledger_damaged", f"the summary of {month.previous()} is not the published one")
    opening = Opening((month.previous(), sha256_of(manifest)), _balances(summary))
    if monthly_file.NAME not in named:
        return opening
    carried = stores.bucket.find(folder + monthly_file.NAME) or b""
    if named[monthly_file.NAME] != sha256_of(carried):
        raise Unavailable(
            "ledger_damaged", f"the carried figures of {month.previous()} are not the published ones"
        )
    return replace(opening, monthly=monthly_file.read(carried.decode()))


def refresh_drafts(
    stores: Stores, program: Program, now: datetime, has_time: HasTime = always
) -> list[Month]:
    """Write the drafts of the open months again, from the first one that is behind; which they were.

    The running month has a draft from its first reconcile on, also while nothing is booked in it. A draft
    of more entries than `LARGE` reads them all each time, and is written anew once a day only.

    Raises:
        OutOfTime: a month has more entries than time allows; its draft stays as it was.
    """
    notes = stores.journal.dirty(program.id)
    books = stores.journal.books(program)
    first = books.next_to_close
    running = max(Month.of(now, program.timezone), first)
    late = [note.month for note in notes]
    if stores.bucket.find(draft_folder(program.id, running) + "manifest.json") is None:
        late.append(running)
    if not late or (now.hour != LARGE_AT and _is_large(stores, program, min(late), first)):
        return []
    behind, until = max(min(late), first), max(running, *late)
    opening = opening_of(stores, program, first, books.opened)
    refreshed = []
    month = first
    while month <= until:
        with written(stores, program, month, opening, ENGINE, until=now, has_time=has_time) as files:
            if month >= behind and _write_draft(stores, program, month, files):
                refreshed.append(month)
            opening = files.opening
        month = month.next()
    drop_left_drafts(stores, program, refreshed)
    stores.journal.note_drafted(program.id, now)
    for note in notes:
        if note.at <= now - _BOOKED_WITHIN:
            stores.journal.clear_dirty(program.id, note)
    return refreshed


def _is_large(stores: Stores, program: Program, behind: Month, first: Month) -> bool:
    """Whether the draft that is behind, or the one before it, had more than `LARGE` entries."""
    for month in {max(behind, first), first}:
        body = stores.bucket.find(draft_folder(program.id, month) + "manifest.json")
        if body is not None and json.loads(body)["counts"]["entries"] > LARGE:
            return True
    return False


def drop_draft(stores: Stores, program: str, month: Month) -> None:
    """Remove the draft of a month that is published."""
    for key in stores.bucket.keys(draft_folder(program, month)):
        stores.bucket.delete(key)


def drop_left_drafts(stores: Stores, program: Program, of: Iterable[Month] | None = None) -> None:
    """Remove the drafts of months that are published; of these months, or of the last one that was.

    They are left behind where a closer crashed before it came to that, or a draft was being written beside
    the close.
    """
    closed_through = stores.journal.books(program).closed_through
    if closed_through is None:
        return
    for month in [closed_through] if of is None else of:
        if month <= closed_through:
            drop_draft(stores, program.id, month)


def _write_draft(stores: Stores, program: Program, month: Month, files: Files) -> bool:
    """Write the draft; False where it is there as it is."""
    folder = draft_folder(program.id, month)
    if stores.bucket.find(folder + "manifest.json") == files.manifest:
        return False
    for part in files.parts:
        with (files.folder / part.name).open("rb") as body:
            stores.bucket.write(folder + part.name, body, content_type(part.name))
    stores.bucket.write(folder + "manifest.json", io.BytesIO(files.manifest), content_type("manifest.json"))
    named = {folder + name for name in ("manifest.json", *(part.name for part in files.parts))}
    for key in stores.bucket.keys(folder):
        if key not in named:
            stores.bucket.delete(key)
    return True


def sha256_of(body: bytes) -> str:
    """The bytes' hash, in hex, as manifests write it."""
    return hashlib.sha256(body).hexdigest()


def _balances(summary: bytes) -> dict[Key, tuple[int, int]]:
    balances = {}
    for row in csv.DictReader(io.StringIO(summary.decode(), newline="")):
        amounts = [parse_signed_major(row[name], row["currency"]) for name in ("closing", "payable")]
        if any(amounts):
            balances[row["partner"], row["currency"]] = (amounts[0], amounts[1])
    return balances
