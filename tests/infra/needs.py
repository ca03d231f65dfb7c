"""What each function needs to be allowed, found by driving it; `python -m tests.infra.needs` writes it down.

The policy files are tracked: read the difference before you commit it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

import app
from chalicelib import bootstrap
from chalicelib.storage import aws
from infra.project import DEFAULT_BUCKET, DEFAULT_PREFIX, ROOT
from local import provision
from local.engine import REGION, Engine
from local.functions import Functions, QueueSource, StreamSource
from local.mail import SENDER
from tests.conftest import Clock, Stage
from tests.infra.calls import Call, Names, Permission, Recorder
from tests.infra.driving import Driver

CONFIG = json.loads((ROOT / ".chalice" / "config.json").read_text())
FUNCTIONS = sorted(CONFIG["lambda_functions"])


class Driven:
    """What became of one drive through everything."""

    def __init__(self, stage: Stage, recorder: Recorder, visited: set[str]) -> None:
        prefix, bucket = stage.environment["TABLE_PREFIX"], stage.environment["LEDGER_BUCKET"]
        self.prefix = prefix
        self.visited = visited
        self._names = Names(prefix, bucket, DEFAULT_PREFIX, DEFAULT_BUCKET)
        self._recorder = recorder

    def permissions(self, function: str) -> set[Permission]:
        """What the function's own calls need, and what Lambda does in its name."""
        own = {one for call in self._recorder.of(function) for one in call.permissions(self._names)}
        return own | _made_by_lambda(function)

    def dynamodb_calls(self) -> Iterator[Call]:
        """Every call of DynamoDB, those inside transactions one by one."""
        for function in FUNCTIONS:
            for call in self._recorder.of(function):
                if call.service == "dynamodb" and "TransactItems" in call.parameters:
                    for wrapped in call.parameters["TransactItems"]:
                        ((kind, parameters),) = wrapped.items()
                        yield Call("dynamodb", kind, parameters)
                elif call.service == "dynamodb":
                    yield call


@contextmanager
def drive(engine: Engine) -> Iterator[Driven]:
    """Drive every function of a fresh stage through its main paths."""
    with pytest.MonkeyPatch.context() as patch:
        made = provision.stage(
            engine.client, prefix="policies", base_url="https://go.example.com", region=REGION
        )
        made["FINANCE_TOPIC"] = f"arn:aws:sns:{REGION}:000000000000:{made['TABLE_PREFIX']}-finance"
        made["MAIL_FROM"] = SENDER
        for name, value in (engine.environment | made).items():
            patch.setenv(name, value)
        bootstrap.stores.cache_clear()
        aws.forget()
        recorder, clock = Recorder(aws.session()), Clock()
        aws.session().register("before-call.sns", lambda **_: (SimpleNamespace(status_code=200), {}))
        bootstrap.set_clock(clock)
        driver = Driver(Stage(made), clock, engine, recorder)
        driver.everything()
        yield Driven(Stage(made), recorder, driver.visited)
        bootstrap.set_clock(None)
    bootstrap.stores.cache_clear()
    aws.forget()


def policy_of(function: str) -> dict[str, Any]:
    name = CONFIG["lambda_functions"][function]["iam_policy_file"]
    return json.loads((ROOT / ".chalice" / name).read_text())


def _made_by_lambda(function: str) -> set[Permission]:
    """What Lambda does in the function's name: write its logs, read its stream."""
    group = f"/aws/lambda/{DEFAULT_PREFIX}" + ("" if function == "api_handler" else f"-{function}")
    logs = f"arn:aws:logs:*:*:log-group:{group}:*"
    needed = {("logs:CreateLogStream", logs), ("logs:PutLogEvents", logs)}
    for source in Functions(app.app).sources():
        if isinstance(source, StreamSource) and source.function == function:
            table = source.stream_arn.split("/")[1].rpartition("-")[2]
            arn = f"arn:aws:dynamodb:*:*:table/{DEFAULT_PREFIX}-{table}/stream/*"
            reading = ("DescribeStream", "GetRecords", "GetShardIterator")
            needed |= {(f"dynamodb:{action}", arn) for action in reading}
            needed.add(("dynamodb:ListStreams", "*"))
        if isinstance(source, QueueSource) and source.function == function:
            queue = f"arn:aws:sqs:*:*:{DEFAULT_PREFIX}-{source.queue.rpartition('-')[2]}"
            reading = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
            needed |= {(f"sqs:{action}", queue) for action in reading}
    return needed


def write(driven: Driven) -> None:
    """Write every policy file anew: one statement for each set of actions."""
    for function in FUNCTIONS:
        actions: dict[str, set[str]] = {}
        for action, resource in driven.permissions(function):
            actions.setdefault(resource, set()).add(action)
        together: dict[tuple[str, ...], list[str]] = {}
        for resource in sorted(actions):
            together.setdefault(tuple(sorted(actions[resource])), []).append(resource)
        statements = [
            {"Effect": "Allow", "Action": list(names), "Resource": resources}
            for names, resources in sorted(together.items())
        ]
        policy = {"Version": "2012-10-17", "Statement": statements}
        path = ROOT / ".chalice" / CONFIG["lambda_functions"][function]["iam_policy_file"]
        path.write_text(json.dumps(policy, indent=2) + "\n")


if __name__ == "__main__":
    with Engine() as started, drive(started) as found:
        write(found)
