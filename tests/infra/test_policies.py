"""Each function may do what it does, and nothing else; and what it does fits the tables of base.yaml."""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

import app
from chalicelib.storage.codec import decode_item
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


def misfits(driven: Driven, tables: dict[str, Any]) -> Iterator[str]:
    """The calls that these tables would refuse, or would not keep as they were meant."""
    for call in driven.dynamodb_calls():
        name = call.parameters["TableName"].removeprefix(f"{driven.prefix}-")
        table = tables[name]
        key = {part["AttributeName"] for part in table["KeySchema"]}
        if "Key" in call.parameters and set(call.parameters["Key"]) != key:
            yield f"{call.operation} names another key than {name} has"
        if "Item" in call.parameters:
            if not key <= set(call.parameters["Item"]):
                yield f"an item of {name} lacks its key"
            ttl = table.get("TimeToLiveSpecification", {}).get("AttributeName")
            if ttl is None and "expires_at" in call.parameters["Item"]:
                yield f"{name} keeps for ever what is to expire"
            if ttl is not None and not _lasts_as_meant(call.parameters["Item"], ttl):
                yield f"an item of {name} never expires: {call.parameters['Item'].get('sk')}"
        if call.operation == "Query":
            yield from _misfits_of_a_query(call.parameters, name, table)


def _lasts_as_meant(item: dict[str, Any], ttl: str) -> bool:
    """Whether the item goes by itself. What an erasure needs stays on purpose."""
    if ttl in item:
        return set(item[ttl]) == {"N"}
    return "until" in item or item["sk"] == {"S": "erased"}


def _misfits_of_a_query(parameters: dict[str, Any], name: str, table: dict[str, Any]) -> Iterator[str]:
    indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
    asked = indexes.get(parameters["IndexName"]) if "IndexName" in parameters else table
    if asked is None:
        yield f"{name} has no index {parameters['IndexName']}"
        return
    schema = {part["AttributeName"] for part in asked["KeySchema"]}
    aliases = re.findall(r"#\w+", parameters["KeyConditionExpression"])
    if not {parameters["ExpressionAttributeNames"][alias] for alias in aliases} <= schema:
        yield f"a query of {name} asks by what is no key"


def test_every_call_fits_the_tables(driven: Driven) -> None:
    assert list(misfits(driven, TABLES)) == []


def _rename_a_key(tables: dict[str, Any]) -> None:
    tables["journal"]["KeySchema"][1]["AttributeName"] = "range"


def _drop_an_index(tables: dict[str, Any]) -> None:
    del tables["conversions"]["GlobalSecondaryIndexes"]


def _key_an_index_otherwise(tables: dict[str, Any]) -> None:
    tables["links"]["GlobalSecondaryIndexes"][0]["KeySchema"][0]["AttributeName"] = "owner"


def _drop_a_ttl(tables: dict[str, Any]) -> None:
    del tables["clicks"]["TimeToLiveSpecification"]


@pytest.mark.parametrize("plant", [_rename_a_key, _drop_an_index, _key_an_index_otherwise, _drop_a_ttl])
def test_a_table_that_the_calls_do_not_fit_is_noticed(
    driven: Driven, plant: Callable[[dict[str, Any]], None]
) -> None:
    planted = deepcopy(TABLES)
    plant(planted)
    assert list(misfits(driven, planted)) != []


def test_a_right_too_few_and_a_right_too_many_are_noticed(driven: Driven) -> None:
    needed, policy = driven.permissions("settle"), policy_of("settle")
    for number in range(len(policy["Statement"])):
        fewer = {**policy, "Statement": [one for at, one in enumerate(policy["Statement"]) if at != number]}
        assert needed - granted(fewer)
    journal = "arn:aws:dynamodb:*:*:table/linkledger-dev-journal"
    planted = {"Effect": "Allow", "Action": ["dynamodb:DeleteItem"], "Resource": [journal]}
    assert granted({**policy, "Statement": [*policy["Statement"], planted]}) - needed


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


MODEL = (ROOT / "docs" / "data-model.md").read_text()
KEYS = re.findall(r"^\| (\w+) \| `([^`]+)` \| `([^`]+)` \| ", MODEL, re.MULTILINE)
NOT_DRIVEN = {"coupon#", "journey#", "#quarantined", "import#", "meter#", "seen#", "trials"}
"""Keys of rows that the driver does not come by: limits, cookies, damage, commands, floods, the edge."""


def fits(text: str, key: str) -> bool:
    """Whether the key is one of those that the page writes so: `{program}#{visitor}`."""
    parts = re.split(r"\{[^}]*\}", text)
    return re.fullmatch("[^#]*".join(map(re.escape, parts)), key) is not None


def rows_of(table: str, key: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The rows of the data model that this key may belong to."""
    return [row for row in KEYS if row[0] == table and fits(row[1], key["pk"]) and fits(row[2], key["sk"])]


def items(driven: Driven) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table and key that was named, with the rest of the item where all of it was written."""
    for call in driven.dynamodb_calls():
        found = call.parameters.get("Item") or call.parameters.get("Key")
        if found:
            yield call.parameters["TableName"].removeprefix(f"{driven.prefix}-"), decode_item(found)


def test_the_data_model_has_every_key_and_no_other(driven: Driven) -> None:
    named = {(table, item["pk"], item["sk"]): rows_of(table, item) for table, item in items(driven)}
    assert [key for key, rows in named.items() if not rows] == []
    idle = set(KEYS) - {row for rows in named.values() for row in rows}
    assert [row for row in idle if not any(part in "|".join(row) for part in NOT_DRIVEN)] == []


@pytest.mark.parametrize(
    "sample", [json.loads(text) for text in re.findall(r"```json\n(.*?)```", MODEL, re.DOTALL)]
)
def test_a_sample_is_like_the_items(driven: Driven, sample: dict[str, Any]) -> None:
    """It has what all items of its row have, and nothing that none of them has."""
    (row,) = [row for row in KEYS if row in rows_of(row[0], sample)]
    shapes = [shape(item) for name, item in items(driven) if len(item) > 2 and row in rows_of(name, item)]
    assert shapes
    assert set.intersection(*shapes) <= shape(sample) <= set.union(*shapes)


def shape(value: Any, path: str = "") -> set[tuple[str, str]]:
    """Each field of the item by its path, and what it is."""
    if isinstance(value, dict):
        return {one for name, inner in value.items() for one in shape(inner, f"{path}.{name}")} | {
            (path, "map")
        }
    return {(path, type(value).__name__)}
