"""base.yaml's settings exist and are kept by the services, which CloudFormation's stand-in does not prove."""

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.session import Session
from moto import mock_aws

from infra.project import ROOT
from local import template
from tests.infra.applying import REGION, applied, ordered

BASE = template.load(ROOT / "infra" / "base.yaml")
TABLES = {name: one for name, one in BASE["Resources"].items() if one["Type"] == "AWS::DynamoDB::Table"}


@pytest.fixture(scope="module")
def clients() -> Iterator[Callable[[str], Any]]:
    with mock_aws():
        session = Session()
        session.set_credentials("test", "test")
        made: dict[str, Any] = {}
        yield lambda service: made.setdefault(service, session.create_client(service, region_name=REGION))


def test_every_setting_is_read_back_as_declared(clients: Callable[[str], Any]) -> None:
    for name, (wanted, found) in applied(clients, BASE, BASE["Resources"], "linkledger-t1").items():
        assert ordered(found) == ordered(wanted), name


def test_the_ledgers_are_replicated_where_that_was_asked_for(clients: Callable[[str], Any]) -> None:
    replica = template.load(ROOT / "infra" / "replica.yaml")
    second = applied(clients, replica, replica["Resources"], "linkledger-t3")
    bucket = second["ReplicaBucket"][0]["BucketName"]
    ours = ("LedgerBucket", "ReplicationRole", "JobsQueue", "JobsQueuePolicy", "JobsDeadLetters")
    resources = {name: BASE["Resources"][name] for name in ours}
    results = second | applied(clients, BASE, resources, "linkledger-t3", ReplicaBucket=bucket)
    for name, (wanted, found) in results.items():
        assert ordered(found) == ordered(wanted), name
    [rule] = results["LedgerBucket"][0]["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{bucket}"


def _denied(document: dict[str, Any], action: str, key: str, **context: str) -> list[str]:
    """The statements of the bucket's policy that deny this; `context` are the request's condition keys."""
    found = []
    for statement in document["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        named = statement["Resource"]
        resources = named if isinstance(named, list) else [named]
        folders = [one["Fn::Sub"].partition("/")[2] for one in resources if "Fn::Sub" in one]
        if not any(fnmatchcase(f"s3:{action}", one) for one in actions):
            continue
        if any(fnmatchcase(key, folder) for folder in folders) and all(
            _holds(operator, name, value, context)
            for operator, tests in statement.get("Condition", {}).items()
            for name, value in tests.items()
        ):
            found.append(statement["Sid"])
    return found


def _holds(operator: str, name: str, value: Any, context: dict[str, str]) -> bool:
    """As IAM evaluates it: a negated match holds of what is not there, any other doesn't."""
    there = context.get(name.partition(":")[2].replace("-", "_"))
    if operator == "Null":
        return (there is None) == (value == "true")
    if operator == "StringNotEquals":
        return there not in value
    assert operator == "Bool"
    return there == value


@pytest.mark.parametrize(
    ("action", "key", "context", "denied"),
    [
        ("PutObject", "drafts/a/2026-10/summary.csv", {}, []),
        ("PutObject", "ledgers/a/2026-10/summary.csv", {"if_none_match": "*"}, []),
        ("PutObject", "ledgers/a/2026-10/summary.csv", {}, ["PublishedFilesAreWrittenOnce"]),
        ("PutObject", "ledgers/a/x", {"if_none_match": "*", "SecureTransport": "false"}, ["OnlyOverTls"]),
        ("GetObject", "ledgers/a/x", {"SecureTransport": "true"}, []),
        ("DeleteObject", "ledgers/a/x", {}, ["PublishedFilesStay"]),
        ("DeleteObjectVersion", "ledgers/a/x", {}, ["PublishedFilesStay"]),
        ("BypassGovernanceRetention", "ledgers/a/x", {}, ["PublishedFilesStay"]),
        ("DeleteObject", "drafts/a/x", {}, []),
        ("PutObject", "inbox/a/x.csv", {"x_amz_server_side_encryption": "none"}, ["NothingUnencrypted"]),
        ("PutObject", "inbox/a/x.csv", {"x_amz_server_side_encryption": "AES256"}, []),
        (
            "PutObject",
            "inbox/a/x.csv",
            {"x_amz_server_side_encryption_customer_algorithm": "AES256"},
            ["NoKeysOfTheWriter"],
        ),
    ],
)
def test_the_bucket_refuses(action: str, key: str, context: dict[str, str], denied: list[str]) -> None:
    document = BASE["Resources"]["LedgerBucketPolicy"]["Properties"]["PolicyDocument"]
    assert _denied(document, action, key, ObjectCreationOperation="true", **context) == denied


def test_a_setting_that_nobody_applies_is_noticed(clients: Callable[[str], Any]) -> None:
    planted = {**TABLES["CountsTable"]["Properties"], "TableClass": "STANDARD_INFREQUENT_ACCESS"}
    resources = {"CountsTable": {**TABLES["CountsTable"], "Properties": planted}}
    [(wanted, found)] = applied(clients, BASE, resources, "linkledger-t2").values()
    assert ordered(found) != ordered(wanted)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_outlives_its_stack_and_can_be_restored(name: str) -> None:
    table = TABLES[name]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_the_bucket_its_policy_and_the_secret_outlive_their_stack() -> None:
    for name in (
        "LedgerBucket",
        "LedgerBucketPolicy",
        "Secrets",
        "ReconcileDeadLetters",
        "JobsDeadLetters",
        "OutboundDeadLetters",
    ):
        assert BASE["Resources"][name]["DeletionPolicy"] == "Retain", name


def test_every_function_has_a_log_group_of_its_own() -> None:
    groups = {
        resource["Properties"]["LogGroupName"]["Fn::Sub"].removeprefix("/aws/lambda/${Prefix}")
        for resource in BASE["Resources"].values()
        if resource["Type"] == "AWS::Logs::LogGroup"
    }
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    assert groups == {f"-{name}" if name != "api_handler" else "" for name in config["lambda_functions"]}
