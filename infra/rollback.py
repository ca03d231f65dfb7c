"""Go back to an earlier release: `python -m infra.rollback STAGE`, or `make rollback STAGE=prod`.

Code, routes, schedules and policies become those of the release before the present one, or of the one that
is named. Tables, bucket and keys stay: every version reads what later ones wrote.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra.account import Account, DeployError
from infra.build_zip import PackageError
from infra.deploy import deploy_project, settings, who
from infra.deployment import Deployment
from infra.project import ROOT, write_configuration


def rollback(target: Deployment, release: str | None = None) -> str:
    """Deploy the release, the one before the present one by default; its name.

    The stage's settings (addresses of streams, options) are those of now, as an old one may lead nowhere.

    Raises:
        DeployError, PackageError: it can't be done; running it again goes on.
    """
    name = release or target.releases.previous()
    target.say(f"Going back from {target.releases.current()} to {name}")
    outputs = target.outputs | {"OriginSecret": target.environment["ORIGIN_SECRET"]}
    with target.state.locked(who(), target.now()):
        if not target.state.fetch(target.record):
            raise DeployError("no app is deployed: there is nothing to go back from")
        target.releases.fetch(name, target.project)
        write_configuration(target.project, target.stage, outputs, source=target.project)
        target.say(deploy_project(target))
        target.releases.mark(name)
    settings(target)
    return name


def main(arguments: Sequence[str] | None = None) -> int:
    """Go back as the command line says; 0 where it worked."""
    parser = argparse.ArgumentParser(prog="python -m infra.rollback", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("release", nargs="?", help="its name; the one before the present one by default")
    parser.add_argument("--list", action="store_true", help="list the releases and do nothing")
    wanted = parser.parse_args(arguments)
    target = Deployment(wanted.stage, Account(), os.environ, ROOT / "build")
    try:
        if wanted.list:
            current = target.releases.current()
            for name in target.releases.names():
                print(f"{name}{'  <- deployed' if name == current else ''}")
        else:
            rollback(target, wanted.release)
    except (DeployError, PackageError, BotoCoreError, ClientError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
