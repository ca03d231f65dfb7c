"""`python -m chalicelib.cli`: what an operator does by hand, in the stage that the environment names."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chalicelib import bootstrap
from chalicelib.commands import audit, doctor, erase, ledger, moving, simulate, status
from chalicelib.domain.audit import Actor
from chalicelib.domain.errors import LinkledgerError
from chalicelib.services import keeping
from chalicelib.storage.trail import acting

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 where it did what it should, 1 where it didn't, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m chalicelib.cli", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    replay = commands.add_parser(
        "replay-clicks", help="write the clicks that a log holds because storage was away"
    )
    replay.add_argument("file", help="the log, one line an event; - for standard input")
    replay.set_defaults(run=_replay_clicks)
    doctor.register(commands)
    ledger.register(commands)
    simulate.register(commands)
    status.register(commands)
    audit.register(commands)
    erase.register(commands)
    moving.register(commands)
    wanted = parser.parse_args(arguments)
    run: Command = wanted.run
    try:
        with acting(Actor("operator", bootstrap.now())):
            return run(wanted)
    except LinkledgerError as error:
        print(f"{error.field}: {error}" if error.field else error, file=sys.stderr)
    except OSError as error:
        print(error, file=sys.stderr)
    return 1


def _replay_clicks(wanted: argparse.Namespace) -> int:
    """Print what became of the clicks; 1 where one could not be read."""
    stores, now = bootstrap.stores(), bootstrap.now()
    if wanted.file == "-":
        counted = keeping.replay(stores, sys.stdin, now)
    else:
        with Path(wanted.file).open(encoding="utf-8", errors="replace") as lines:
            counted = keeping.replay(stores, lines, now)
    print(json.dumps(counted))
    return 1 if counted["unreadable"] else 0


if __name__ == "__main__":
    sys.exit(main())
