"""`cli status`: the state of the stage at a glance."""

import argparse
from typing import Any

from chalicelib import bootstrap
from chalicelib.domain.period import format_instant
from chalicelib.services import operating
from chalicelib.services.operating import ProgramState


def register(commands: Any) -> None:
    """Add the command to the command line."""
    status = commands.add_parser("status", help="show the state of the stage at a glance")
    status.set_defaults(run=_status)


def _status(_wanted: argparse.Namespace) -> int:
    """1 where something wants a look."""
    stores = bootstrap.stores()
    state = operating.state_of(stores, bootstrap.now())
    print(f"stage {stores.settings.table_prefix} at {format_instant(state.at)}")
    print(f"last reconcile: {format_instant(state.reconciled) if state.reconciled else 'never'}")
    for program in state.programs:
        _print_program(program)
    for name, depth in state.queues.items():
        print(f"queue {name}: {'missing' if depth is None else depth}")
    for worry in state.worries:
        print(f"LOOK: {worry}")
    return 1 if state.worries else 0


def _print_program(program: ProgramState) -> None:
    months = ", ".join(str(month) for month in program.open_months) or "none"
    closing = f", closing {program.closing}" if program.closing else ""
    print(f"program {program.program}: closed through {program.closed_through or 'nothing yet'}{closing}")
    print(f"  open months: {months}")
    print(
        f"  to decide: {program.due}; waiting for a person: {program.held};"
        f" on hold: {program.on_hold}; quarantined: {len(program.quarantined)}"
    )
