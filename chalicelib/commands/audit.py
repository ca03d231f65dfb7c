"""`cli audit`: who changed what, as CSV."""

import argparse
import sys
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.period import parse_instant
from chalicelib.services import audit


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("audit", help="print who changed what in a program, as CSV, newest first")
    parser.add_argument("program", nargs="?", help="the program; without one, the stage's own log")
    parser.add_argument("--since", help="an instant, such as 2026-11-01T00:00:00Z")
    parser.set_defaults(run=_run)


def _run(wanted: argparse.Namespace) -> int:
    since = parse_instant(wanted.since, "since") if wanted.since else None
    for text in audit.csv_lines(audit.every(bootstrap.stores(), wanted.program, since)):
        sys.stdout.write(text)
    return 0
