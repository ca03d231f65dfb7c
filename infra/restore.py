"""Bring a stage's data back: `python -m infra.restore STAGE STEP`.

The steps, in this order; docs/runbooks.md tells when to take which. `copies AT` restores tables as they were
at that moment, beside the live ones; `verify` checks every closed month against those copies; `stop` has the
stage's functions stand still; `place` puts the copies in place of the tables; then `make deploy` starts them.
`ledgers` writes published files again that are hidden or missing, and names those that are damaged.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import bootstrap
from chalicelib.domain.errors import LinkledgerError
from infra import restoring
from infra.account import Account, DeployError
from infra.acting import acting_as
from infra.deployment import Deployment
from infra.project import ROOT
from infra.restoring import Ledgers, Tables


def copies(target: Deployment, at: datetime, names: Sequence[str]) -> None:
    """Restore these tables, or all, as they were then, beside themselves."""
    for table in _tables(target).copy(at, names or None):
        target.say(f"  restored: {table}, as of {at.isoformat()}")


def verify(target: Deployment, *, live: bool = False) -> None:
    """Check every closed month against the copies, or against the live tables.

    Raises:
        DeployError: something is wrong with one.
    """
    prefix = target.prefix if live else _tables(target).copies
    with acting_as({**target.environment, "TABLE_PREFIX": prefix}):
        found = restoring.problems(bootstrap.stores(), target.say)
    for problem in found:
        target.say(f"  WRONG: {problem}")
    if found:
        raise DeployError(f"{len(found)} problems with the closed months of {prefix}")
    target.say(f"  every closed month of {prefix} is verified")


def stop(target: Deployment) -> None:
    """Let no function of the stage run, until the step `app` of a deployment says otherwise."""
    functions = target.account.client("lambda")
    for name in target.live().functions:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        target.say(f"  stopped: {name}")


def place(target: Deployment, names: Sequence[str]) -> None:
    """Put the copies of these tables, or of all, in their place.

    Raises:
        DeployError: functions still run, or a copy is missing.
    """
    functions = target.account.client("lambda")
    for name in target.live().functions:
        reserved = functions.get_function_concurrency(FunctionName=name)
        if reserved.get("ReservedConcurrentExecutions") != 0:
            raise DeployError(f"{name} may still run: take the step `stop` first")
    for table in _tables(target).place(names or None):
        target.say(f"  in place: {table}")
    target.say(f'Now start it again: make deploy STAGE={target.stage} STEPS="app settings"')


def ledgers(target: Deployment, replica: str | None) -> None:
    """Write published files again that are hidden or missing.

    Raises:
        DeployError: a file is not what its manifest says.
    """
    outputs = target.outputs
    found = Ledgers(target.account.client("s3"), outputs["LedgerBucket"], outputs["LedgerLock"])
    for key in found.bring_back(replica, target.now()):
        target.say(f"  back: {key}")
    damaged = list(found.damaged())
    if damaged:
        raise DeployError("these are not what their manifests say: " + ", ".join(damaged))
    target.say("  every published file is what its manifest says")


def _tables(target: Deployment) -> Tables:
    return Tables(target.account.client("dynamodb"), target.prefix)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("say its zone, as in 2026-11-21T09:00:00Z")
    return at


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the step that the command line names; 0 where it worked."""
    parser = argparse.ArgumentParser(prog="python -m infra.restore", description=__doc__)
    parser.add_argument("stage")
    steps = parser.add_subparsers(dest="step", required=True)
    made = steps.add_parser("copies", help="restore tables beside themselves")
    made.add_argument("at", type=_moment, help="the moment, as in 2026-11-21T09:00:00Z")
    checked = steps.add_parser("verify", help="check closed months against the copies")
    checked.add_argument("--live", action="store_true", help="against the live tables instead")
    steps.add_parser("stop", help="let no function run")
    placed = steps.add_parser("place", help="put the copies in place of the tables")
    for tables in (made, placed):
        tables.add_argument("--table", action="append", default=[], help="only this one, as in journal")
    files = steps.add_parser("ledgers", help="bring published files back")
    files.add_argument("--replica", help="a bucket that they were replicated to")
    wanted = parser.parse_args(arguments)
    target = Deployment(wanted.stage, Account(), os.environ, ROOT / "build")
    try:
        _take(target, wanted)
    except (DeployError, LinkledgerError, BotoCoreError, ClientError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    return 0


def _take(target: Deployment, wanted: argparse.Namespace) -> None:
    if wanted.step == "copies":
        copies(target, wanted.at, wanted.table)
    elif wanted.step == "verify":
        verify(target, live=wanted.live)
    elif wanted.step == "stop":
        stop(target)
    elif wanted.step == "place":
        place(target, wanted.table)
    else:
        ledgers(target, wanted.replica)


if __name__ == "__main__":
    sys.exit(main())
