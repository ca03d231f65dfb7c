"""Linking and forgetting customers, as the routes answer."""

from datetime import timedelta
from typing import Any

import pytest

from tests import capturing
from tests.capturing import NOW
from tests.routes.api import Answer, Api


@pytest.fixture
def click(api: Api, clock: Any) -> str:
    """A click in `acme`, which has a partner `anna`."""
    clock.set(NOW)
    capturing.a_program(api.stores)
    return capturing.a_click(api.stores, at=NOW - timedelta(hours=1))


def send(api: Api, method: str, key: str | None = None, **body: str) -> Answer:
    return api.post("/v1/identities", {"program": "acme", "customer_id": "7"} | body, key, method=method)


def credited(api: Api, order_id: str) -> list[str]:
    order = {"program": "acme", "event": "sale", "order_id": order_id, "amount": 5000, "currency": "EUR"}
    made = api.post("/v1/conversions", order | {"customer_id": "7"}).json["id"]
    return list(api.get(f"/v1/conversions/{made}").json["partners"])


@pytest.mark.parametrize("what", ["device", "customer"])
def test_a_link_holds_until_it_is_taken_back(api: Api, click: str, what: str) -> None:
    assert send(api, "POST", click_id=click).status == 201
    assert credited(api, "order-1") == ["anna"]
    for _ in range(2):
        assert send(api, "DELETE", **({"click_id": click} if what == "device" else {})).status == 204
    assert credited(api, "order-2") == []
    assert credited(api, "order-1") == ["anna"]


def test_a_merchant_forgets_its_own_customers_alone(api: Api, click: str) -> None:
    send(api, "POST", click_id=click)
    api.program("other")
    send(api, "DELETE", api.key("merchant", program="other")).refused(404, "program_unknown", "program")
    assert send(api, "DELETE", api.key("partner", partner="anna")).status == 403
    assert credited(api, "order-1") == ["anna"]


def test_what_cannot_be_forgotten_is_refused(api: Api, click: str) -> None:
    send(api, "DELETE", click_id="no-click").refused(422, "click_id_invalid", "click_id")
    send(api, "DELETE", customer_id="").refused(422, "customer_id_invalid", "customer_id")
    api.delete("/v1/identities?program=acme&customer_id=7").refused(422, "field_required", "program")
