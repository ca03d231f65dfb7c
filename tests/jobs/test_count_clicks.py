"""The counters as Lambda calls them."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.click import Click, Verdict
from chalicelib.jobs import count_clicks, count_money, counting_batch
from chalicelib.services import stats
from chalicelib.storage.clicks import to_item
from chalicelib.storage.codec import encode_item

CLICK: dict[str, Any] = {
    "program": "acme",
    "visitor": "abcdefghijklmnop",
    "nonce": "000001",
    "link_id": "lnk_aaaaaaaaaaaaa",
    "code": "a",
}


def event(*records: dict[str, Any], **extra: Any) -> Any:
    return {"Records": list(records), **extra}


def inserted(item: dict[str, Any], sequence: str, name: str = "INSERT") -> dict[str, Any]:
    return {"eventName": name, "dynamodb": {"SequenceNumber": sequence, "NewImage": encode_item(item)}}


def expired(sequence: str) -> dict[str, Any]:
    return {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": sequence, "Keys": {}}}


@pytest.mark.parametrize("extra", [{}, {"shardId": "shardId-1", "window": {}, "state": {}}])
def test_a_batch_is_counted_once_with_and_without_the_shards_name(
    stage: Any, clock: Any, extra: dict[str, Any]
) -> None:
    click = Click(at=clock.now, partner="anna", verdict=Verdict.HUMAN, reason="navigation", **CLICK)
    item = to_item(click, clock.now + timedelta(days=30))
    entry = {
        "entry": "e",
        "program": "acme",
        "kind": "accrual",
        "booked_at": "2026-10-15T12:00:00.000Z",
        "partner": "anna",
        "currency": "EUR",
        "sale_minor": 100,
        "commission_minor": 10,
        "first": True,
    }
    for _ in range(2):
        clicks = event(inserted(item, "100"), expired("101"), inserted(item, "102", "MODIFY"), **extra)
        assert count_clicks.count_clicks(clicks, None) == counting_batch.ANSWER
        gate = inserted({"pk": "x", "sk": "gate"}, "201")
        assert count_money.count_money(event(inserted(entry, "200"), gate, **extra), None)
    totals = stats.report(stage.stores, "acme").totals
    assert (totals.clicks, totals.conversions, totals.revenue) == (1, 1, {"EUR": 100})


def test_the_end_of_a_window_brings_no_records(stage: Any, clock: Any) -> None:
    end = event(shardId="shardId-1", isFinalInvokeForWindow=True)
    assert count_clicks.count_clicks(end, None) == counting_batch.ANSWER
