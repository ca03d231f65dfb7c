"""Finance is told what became of a close, and a notice that fails stops nothing."""

import io
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectionError as ServiceAway

from chalicelib import bootstrap
from chalicelib.services.close import close_months
from chalicelib.storage import aws
from tests import scene
from tests.scene import AFTER_GRACE, MONTH_START

TOPIC = "arn:aws:sns:us-east-1:000000000000:linkledger-finance"


@pytest.fixture
def topic(stage, monkeypatch) -> list[dict[str, str]]:
    """What is published to the finance topic of this stage."""
    monkeypatch.setenv("FINANCE_TOPIC", TOPIC)
    bootstrap.stores.cache_clear()
    aws.forget()
    sent: list[dict[str, str]] = []

    def answer(model: Any, params: Any, **_: Any) -> tuple[SimpleNamespace, dict[str, str]]:
        sent.append(params["body"])
        return SimpleNamespace(status_code=200), {"MessageId": "1"}

    aws.session().register("before-call.sns.Publish", answer)
    return sent


def test_a_published_ledger_is_told_with_its_hash(topic) -> None:
    shop = scene.make(bootstrap.stores())
    shop.sell(bootstrap.stores(), MONTH_START + timedelta(days=3))
    ((closed,), _) = close_months(bootstrap.stores(), AFTER_GRACE)
    (notice,) = topic
    assert (notice["TopicArn"], notice["Subject"]) == (
        TOPIC,
        f"Ledger 2026-09 of {shop.program.id} is published",
    )
    assert json.loads(notice["Message"]) == {
        "event": "ledger_published",
        "program": shop.program.id,
        "month": "2026-09",
        "sha256": closed.sha256,
    }


def test_a_close_that_stops_is_told_each_time_with_its_reason(topic) -> None:
    shop = scene.make(bootstrap.stores())
    key = f"ledgers/{shop.program.id}/2026-09/summary.csv"
    bootstrap.stores().bucket.write(key, io.BytesIO(b"other"), "text/csv")
    for _ in range(2):
        close_months(bootstrap.stores(), AFTER_GRACE)
    told = [json.loads(notice["Message"]) for notice in topic]
    assert [(notice["event"], notice["reason"]) for notice in told] == [
        ("close_stopped", "ledger_differs")
    ] * 2


def test_a_notice_that_cannot_be_sent_stops_no_close(stage, monkeypatch) -> None:
    monkeypatch.setenv("FINANCE_TOPIC", TOPIC)
    bootstrap.stores.cache_clear()
    aws.forget()

    def refuse(**_: Any) -> None:
        raise ServiceAway(error="away")

    aws.session().register("before-call.sns.Publish", refuse)
    shop = scene.make(bootstrap.stores())
    closed, stopped = close_months(bootstrap.stores(), AFTER_GRACE)
    assert ([c.program for c in closed], stopped) == ([shop.program.id], [])


def test_without_a_topic_nobody_is_told(stage) -> None:
    scene.make(stage.stores)
    closed, _ = close_months(stage.stores, AFTER_GRACE)
    assert len(closed) == 1
    assert not stage.stores.notices.wanted
