"""`cli ledger`: verify a closed month, show how files differ, explain an entry."""

import argparse
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.period import Month
from chalicelib.services import explaining, verifying


def register(commands: Any) -> None:
    """Add the group to the command line."""
    group = commands.add_parser("ledger", help="check and explain ledgers")
    actions = group.add_subparsers(dest="action", required=True)
    verify = actions.add_parser("verify", help="recompute a closed month from facts and check its chain")
    verify.set_defaults(run=_verify)
    diff = actions.add_parser("diff", help="show how a month's files differ from what the journal gives")
    diff.set_defaults(run=_diff)
    for month_of in (verify, diff):
        month_of.add_argument("program")
        month_of.add_argument("month", help="YYYY-MM")
    explain = actions.add_parser("explain", help="show all that led to an entry")
    explain.add_argument("entry")
    explain.add_argument("--program", help="look in this program alone, which is quicker")
    explain.set_defaults(run=_explain)


def _verify(wanted: argparse.Namespace) -> int:
    """1 where something is wrong."""
    found = verifying.verify(bootstrap.stores(), wanted.program, Month.parse(wanted.month))
    for problem in found.problems:
        print(problem)
    outcome = f"{len(found.problems)} problems" if found.problems else "verified"
    print(f"{wanted.program} {wanted.month}: {outcome} ({found.months} months, {found.entries} entries)")
    return 1 if found.problems else 0


def _diff(wanted: argparse.Namespace) -> int:
    """1 where something differs."""
    differs = 0
    for line in explaining.differences(bootstrap.stores(), wanted.program, Month.parse(wanted.month)):
        differs = 1
        print(line)
    return differs


def _explain(wanted: argparse.Namespace) -> int:
    for line in explaining.explain(bootstrap.stores(), wanted.entry, wanted.program, bootstrap.now()):
        print(line)
    return 0
