"""Each function may do what it does, and nothing else; and what it does fits the tables of base.yaml."""

import re
from collections.abc import Iterator

import pytest

import app
from infra.project import ROOT
from local import template
from local.engine import Engine
from local.functions import Functions
from tests.infra.calls import granted
from tests.infra.needs import CONFIG, FUNCTIONS, Driven, drive, policy_of

BASE = template.load(ROOT / "infra" / "base.yaml")
TABLES = {
    resource["Properties"]["TableName"]["Fn::Sub"].removeprefix("${Prefix}-"): resource["Properties"]
    for resource in BASE["Resources"].values()
    if resource["Type"] == "AWS::DynamoDB::Table"
}


@pytest.fixture(scope="module")
def driven(engine: Engine) -> Iterator[Driven]:
    with drive(engine) as result:
        yield result


def test_every_view_was_driven(driven: Driven) -> None:
    views = {entry.view_name for methods in app.app.routes.values() for entry in methods.values()}
    assert views - driven.visited == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_does(driven: Driven, function: str) -> None:
    assert (driven.permissions(function)) - granted(policy_of(function)) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_nothing_else(driven: Driven, function: str) -> None:
    assert granted(policy_of(function)) - driven.permissions(function) == set()


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
