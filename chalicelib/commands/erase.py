"""`cli erase`: take a customer out of the facts."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from chalicelib import bootstrap
from chalicelib.services import erasures


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("erase", help="erase a customer of a program; the books stay")
    parser.add_argument("program")
    parser.add_argument("customer", help="the merchant's own id of the customer")
    parser.set_defaults(run=_run)


def _run(wanted: argparse.Namespace) -> int:
    stores = bootstrap.stores()
    program = stores.catalogue.program(wanted.program)
    erased = erasures.erase_customer(stores, program, wanted.customer, bootstrap.now())
    print(json.dumps(asdict(erased)))
    return 0
