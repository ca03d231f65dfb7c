"""The state of a deployed stage: `python -m infra.status STAGE`, or `make status STAGE=prod`."""

import argparse
import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra import cli, live_settings
from infra.account import Account, DeployError
from infra.deployment import Deployment
from infra.project import ROOT


def status(target: Deployment) -> int:
    """Print what `cli status` tells of the stage, and each setting that drifted; 1 where one should look.

    Raises:
        DeployError: the stage is not deployed.
    """
    worried = cli.run(target, ["status"])
    account = target.account
    drifted = list(live_settings.drift(account.client("apigateway"), account.client("lambda"), target.live()))
    for line in drifted:
        target.say(f"DRIFT: {line}; run the step `settings`")
    return 1 if worried or drifted else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the state of the stage that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m infra.status", description=__doc__)
    parser.add_argument("stage")
    wanted = parser.parse_args(arguments)
    try:
        return status(Deployment(wanted.stage, Account(), os.environ, ROOT / "build"))
    except (DeployError, BotoCoreError, ClientError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
