"""base.yaml's settings exist and are kept by the services, which CloudFormation's stand-in does not prove."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.session import Session
from moto import mock_aws

from infra.project import ROOT
from local import template
from tests.infra.applying import APPLIERS

REGION = "us-east-1"
BASE = template.load(ROOT / "infra" / "base.yaml")
TABLES = {name: one for name, one in BASE["Resources"].items() if one["Type"] == "AWS::DynamoDB::Table"}


@pytest.fixture(scope="module")
def clients() -> Iterator[Callable[[str], Any]]:
    with mock_aws():
        session = Session()
        session.set_credentials("test", "test")
        made: dict[str, Any] = {}
        yield lambda service: made.setdefault(service, session.create_client(service, region_name=REGION))


def applied(clients: Callable[[str], Any], resources: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Apply the resources in the order of their references; `{name: (wanted, read back)}`."""
    resolver = template.Resolver(BASE, {"Prefix": prefix}, REGION)
    waiting, results = dict(resources), {}
    while waiting:
        before = len(waiting)
        for name, resource in list(waiting.items()):
            try:
                wanted = resolver.value(resource["Properties"])
            except template.Unresolved:
                continue
            resolver.known[name], read = APPLIERS[resource["Type"]](clients, wanted)
            results[name] = (wanted, read)
            del waiting[name]
        assert len(waiting) < before, f"these wait for one another: {list(waiting)}"
    return {name: (wanted, read()) for name, (wanted, read) in results.items()}


def test_every_setting_is_read_back_as_declared(clients: Callable[[str], Any]) -> None:
    for name, (wanted, found) in applied(clients, BASE["Resources"], "linkledger-t1").items():
        assert ordered(found) == ordered(wanted), name


def test_a_setting_that_nobody_applies_is_noticed(clients: Callable[[str], Any]) -> None:
    planted = {**TABLES["CountsTable"]["Properties"], "TableClass": "STANDARD_INFREQUENT_ACCESS"}
    resources = {"CountsTable": {**TABLES["CountsTable"], "Properties": planted}}
    [(wanted, found)] = applied(clients, resources, "linkledger-t2").values()
    assert ordered(found) != ordered(wanted)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_outlives_its_stack_and_can_be_restored(name: str) -> None:
    table = TABLES[name]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_the_bucket_its_policy_and_the_secret_outlive_their_stack() -> None:
    for name in ("LedgerBucket", "LedgerBucketPolicy", "Secrets", "ReconcileDeadLetters", "JobsDeadLetters"):
        assert BASE["Resources"][name]["DeletionPolicy"] == "Retain", name


def test_every_function_has_a_log_group_of_its_own() -> None:
    groups = {
        resource["Properties"]["LogGroupName"]["Fn::Sub"].removeprefix("/aws/lambda/${Prefix}")
        for resource in BASE["Resources"].values()
        if resource["Type"] == "AWS::Logs::LogGroup"
    }
    assert groups == {
        "",
        "-reconcile",
        "-close_month",
        "-settle",
        "-count_clicks",
        "-count_money",
        "-run_job",
        "-settle_shard",
    }


def ordered(value: Any) -> Any:
    """The value with its lists of named things in one order, and numbers as the template writes them."""
    if isinstance(value, dict):
        return {name: ordered(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted((ordered(inner) for inner in value), key=repr)
    return value
