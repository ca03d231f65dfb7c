"""Deploy a stage: `python -m infra.deploy STAGE [STEP ...]`, or `make deploy STAGE=dev`.

Without steps all of them run, in this order; each can also run alone, and again: what is as it should be
stays. docs/deploying.md tells what each does.
"""

import argparse
import getpass
import os
import re
import socket
import sys
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import LinkledgerError
from infra import costs, edges, first_keys, live_settings, old_streams, smoking, stacks
from infra.account import Account, DeployError, check_python
from infra.build_zip import LIMIT_MB, PackageError, run_chalice
from infra.deployment import Deployment
from infra.project import ROOT, lay_out
from infra.vendor import VendorError

_BASE_PARAMETERS = {
    "BASE_URL": "BaseUrl",
    "MAIL_FROM": "MailFrom",
    "LEDGER_SHARDS": "LedgerShards",
    "LOG_RETENTION_DAYS": "LogRetentionDays",
    "DELETION_PROTECTION": "DeletionProtection",
    "LEDGER_LOCK": "LedgerLock",
    "ALARMS": "Alarms",
    "TRACING": "Tracing",
    "RESERVED_CONCURRENCY": "ReservedConcurrency",
    "PROGRAM_DOMAINS": "ProgramDomains",
    "REPLICA_BUCKET": "ReplicaBucket",
}
"""Options, given as variables of the environment, and the templates' parameters that they set."""


def check(target: Deployment) -> None:
    """Refuse early what would fail late, and say what is going to happen."""
    check_python()
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,13}", target.stage):
        raise DeployError("a stage's name has up to 14 lower-case letters, digits and hyphens")
    if bool(target.given.get("DOMAIN")) != bool(target.given.get("CERTIFICATE")):
        raise DeployError("DOMAIN and CERTIFICATE (its ARN in us-east-1) go together")
    domain, replica = target.given.get("DOMAIN"), target.given.get("REPLICA_REGION")
    target.say(f"Deploying stage {target.stage} to account {target.account.id}, {target.account.region}:")
    if replica:
        target.say(f"  replica stack {target.prefix}-replica in {replica}: a second bucket for the ledgers")
    target.say(f"  base    stack {target.prefix}: tables, ledger bucket, secret, queues, alarms")
    target.say(f"  app     API and functions {target.prefix}*, by Chalice; a zip below {LIMIT_MB:.0f} MB")
    if domain:
        name = edges.stack_name(target.prefix, domain)
        target.say(f"  edge    stack {name} in {edges.REGION}: CloudFront for {domain}")
    for line in costs.lines(target.root, with_domain=bool(domain)):
        target.say(line)


def replica(target: Deployment) -> None:
    """Bring the stack of the second bucket to its template, where a region was given for it."""
    region = target.given.get("REPLICA_REGION")
    if not region:
        return
    if region == target.account.region:
        raise DeployError("REPLICA_REGION is the stage's own region")
    template = (target.root / "infra" / "replica.yaml").read_text()
    cloudformation = target.account.client("cloudformation", region)
    name, given = f"{target.prefix}-replica", {"Prefix": target.prefix}
    made = stacks.deploy(cloudformation, name, template, given, target.say)
    target.given = {**target.given, "REPLICA_BUCKET": made["ReplicaBucket"]}


def base(target: Deployment) -> None:
    """Bring the base stack to its template."""
    given, cloudformation = target.parameters(_BASE_PARAMETERS), target.account.client("cloudformation")
    if target.given.get("DOMAIN") and _has_no_address(target):
        given.setdefault("BaseUrl", f"https://{target.given['DOMAIN']}")
    template = (target.root / "infra" / "base.yaml").read_text()
    made = stacks.deploy(
        cloudformation, target.prefix, template, {"Prefix": target.prefix, **given}, target.say
    )
    target.outputs = target.with_streams(made)


def keys(target: Deployment) -> None:
    """Draw the stage's keys where it has none."""
    drawn = first_keys.fill_secret(target.account.client("secretsmanager"), target.outputs["SecretsId"])
    target.say("  keys drawn" if drawn else "  keys: there already")


def app(target: Deployment) -> None:
    """Build the zip and have Chalice deploy it, under the stage's lock."""
    outputs = target.outputs | {"OriginSecret": target.environment["ORIGIN_SECRET"]}
    with target.state.locked(who(), target.now()):
        if not target.state.fetch(target.record):
            _check_no_app(target)
        lay_out(target.project, target.stage, outputs, source=target.root, cache=target.build)
        target.say(deploy_project(target))
        name = target.releases.keep(target.project, target.now())
        target.say(f"  release {name}")


def deploy_project(target: Deployment) -> str:
    """Have Chalice deploy what is laid out, and store its record; what it said."""
    streams = {value for name, value in target.outputs.items() if name.endswith("StreamArn")}
    for stream in old_streams.leave(target.account.client("lambda"), target.record, streams):
        target.say(f"  no longer read: {stream}")
    said = run_chalice(target.project, "deploy", "--stage", target.stage, "--no-autogen-policy")
    target.state.store(target.record)
    return said


def who() -> str:
    """Who is at work, for whoever finds the stage locked."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def settings(target: Deployment) -> None:
    """Set what Chalice can't, and read it back."""
    gateway, functions = target.account.client("apigateway"), target.account.client("lambda")
    for line in live_settings.apply(gateway, functions, target.live()):
        target.say(f"  set: {line}")


def edge(target: Deployment) -> None:
    """Bring each edge's stack to its template: that of the domain that was given, or all there are."""
    edges.deploy(target)


def smoke(target: Deployment) -> None:
    """Ask the deployed app what it can, through every way in, and walk its tracking from click to refund."""
    url = target.api_url
    smoking.check_answers(url)
    target.say(f"  {url} answers")
    for domain, address in edges.addresses(target):
        smoking.check_answers(f"https://{address}")
        target.say(f"  {domain} answers at {address}")
    smoking.try_stage(target.environment, url, target.now(), target.say)
    program, merchant_key = target.given.get("SMOKE_PROGRAM"), target.given.get("LINKLEDGER_KEY")
    if program and merchant_key:
        smoking.try_program(url, program, merchant_key, target.say)


def admin(target: Deployment) -> None:
    """Print the addresses and, where the stage has no key yet, its first administrator's key, once."""
    target.say(f"API:         {target.api_url}")
    target.say(f"Short links: {target.outputs['BaseUrl']}")
    target.say(f"Ledgers:     s3://{target.outputs['LedgerBucket']}/ledgers/")
    made = first_keys.first_admin_key(target.environment, target.now())
    if made is not None:
        target.say(f"The first administrator's key, shown this once: {made}")


def key(target: Deployment) -> None:
    """Print another administrator's key, for whoever lost theirs; the lost one is to be deleted with it."""
    made = first_keys.admin_key(target.environment, target.now())
    target.say(f"Another administrator's key, shown this once: {made}")


def unlock(target: Deployment) -> None:
    """Take away the lock that a deployment left which ended in between."""
    target.state.unlock()


Step = Callable[[Deployment], None]
STEPS: dict[str, Step] = {
    step.__name__: step for step in (check, replica, base, keys, app, settings, edge, smoke, admin)
}
_BY_NAME_ONLY: dict[str, Step] = {"key": key, "unlock": unlock}


def run(target: Deployment, names: Sequence[str] = ()) -> None:
    """Take these steps, or all.

    Raises:
        DeployError, PackageError, VendorError: a step failed; running it again goes on from there.
    """
    for name in names or STEPS:
        (STEPS | _BY_NAME_ONLY)[name](target)


def _has_no_address(target: Deployment) -> bool:
    """Whether the stage has no public origin of its own yet; a later domain is one more, not another one."""
    cloudformation = target.account.client("cloudformation")
    if not stacks.exists(cloudformation, target.prefix):
        return True
    return stacks.outputs(cloudformation, target.prefix)["BaseUrl"] == "https://go.example.com"


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
    except (DeployError, PackageError, VendorError, LinkledgerError, BotoCoreError, ClientError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
