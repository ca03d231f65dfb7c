"""`python -m infra.cli STAGE ...`: `chalicelib.cli` in a deployed stage, with its caller's credentials."""

import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import cli
from infra.account import Account, DeployError
from infra.acting import acting_as
from infra.deployment import Deployment
from infra.project import ROOT


def run(target: Deployment, arguments: Sequence[str]) -> int:
    """Run a command in the stage; as `chalicelib.cli`.

    Raises:
        DeployError: the stage is not deployed.
    """
    with acting_as(target.environment):
        return cli.main(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run the command in the stage that the command line names first; 2 where it names none."""
    if not arguments or arguments[0].startswith("-"):
        print("usage: python -m infra.cli STAGE COMMAND ...", file=sys.stderr)
        return 2
    try:
        return run(Deployment(arguments[0], Account(), os.environ, ROOT / "build"), arguments[1:])
    except (DeployError, BotoCoreError, ClientError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
