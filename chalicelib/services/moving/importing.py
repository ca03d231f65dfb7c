"""Imports: step by step, each noted before it is made, so that one that broke off goes on where it was.

Every name is derived from what the files tell. So the same files are the same import, and a second run finds
what the first one made.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain import ids
from chalicelib.domain.errors import Conflict, LinkledgerError, NotFound, Unavailable
from chalicelib.domain.moving import SOURCES, File, Told, Unread, read
from chalicelib.domain.program import Program
from chalicelib.services.links import not_enrolled
from chalicelib.services.moving import balances, codes, coupons, customers, partners
from chalicelib.services.moving.desk import Desk, Kind, People, Standing, Step
from chalicelib.storage.imports import Made
from chalicelib.storage.stores import Stores

KINDS: Mapping[str, Kind] = {
    "partner": partners,
    "link": codes,
    "coupon": coupons,
    "customer": customers,
    "balance": balances,
}
"""What an import makes, in this order; an undo goes the other way."""

Watch = Callable[[str, int, int], None]
"""Is told the kind, how many of its steps are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported: the files by name, and columns that the caller named."""

    vendor: str
    files: Mapping[str, bytes]
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What became of everything: counts by kind, balances made or there by currency, refused rows."""

    import_id: str
    files: tuple[File, ...] = ()
    counts: dict[str, dict[Standing, int]] = field(default_factory=dict)
    owed_minor: dict[str, int] = field(default_factory=dict)
    refused: list[Unread] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo took back, by kind, and what had to stay: kind, name and reason."""

    counts: Mapping[str, int]
    kept: Sequence[tuple[str, str, str]]


def run(
    stores: Stores, program: Program, wanted: Wanted, now: datetime, *, dry: bool = False, watch: Watch
) -> Report:
    """Import the files, or (`dry`) tell what that would do.

    Raises:
        Invalid, TooLarge: a file can't be read at all; nothing was made.
        Unavailable: storage does not answer; the same again goes on from there.
    """
    source = SOURCES[wanted.vendor]
    files = read(source, wanted.files, program.currency, program.timezone, wanted.columns)
    rows = [told for file in files for told in file.rows]
    report = Report(_id_of(program, wanted), files)
    report.refused += [unread for file in files for unread in file.unread]
    people = People(stores, program, wanted.vendor, rows)
    desk = Desk(stores, program, wanted.vendor, now, report.import_id, people)
    if not dry:
        stores.imports.begin(program.id, report.import_id, wanted.vendor, tuple(wanted.files), now)
    for name, kind in KINDS.items():
        counted = report.counts.setdefault(name, dict.fromkeys(Standing, 0))
        steps = list(_steps(desk, kind, rows, report, counted))
        for done, step in enumerate(steps, 1):
            _take(desk, name, kind, step, report, counted, dry=dry)
            watch(name, done, len(steps))
    return report


def undo(stores: Stores, program: Program, import_id: str, now: datetime, watch: Watch) -> Undone:
    """Take back what the import made, and nothing else.

    Raises:
        NotFound: `import_unknown`.
        Unavailable: storage does not answer; the same again goes on from there.
    """
    vendor = stores.imports.vendor_of(program.id, import_id)
    if vendor is None:
        raise NotFound("import_unknown", "there is no such import of this program", "import")
    desk = Desk(stores, program, vendor, now, import_id, People(stores, program, vendor, ()))
    counts, kept = dict.fromkeys(KINDS, 0), []
    for name, kind in reversed(list(KINDS.items())):
        made = [one for one in stores.imports.made(program.id, import_id, name) if not one.undone]
        for done, one in enumerate(made, 1):
            if reason := kind.undo(desk, one):
                kept.append((name, one.name, reason))
            else:
                stores.imports.note(program.id, import_id, replace(one, undone=True))
                counts[name] += 1
            watch(name, done, len(made))
    return Undone(counts, kept)


def _steps(
    desk: Desk, kind: Kind, rows: Sequence[Told], report: Report, counted: dict[Standing, int]
) -> Iterator[Step]:
    """What the rows ask for of this kind, each thing once."""
    asked: set[tuple[str, str, int]] = set()
    for told in rows:
        try:
            step = kind.wanted(desk, told)
        except LinkledgerError as problem:
            _refuse(report, counted, told, problem)
            continue
        if step is None:
            continue
        same = (step.name, step.partner, told.balance_minor if kind is balances else 0)
        if same not in asked:
            asked.add(same)
            yield step


def _take(
    desk: Desk,
    name: str,
    kind: Kind,
    step: Step,
    report: Report,
    counted: dict[Standing, int],
    *,
    dry: bool,
) -> None:
    try:
        standing = _look(desk, name, kind, step)
        if standing is Standing.MADE and not dry:
            _make(desk, name, kind, step)
    except Unavailable:
        raise
    except LinkledgerError as problem:
        _refuse(report, counted, step.told, problem)
        return
    desk.seen.setdefault((name, step.name), step)
    counted[standing] += 1
    if kind is balances:
        told = step.told
        report.owed_minor[told.currency] = report.owed_minor.get(told.currency, 0) + told.balance_minor


def _look(desk: Desk, name: str, kind: Kind, step: Step) -> Standing:
    if name != "partner" and not desk.is_enrolled(step.partner):
        raise not_enrolled()
    before = desk.seen.get((name, step.name))
    if before is not None and before.partner != step.partner:
        raise Conflict(f"{name}_repeated", f"these files give this {name} to another partner, too", name)
    return kind.look(desk, step)


def _make(desk: Desk, name: str, kind: Kind, step: Step) -> None:
    """Note it first: whatever happens after that, an undo knows of it."""
    imports, program = desk.stores.imports, desk.program.id
    noted = Made(name, step.name, step.partner)
    imports.note(program, desk.import_id, noted)
    try:
        kind.make(desk, step)
    except Unavailable:
        raise
    except LinkledgerError:
        imports.forget(program, desk.import_id, noted)
        raise


def _refuse(report: Report, counted: dict[Standing, int], told: Told, problem: LinkledgerError) -> None:
    counted[Standing.REFUSED] += 1
    report.refused.append(Unread(told.file, told.line, problem.message))


def _id_of(program: Program, wanted: Wanted) -> str:
    digests = sorted(hashlib.sha256(raw).hexdigest() for raw in wanted.files.values())
    return ids.derive("imp", program.id, wanted.vendor, *digests)
