"""`cli import`: bring partners, links, promo codes, customers and balances from another vendor."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import format_major
from chalicelib.domain.moving import NAMES, SOURCES, Unread
from chalicelib.services.moving import importing
from chalicelib.services.moving.desk import Standing

_WIDTH = 30
_SHOWN = 10
_MONEY = re.compile(r"balance|unpaid|owed|due\b|payable", re.IGNORECASE)
"""Columns that may hold what is owed."""


def register(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("import", help="bring partners and what they have from another vendor")
    parser.add_argument("vendor", choices=sorted(SOURCES))
    parser.add_argument("files", nargs="*", help="its exports, as CSV")
    parser.add_argument("--program", required=True)
    parser.add_argument("--dry-run", action="store_true", help="show what would happen, and change nothing")
    parser.add_argument("--undo", metavar="IMPORT", help="take back what this import made")
    parser.add_argument(
        "--columns",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help=f"NAME is one of {', '.join(NAMES)}",
    )
    parser.set_defaults(run=_run)


def _run(wanted: argparse.Namespace) -> int:
    """1 where something was refused, 130 (as shells have it) where somebody stopped it."""
    try:
        return _move(wanted)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from there", file=sys.stderr)
        return 130


def _move(wanted: argparse.Namespace) -> int:
    stores, now = bootstrap.stores(), bootstrap.now()
    program = stores.catalogue.program(wanted.program)
    if wanted.undo:
        undone = importing.undo(stores, program, wanted.undo, now, _watch)
        for kind, count in undone.counts.items():
            print(f"{kind + 's:':<12}{count:>8} taken back")
        for line in _kept(undone.kept):
            print(line)
        return 0
    if not wanted.files:
        raise Invalid("files_missing", "name the files to import", "files")
    asked = importing.Wanted(
        wanted.vendor, {path: Path(path).read_bytes() for path in wanted.files}, _columns(wanted.columns)
    )
    report = importing.run(stores, program, asked, now, dry=wanted.dry_run, watch=_watch)
    _print(report, dry=wanted.dry_run)
    return 1 if report.refused else 0


def _print(report: importing.Report, *, dry: bool) -> None:
    print(f"{'dry run, nothing was changed' if dry else 'import'} {report.import_id}")
    for file in report.files:
        aside = f"; left aside: {', '.join(file.ignored)}" if file.ignored else ""
        unread = f", {len(file.unread)} that can't be read" if file.unread else ""
        print(f"{file.name}: {file.kind}, {len(file.rows)} rows{unread}{aside}")
    made = "to make" if dry else "made"
    for kind, counted in report.counts.items():
        print(
            f"{kind + 's:':<12}{counted[Standing.MADE]:>8} {made}"
            f"{counted[Standing.THERE]:>8} there already{counted[Standing.REFUSED]:>8} refused"
        )
    for line in _money_lines(report):
        print(line)
    for line in _refusals(report.refused):
        print(line)
    if not dry:
        print(f"to take it back: --undo {report.import_id}")


def _money_lines(report: importing.Report) -> Iterator[str]:
    """What is owed in all, to be compared with what the vendor says; else where it may stand."""
    for currency, amount_minor in sorted(report.owed_minor.items()):
        yield f"owed in all: {format_major(amount_minor, currency)} {currency}"
    left = [column for file in report.files for column in file.ignored if _MONEY.search(column)]
    if not report.owed_minor and left:
        yield f'no balance was read; if one of {", ".join(left)} is it: --columns balance="{left[0]}"'


def _kept(kept: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """Each reason once, with the first of those that it is about."""
    names: dict[tuple[str, str], list[str]] = {}
    for kind, name, reason in kept:
        names.setdefault((kind, reason), []).append(name)
    for (kind, reason), found in names.items():
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        yield f"stays: {kind} {', '.join(found[:_SHOWN])}{more}: {reason}"


def _refusals(refused: Sequence[Unread]) -> Iterator[str]:
    """Each reason once in a file, with the lines that it is about."""
    lines: dict[tuple[str, str], list[int]] = {}
    for one in refused:
        lines.setdefault((one.file, one.reason), []).append(one.line)
    for (file, reason), found in lines.items():
        yield f"refused: {file} line {_ranges(found)}: {reason}"


def _ranges(lines: Sequence[int]) -> str:
    """2, 3, 4 and 9 as `2-4, 9`."""
    runs: list[list[int]] = []
    for line in sorted(set(lines)):
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _watch(kind: str, done: int, total: int) -> None:
    """A bar on a terminal; elsewhere a line for each kind."""
    if sys.stderr.isatty():
        filled = _WIDTH * done // total
        end = "\n" if done == total else ""
        bar = "#" * filled + "." * (_WIDTH - filled)
        print(f"\r{kind + 's':<10} [{bar}] {done}/{total}", end=end, file=sys.stderr, flush=True)
    elif done == total:
        print(f"{kind}s: {done}/{total}", file=sys.stderr)


def _columns(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, separator, column = text.partition("=")
        if not separator or not column:
            raise Invalid("columns_invalid", "--columns takes NAME=COLUMN", "columns")
        found[name.strip()] = column.strip()
    return found
