"""What earlier versions of Linkledger wrote is read, closed and verified by today's.

A file of `tests/data/versions` is what one version's `make run` left behind: every item of every table, the
published ledger of October 2026, and the stage's keys. A version that writes other kinds of files than those
before it leaves a file here; none is ever changed, because no byte of a published month may.
"""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain import token
from chalicelib.domain.conversion import AdjustmentKind, State
from chalicelib.domain.period import Month
from chalicelib.services import adjustments, explaining, verifying
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import reconcile
from chalicelib.storage import aws
from tests import scene
from tests.conftest import Stage

VERSIONS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "data" / "versions").iterdir())
}
KEPT = VERSIONS["first"]
OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
FOLDER = "ledgers/acme/2026-10/"


def restore(stage: Stage, kept: dict[str, Any]) -> None:
    """Put into the stage what a version left behind."""
    settings = stage.settings
    for table, items in kept["tables"].items():
        for item in items:
            aws.client("dynamodb").put_item(TableName=settings.table(table), Item=item)
    for key, text in kept["objects"].items():
        aws.client("s3").put_object(Bucket=settings.ledger_bucket, Key=key, Body=text.encode())
    secret = {"SecretId": settings.secrets_id, "SecretString": kept["secret"]}
    aws.client("secretsmanager").put_secret_value(**secret)


@pytest.fixture
def upgraded(stage: Stage) -> Stage:
    """Today's code over what the first version wrote."""
    restore(stage, KEPT)
    return stage


def conversions(stage: Stage) -> dict[str, str]:
    """The ids of the story's conversions by their orders."""
    heads = [item for item in KEPT["tables"]["conversions"] if item["sk"]["S"] == "conversion"]
    found = [stage.stores.conversions.find(head["pk"]["S"]) for head in heads]
    return {one.facts.report.order_id: one.facts.id for one in found if one}


@pytest.mark.parametrize("version", VERSIONS)
def test_its_published_month_is_verified(stage: Stage, version: str) -> None:
    restore(stage, VERSIONS[version])
    verified = verifying.verify(stage.stores, "acme", OCTOBER)
    assert verified.problems == ()
    assert verified.entries == len(
        [item for item in VERSIONS[version]["tables"]["journal"] if item["sk"]["S"].startswith("entry#")]
    )


def test_what_differs_is_told_of_it_as_of_any_month(upgraded: Stage) -> None:
    assert list(explaining.differences(upgraded.stores, "acme", OCTOBER)) == []
    aws.client("s3").put_object(
        Bucket=upgraded.settings.ledger_bucket, Key=f"{FOLDER}summary.csv", Body=b"other"
    )
    assert any(
        "summary.csv" in problem for problem in verifying.verify(upgraded.stores, "acme", OCTOBER).problems
    )


def test_its_conversions_and_clicks_are_read(upgraded: Stage) -> None:
    stores = upgraded.stores
    found = {order: stores.conversions.find(id) for order, id in conversions(upgraded).items()}
    assert sorted(found) == ["A-1001", "A-1002", "A-1003", "A-1004"]
    assert {one.state for one in found.values() if one} == {State.APPROVED}
    click = found["A-1003"].facts.report.click_id
    assert click is not None
    assert token.read(click, stores.secrets.token_keys) is not None


def test_the_next_month_is_closed_on_top_of_it(upgraded: Stage) -> None:
    stores = upgraded.stores
    sold = conversions(upgraded)["A-1003"]
    refunded_at = datetime(2026, 11, 20, tzinfo=UTC)
    adjustments.adjust(stores, sold, "late", AdjustmentKind.REFUND, 1000, "came back", refunded_at)
    made = scene.Scene(stores.catalogue.program("acme"), {})
    made.sell(stores, refunded_at, 5000, "BEN10")
    reconcile(stores, datetime(2026, 12, 1, tzinfo=UTC))
    (closed,) = close_program(stores, "acme", datetime(2026, 12, 2, tzinfo=UTC))
    assert closed.month == NOVEMBER
    assert verifying.verify(stores, "acme", NOVEMBER).problems == ()
    assert verifying.verify(stores, "acme", OCTOBER).problems == ()
    summary = stores.bucket.find("ledgers/acme/2026-11/summary.csv")
    assert summary is not None
    rows = {row["partner"]: row for row in csv.DictReader(io.StringIO(summary.decode()))}
    assert [rows["anna"][name] for name in ("opening", "reversed", "closing")] == ["23.54", "-1.00", "22.54"]
    assert [rows["ben"][name] for name in ("opening", "accrued", "closing")] == ["6.00", "5.00", "11.00"]
    for key, text in KEPT["objects"].items():
        assert stores.bucket.find(key) == text.encode()
