"""`cli simulate`: what draft terms would have paid for a past month, before anybody publishes them."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.money import format_major
from chalicelib.domain.period import Month
from chalicelib.domain.review import refuse
from chalicelib.domain.terms import Terms
from chalicelib.domain.terms_review import review_terms
from chalicelib.routes.terms_bodies import NewTerms, monthly_of, parts_of
from chalicelib.routes.wire import read_object, shape
from chalicelib.services import simulations

_FIGURES = ("published", "simulated", "difference")


def register(commands: Any) -> None:
    """Add the command to the command line."""
    simulate = commands.add_parser("simulate", help="run draft terms over a past month's facts")
    simulate.add_argument("program")
    simulate.add_argument("month", help="YYYY-MM")
    simulate.add_argument("terms", help="a file with the terms as the API takes them; - for standard input")
    simulate.add_argument("--json", action="store_true", help="print the whole result")
    simulate.set_defaults(run=_simulate)


def _simulate(wanted: argparse.Namespace) -> int:
    stores, now = bootstrap.stores(), bootstrap.now()
    program = stores.catalogue.program(wanted.program)
    month = Month.parse(wanted.month)
    raw = sys.stdin.buffer.read() if wanted.terms == "-" else Path(wanted.terms).read_bytes()
    body = shape(read_object(raw), NewTerms)
    attribution, hold_days, rules = parts_of(body)
    draft = Terms(program.id, 1, now, attribution, hold_days, tuple(rules), monthly_of(body))
    refuse(review_terms(draft))
    result = simulations.as_result(program, month, simulations.run(stores, program, month, draft, now))
    print(json.dumps(result, indent=2) if wanted.json else _table(result))
    return 0


def _table(result: dict[str, Any]) -> str:
    changed, looked_at = result["changed"], result["conversions"]
    lines = [f"{result['program']} {result['month']}: {changed} of {looked_at} conversions would change"]
    lines.append(f"  {'':<27}{''.join(f'{name:>14}' for name in _FIGURES)}")
    for row in (*result["partners"], *result["totals"]):
        figures = "".join(f"{format_major(row[name], row['currency']):>14}" for name in _FIGURES)
        lines.append(f"  {row.get('partner', 'total'):<24}{row['currency']}{figures}")
    lines += [f"  {times} would wait: {reason}" for reason, times in sorted(result["waiting"].items())]
    for receipt in result["receipts"]:
        lines += ["", *(f"  {line}" for line in receipt["text"].splitlines())]
    return "\n".join(lines)
