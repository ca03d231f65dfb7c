"""The `Idempotency-Key` header on conversions and adjustments."""

import json
from typing import Any

import pytest

from tests import capturing
from tests.capturing import NOW
from tests.routes.api import Answer, Api

ORDER = {"program": "acme", "event": "sale", "order_id": "A-1", "amount": 5000, "currency": "EUR"}
REFUND = {"kind": "refund", "amount": 1000}


@pytest.fixture(autouse=True)
def _acme(api: Api, clock: Any) -> None:
    clock.set(NOW)
    capturing.a_program(api.stores)


def send(api: Api, path: str, body: dict[str, Any], key: str) -> Answer:
    headers = {"content-type": "application/json", "idempotency-key": key}
    return api.send("POST", path, json.dumps(body).encode(), headers)


def test_an_order_is_its_own_key_whatever_the_header_says(api: Api) -> None:
    made = send(api, "/v1/conversions", ORDER, "first try")
    again = send(api, "/v1/conversions", ORDER, "second try")
    assert (made.status, again.status, again.json["id"]) == (201, 200, made.json["id"])
    other = send(api, "/v1/conversions", ORDER | {"order_id": "A-2"}, "first try")
    assert (other.status, other.json["id"] == made.json["id"]) == (201, False)
    send(api, "/v1/conversions", ORDER | {"amount": 1}, "first try").refused(409, "order_conflict")


def test_a_refund_may_be_named_by_the_header_alone(api: Api) -> None:
    path = f"/v1/conversions/{api.post('/v1/conversions', ORDER).json['id']}/adjustments"
    first, again, another = (send(api, path, REFUND, key) for key in ("k 1", "k 1", "k 2"))
    assert [answer.status for answer in (first, again, another)] == [201, 200, 201]
    assert first.json["id"] == again.json["id"] != another.json["id"]
    send(api, path, REFUND | {"amount": 2}, "k 1").refused(409, "adjustment_conflict", "id")
    named = send(api, path, REFUND | {"id": "refund-1"}, "k 1")
    assert (named.status, named.json["id"]) == (201, "refund-1")
    api.post(path, REFUND).refused(422, "field_required", "id")
    kept = {(one["id"], one["amount"]) for one in api.listed(path)}
    assert kept == {(answer.json["id"], REFUND["amount"]) for answer in (first, another, named)}


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "schlüssel"])
def test_a_key_that_is_none_changes_nothing(api: Api, key: str) -> None:
    send(api, "/v1/conversions", ORDER, key).refused(422, "idempotency_key_invalid")
    assert not capturing.is_known("A-1")
