"""One stage on its way into an account: what it is called, what it has, where its records lie."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from infra import first_keys, live_settings, stacks
from infra.account import Account, DeployError
from infra.deployed_state import DeployedState
from infra.live_settings import Live
from infra.project import ROOT, environment
from infra.releases import Releases


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

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Those of the base stack, with each table's stream as it is now: a restored table's is another."""
        return self.with_streams(stacks.outputs(self.account.client("cloudformation"), self.prefix))

    def with_streams(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """The outputs with the tables' own word on their streams."""
        found, dynamodb = dict(outputs), self.account.client("dynamodb")
        for name in outputs:
            if name.endswith("StreamArn"):
                table = f"{self.prefix}-{name.removesuffix('StreamArn').lower()}"
                found[name] = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        return found

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
    def releases(self) -> Releases:
        """What was deployed before, in the ledger bucket."""
        return Releases(self.account.client("s3"), self.outputs["LedgerBucket"], self.stage)

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
        traced = self.outputs.get("Tracing") == "true"
        return live_settings.read_record(json.loads(self.record.read_text()), api_stage, traced=traced)

    @property
    def api_url(self) -> str:
        """The address of API Gateway's own."""
        live = self.live()
        return f"https://{live.api}.execute-api.{self.account.region}.amazonaws.com/{live.api_stage}"

    def parameters(self, of: Mapping[str, str]) -> dict[str, str]:
        """The template's parameters that were given."""
        return {parameter: self.given[name] for name, parameter in of.items() if self.given.get(name)}
