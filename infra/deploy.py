"""Deploy a stage: `python -m infra.deploy STAGE [STEP ...]`, or `make deploy STAGE=dev`.

Without steps all of them run, in this order; each can also run alone, and again: what is as it should be
stays. docs/deploying.md tells what each does.
"""

import argparse
import getpass
import json
import os
import re
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra import first_keys, live_settings, stacks
from infra.account import Account, DeployError, check_python
from infra.build_zip import LIMIT_MB, PackageError, run_chalice
from infra.deployed_state import DeployedState
from infra.live_settings import Live
from infra.project import ROOT, environment, lay_out
from infra.vendor import VendorError

EDGE_REGION = "us-east-1"
"""Where CloudFront takes its certificate and its firewall from, and so where its stack is."""

_BASE_PARAMETERS = {
    "BASE_URL": "BaseUrl",
    "MAIL_FROM": "MailFrom",
    "LEDGER_SHARDS": "LedgerShards",
    "LOG_RETENTION_DAYS": "LogRetentionDays",
    "DELETION_PROTECTION": "DeletionProtection",
    "LEDGER_LOCK": "LedgerLock",
    "ALARMS": "Alarms",
}
_EDGE_PARAMETERS = {"DOMAIN": "Domain", "CERTIFICATE": "Certificate", "LIMIT_PER_ADDRESS": "LimitPerAddress"}
"""Options, given as variables of the environment, and the templates' parameters that they set."""


@dataclass
class Deployment:
    """One stage on its way into an account; `given` are the options, `root` is where the source lies."""

    stage: str
    account: Account
    given: Mapping[str, str]
    build: Path
    root: Path = ROOT
    say: stacks.Say = print
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @property
    def prefix(self) -> str:
        """What begins the stage's names; Chalice's app name and stage."""
        return f"linkledger-{self.stage}"

    @property
    def edge(self) -> str:
        """The name of the edge's stack."""
        return f"{self.prefix}-edge"

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Those of the base stack."""
        return stacks.outputs(self.account.client("cloudformation"), self.prefix)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every function."""
        secret = first_keys.origin_secret(self.account.client("secretsmanager"), self.outputs["SecretsId"])
        return environment(self.outputs) | {"ORIGIN_SECRET": secret}

    @property
    def state(self) -> DeployedState:
        """The record of what is deployed, in the ledger bucket."""
        return DeployedState(self.account.client("s3"), self.outputs["LedgerBucket"], self.stage)

    @property
    def project(self) -> Path:
        """Where the copy that Chalice deploys is laid out."""
        return self.build / f"deploy-{self.stage}"

    @property
    def record(self) -> Path:
        """Where Chalice keeps its record of what is deployed."""
        return self.project / ".chalice" / "deployed" / f"{self.stage}.json"

    def live(self) -> Live:
        """What the last deployment made.

        Raises:
            DeployError: nothing is deployed.
        """
        if not self.state.fetch(self.record):
            raise DeployError("no app is deployed: run the step `app` first")
        api_stage = json.loads((self.root / ".chalice" / "config.json").read_text())["api_gateway_stage"]
        return live_settings.read_record(json.loads(self.record.read_text()), api_stage)

    def parameters(self, of: Mapping[str, str]) -> dict[str, str]:
        """The template's parameters that were given."""
        return {parameter: self.given[name] for name, parameter in of.items() if self.given.get(name)}


def check(target: Deployment) -> None:
    """Refuse early what would fail late, and say what is going to happen."""
    check_python()
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,13}", target.stage):
        raise DeployError("a stage's name has up to 14 lower-case letters, digits and hyphens")
    if bool(target.given.get("DOMAIN")) != bool(target.given.get("CERTIFICATE")):
        raise DeployError("DOMAIN and CERTIFICATE (its ARN in us-east-1) go together")
    target.say(f"Deploying stage {target.stage} to account {target.account.id}, {target.account.region}:")
    target.say(f"  base   stack {target.prefix}: tables, ledger bucket, secret, queues, alarms")
    target.say(f"  app    API and functions {target.prefix}*, by Chalice; a zip below {LIMIT_MB:.0f} MB")
    if target.given.get("DOMAIN"):
        target.say(f"  edge   stack {target.edge} in {EDGE_REGION}: CloudFront for {target.given['DOMAIN']}")
    target.say("Nothing runs by the hour; docs/cost.md tells what idle alarms and each request cost.")


def base(target: Deployment) -> None:
    """Bring the base stack to its template."""
    given = target.parameters(_BASE_PARAMETERS)
    if target.given.get("DOMAIN"):
        given.setdefault("BaseUrl", f"https://{target.given['DOMAIN']}")
    template = (target.root / "infra" / "base.yaml").read_text()
    cloudformation = target.account.client("cloudformation")
    target.outputs = stacks.deploy(
        cloudformation, target.prefix, template, {"Prefix": target.prefix, **given}, target.say
    )


def keys(target: Deployment) -> None:
    """Draw the stage's keys where it has none."""
    drawn = first_keys.fill_secret(target.account.client("secretsmanager"), target.outputs["SecretsId"])
    target.say("  keys drawn" if drawn else "  keys: there already")


def app(target: Deployment) -> None:
    """Build the zip and have Chalice deploy it, under the stage's lock."""
    outputs = target.outputs | {"OriginSecret": target.environment["ORIGIN_SECRET"]}
    with target.state.locked(f"{getpass.getuser()}@{socket.gethostname()}", target.now()):
        if not target.state.fetch(target.record):
            _check_no_app(target)
        project = lay_out(target.project, target.stage, outputs, source=target.root, cache=target.build)
        target.say(run_chalice(project, "deploy", "--stage", target.stage, "--no-autogen-policy"))
        target.state.store(target.record)


def settings(target: Deployment) -> None:
    """Set what Chalice can't, and read it back."""
    gateway, functions = target.account.client("apigateway"), target.account.client("lambda")
    for line in live_settings.apply(gateway, functions, target.live()):
        target.say(f"  set: {line}")


def edge(target: Deployment) -> None:
    """Bring the edge's stack to its template, where a domain was given or the stack is there."""
    cloudformation = target.account.client("cloudformation", EDGE_REGION)
    given = target.parameters(_EDGE_PARAMETERS)
    if "Domain" not in given and not stacks.exists(cloudformation, target.edge):
        target.say("  no DOMAIN and CERTIFICATE: the app answers at API Gateway's address only")
        return
    live = target.live()
    given |= {
        "Prefix": target.prefix,
        "Origin": f"{live.api}.execute-api.{target.account.region}.amazonaws.com",
        "OriginPath": f"/{live.api_stage}",
        "OriginSecret": target.environment["ORIGIN_SECRET"],
    }
    template = (target.root / "infra" / "edge.yaml").read_text()
    made = stacks.deploy(cloudformation, target.edge, template, given, target.say)
    target.say(f"  point the domain (CNAME or alias) at {made['DistributionDomain']}")


def smoke(target: Deployment) -> None:
    """Ask the deployed app what it can, and for a route that it hasn't."""
    url = _api_url(target)
    for path, expected in (("/v1/openapi.json", 200), ("/v1/no/such/route", 403)):
        status = _status(url + path)
        if status != expected:
            raise DeployError(f"{url}{path} answered {status} instead of {expected}")
    target.say(f"  {url} answers")


def admin(target: Deployment) -> None:
    """Print the addresses and, where the stage has no key yet, its first administrator's key, once."""
    target.say(f"API:         {_api_url(target)}")
    target.say(f"Short links: {target.outputs['BaseUrl']}")
    target.say(f"Ledgers:     s3://{target.outputs['LedgerBucket']}/ledgers/")
    key = first_keys.first_admin_key(target.environment, target.now())
    if key is not None:
        target.say(f"The first administrator's key, shown this once: {key}")


def unlock(target: Deployment) -> None:
    """Take away the lock that a deployment left which ended in between."""
    target.state.unlock()


Step = Callable[[Deployment], None]
STEPS: dict[str, Step] = {
    step.__name__: step for step in (check, base, keys, app, settings, edge, smoke, admin)
}
_BY_NAME_ONLY: dict[str, Step] = {"unlock": unlock}


def run(target: Deployment, names: Sequence[str] = ()) -> None:
    """Take these steps, or all.

    Raises:
        DeployError, PackageError, VendorError: a step failed; running it again goes on from there.
    """
    for name in names or STEPS:
        (STEPS | _BY_NAME_ONLY)[name](target)


def _check_no_app(target: Deployment) -> None:
    """Without its record Chalice would make a second API beside the one that is there."""
    functions = target.account.client("lambda")
    try:
        functions.get_function(FunctionName=target.prefix)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return
        raise
    raise DeployError(
        f"the function {target.prefix} is there, but not the record of its deployment: restore an earlier"
        f" version of deployment/{target.stage}.json in {target.outputs['LedgerBucket']}"
    )


def _api_url(target: Deployment) -> str:
    live = target.live()
    return f"https://{live.api}.execute-api.{target.account.region}.amazonaws.com/{live.api_stage}"


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - https, as made above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        raise DeployError(f"{url}: {error}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy as the command line says; 0 where it worked."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(STEPS | _BY_NAME_ONLY))
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.steps) - set(STEPS | _BY_NAME_ONLY):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    try:
        run(Deployment(wanted.stage, Account(), os.environ, ROOT / "build"), wanted.steps)
    except (DeployError, PackageError, VendorError, BotoCoreError, ClientError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
