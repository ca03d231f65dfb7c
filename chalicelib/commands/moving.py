"""`cli import`: bring partners, links, promo codes, customers and balances from another vendor."""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import format_major
from chalicelib.domain.moving import NAMES, SOURCES
from chalicelib.services.moving import importing
from chalicelib.services.moving.desk import Standing

_WIDTH = 30
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
    """1 where something was refused."""
    stores, now = bootstrap.stores(), bootstrap.now()
    program = stores.catalogue.program(wanted.program)
    if wanted.undo:
        undone = importing.undo(stores, program, wanted.undo, now, _watch)
        for kind, count in undone.counts.items():
            print(f"{kind + 's:':<12}{count:>8} taken back")
        for kind, name, reason in undone.kept:
            print(f"stays: {kind} {name}: {reason}")
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
        print(f"{file.name}: {file.kind}, {len(file.rows)} rows{aside}")
    made = "to make" if dry else "made"
    for kind, counted in report.counts.items():
        print(
            f"{kind + 's:':<12}{counted[Standing.MADE]:>8} {made}"
            f"{counted[Standing.THERE]:>8} there already{counted[Standing.REFUSED]:>8} refused"
        )
    for line in _money_lines(report):
        print(line)
    for refused in report.refused:
        print(f"refused: {refused.file} line {refused.line}: {refused.reason}")
    if not dry:
        print(f"to take it back: --undo {report.import_id}")


def _money_lines(report: importing.Report) -> Iterator[str]:
    """What is owed in all, to be compared with what the vendor says; else where it may stand."""
    for currency, amount_minor in sorted(report.owed_minor.items()):
        yield f"owed in all: {format_major(amount_minor, currency)} {currency}"
    left = [column for file in report.files for column in file.ignored if _MONEY.search(column)]
    if not report.owed_minor and left:
        yield f'no balance was read; if one of {", ".join(left)} is it: --columns balance="{left[0]}"'


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
