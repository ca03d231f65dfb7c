"""Each function may do what it does, and nothing else; and what it does fits the tables of base.yaml."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import app
from chalicelib import bootstrap
from chalicelib.storage import aws
from infra.project import DEFAULT_BUCKET, DEFAULT_PREFIX, ROOT
from local import provision, template
from local.engine import REGION, Engine
from local.functions import Functions, StreamSource
from tests.conftest import Clock, Stage
from tests.infra.calls import Call, Names, Permission, Recorder, granted
from tests.infra.driving import Driver

CONFIG = json.loads((ROOT / ".chalice" / "config.json").read_text())
BASE = template.load(ROOT / "infra" / "base.yaml")
TABLES = {
    resource["Properties"]["TableName"]["Fn::Sub"].removeprefix("${Prefix}-"): resource["Properties"]
    for resource in BASE["Resources"].values()
    if resource["Type"] == "AWS::DynamoDB::Table"
}
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
        """What the function's own calls need."""
        return {one for call in self._recorder.of(function) for one in call.permissions(self._names)}

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


@pytest.fixture(scope="module")
def driven(engine: Engine) -> Iterator[Driven]:
    with pytest.MonkeyPatch.context() as patch:
        made = provision.stage(
            engine.client, prefix="policies", base_url="https://go.example.com", region=REGION
        )
        for name, value in (engine.environment | made).items():
            patch.setenv(name, value)
        bootstrap.stores.cache_clear()
        aws.forget()
        recorder, clock = Recorder(aws.session()), Clock()
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


def made_by_lambda(function: str) -> set[Permission]:
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
    return needed


def test_every_view_was_driven(driven: Driven) -> None:
    views = {entry.view_name for methods in app.app.routes.values() for entry in methods.values()}
    assert views - driven.visited == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_does(driven: Driven, function: str) -> None:
    assert (driven.permissions(function) | made_by_lambda(function)) - granted(policy_of(function)) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_nothing_else(driven: Driven, function: str) -> None:
    assert granted(policy_of(function)) - driven.permissions(function) - made_by_lambda(function) == set()


def test_every_function_of_the_app_has_a_policy_and_limits_of_its_own() -> None:
    names = {source.function for source in Functions(app.app).sources()} | {"api_handler"}
    assert names == set(FUNCTIONS)
    assert len({CONFIG["lambda_functions"][name]["iam_policy_file"] for name in names}) == len(names)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_policy_allows_a_whole_service(function: str) -> None:
    for action, resource in granted(policy_of(function)):
        assert "*" not in action
        assert resource != "*" or action == "dynamodb:ListStreams"


def test_every_call_names_the_keys_of_its_table(driven: Driven) -> None:
    for call in driven.dynamodb_calls():
        table = TABLES[call.parameters["TableName"].removeprefix(f"{driven.prefix}-")]
        key = {part["AttributeName"] for part in table["KeySchema"]}
        if "Key" in call.parameters:
            assert set(call.parameters["Key"]) == key
        if "Item" in call.parameters:
            assert key <= set(call.parameters["Item"])


def test_every_query_names_an_index_that_is_there_and_its_keys(driven: Driven) -> None:
    for call in driven.dynamodb_calls():
        if call.operation != "Query":
            continue
        table = TABLES[call.parameters["TableName"].removeprefix(f"{driven.prefix}-")]
        indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
        asked = indexes[call.parameters["IndexName"]] if "IndexName" in call.parameters else table
        schema = {part["AttributeName"] for part in asked["KeySchema"]}
        aliases = re.findall(r"#\w+", call.parameters["KeyConditionExpression"])
        assert {call.parameters["ExpressionAttributeNames"][alias] for alias in aliases} <= schema


def test_items_expire_only_where_the_table_has_a_ttl(driven: Driven) -> None:
    for call in driven.dynamodb_calls():
        if "Item" not in call.parameters:
            continue
        name = call.parameters["TableName"].removeprefix(f"{driven.prefix}-")
        ttl = TABLES[name].get("TimeToLiveSpecification", {}).get("AttributeName")
        if ttl is None:
            assert "expires_at" not in call.parameters["Item"], name
        else:
            assert set(call.parameters["Item"][ttl]) == {"N"}, name


def test_every_index_is_used(driven: Driven) -> None:
    used = {
        (call.parameters["TableName"].removeprefix(f"{driven.prefix}-"), call.parameters["IndexName"])
        for call in driven.dynamodb_calls()
        if "IndexName" in call.parameters
    }
    declared = {
        (name, index["IndexName"])
        for name, table in TABLES.items()
        for index in table.get("GlobalSecondaryIndexes", [])
    }
    assert used == declared
