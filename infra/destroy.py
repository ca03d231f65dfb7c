"""Take a stage down: `python -m infra.destroy STAGE`, or `make destroy STAGE=dev`.

Whatever answers and runs goes: the distribution, the API, the functions and their schedules; the alarms fall
silent. What holds data stays, and is named: no command of ours deletes a ledger.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra import edges, stacks
from infra.account import Account, DeployError
from infra.build_zip import PackageError, run_chalice
from infra.deploy import base, who
from infra.deployment import Deployment
from infra.project import ROOT, write_configuration
from infra.vendor import VendorError

_HOLDING_DATA = {
    "AWS::DynamoDB::Table": "table",
    "AWS::S3::Bucket": "bucket",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::SQS::Queue": "queue",
}


def destroy(target: Deployment) -> None:
    """Remove what can be made again, and name the rest.

    Raises:
        DeployError, PackageError: something could not be removed; trying again goes on from there.
    """
    cloudformation = target.account.client("cloudformation", edges.REGION)
    for name in sorted(edges.of(cloudformation, target.prefix)):
        stacks.delete(cloudformation, name)
        target.say(f"removed: stack {name}")
    write_configuration(target.project, target.stage, target.outputs, source=target.root)
    with target.state.locked(who(), target.now()):
        if target.state.fetch(target.record):
            run_chalice(target.project, "delete", "--stage", target.stage)
            target.record.unlink(missing_ok=True)
            target.state.store(target.record)
            target.say("removed: API, functions, schedules")
    target.given = {**target.given, "ALARMS": "false"}
    base(target)
    _name_what_stays(target)


def _name_what_stays(target: Deployment) -> None:
    target.say(f"Kept, in stack {target.prefix}; `make deploy STAGE={target.stage}` goes on with it:")
    pages = target.account.client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=target.prefix):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] in _HOLDING_DATA:
                kind = _HOLDING_DATA[resource["ResourceType"]]
                target.say(f"  {kind} {resource['PhysicalResourceId']}")
    bucket = target.outputs["LedgerBucket"]
    target.say(f"  ledgers in s3://{bucket}/ledgers/: locked, nobody can delete them before their time")
    target.say("docs/deploying.md tells how to give up the data of a stage that nobody needs.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Destroy as the command line says; 0 where it worked, 1 where not, also without a confirmation."""
    parser = argparse.ArgumentParser(prog="python -m infra.destroy", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    wanted = parser.parse_args(arguments)
    target = Deployment(wanted.stage, Account(), os.environ, ROOT / "build")
    try:
        where = f"{target.prefix} in account {target.account.id}, {target.account.region}"
        if not wanted.yes and input(f"Taking down {where}. Its name again: ") != wanted.stage:
            print("not confirmed; nothing was done", file=sys.stderr)
            return 1
        destroy(target)
    except (DeployError, PackageError, VendorError, BotoCoreError, ClientError, EOFError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
