"""Who sends too much is told to wait; the pixel answers its picture, and a link is followed all the same."""

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.limit import BLOCK, KEY, ORDERS, Limit, block_of
from chalicelib.services.addresses import mark_of
from chalicelib.storage.meters import Meters
from tests.routes.api import Api

HERE = ""
"""The address of a caller of the test client: it has none."""


class Frozen:
    """Real time that stands still, so that no window ends during a test."""

    def __call__(self) -> float:
        return 1_000_000.0


@pytest.fixture(autouse=True)
def _one_window(api: Api) -> None:
    stores = bootstrap.stores()
    stores.meters = Meters(stores.settings, Frozen())
    api.program()


def exhaust(limit: Limit, subject: str) -> None:
    meters = bootstrap.stores().meters
    while meters.take(limit, subject) is None:
        pass


def exhaust_the_block(clock: Any) -> None:
    stores = bootstrap.stores()
    source_ip = "127.0.0.1"
    exhaust(BLOCK, mark_of(stores, block_of(source_ip), clock()))


def test_a_key_that_sends_too_much_waits_and_another_does_not(api: Api) -> None:
    made = api.post("/v1/keys", {"scopes": ["merchant"], "program": "acme"}).json
    exhaust(KEY, made["id"])
    answer = api.get("/v1/programs/acme", made["key"])
    answer.refused(429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 11
    assert api.get("/v1/programs/acme").status == 200


def test_a_block_that_sends_too_much_waits_unless_it_has_a_key(api: Api, clock: Any) -> None:
    exhaust_the_block(clock)
    event = b'{"program": "acme", "type": "consent", "consent": "granted"}'
    sent = api.send("POST", "/v1/collect", event, {"content-type": "text/plain"}, key="")
    sent.refused(429, "too_many_requests")
    assert int(sent.headers["retry-after"]) >= 1
    api.get("/v1/programs/acme", "wrong").refused(429, "too_many_requests")
    postback = api.send("GET", "/postback/acme?token=wrong&order_id=1&amount=1", key="")
    assert (postback.status, "retry-after" in postback.headers) == (429, True)
    api.send("POST", "/hooks/shopify/acme", b"{}", key="").refused(429, "too_many_requests")
    assert api.get("/v1/programs/acme").status == 200


def test_the_pixel_answers_its_picture_and_records_nothing(api: Api, clock: Any) -> None:
    exhaust_the_block(clock)
    pixel = "/p.gif?program=acme&event=sale&order_id=1&amount=1.00&currency=EUR"
    answer = api.send("GET", pixel, key="")
    assert (answer.status, answer.headers["content-type"], len(answer.raw)) == (200, "image/gif", 43)
    assert api.get("/v1/conversions?program=acme").json["data"] == []


def test_orders_of_one_program_are_limited_from_wherever_they_are_told(api: Api) -> None:
    exhaust(ORDERS, "acme")
    order = b'{"program": "acme", "type": "convert", "event": "sale", "order_id": "1", "amount": 1}'
    sent = api.send("POST", "/v1/collect", order, {"content-type": "text/plain"}, key="")
    sent.refused(429, "too_many_orders")
    told = {"program": "acme", "event": "sale", "order_id": "1", "amount": 1, "currency": "EUR"}
    assert api.post("/v1/conversions", told).status == 201


def test_a_link_is_followed_however_much_came_from_there(api: Api, clock: Any) -> None:
    api.partner()
    code = api.enroll().json["link"]["code"]
    exhaust_the_block(clock)
    assert api.send("GET", f"/{code}", headers={"user-agent": "Mozilla/5.0"}, key="").status == 302


def test_a_fast_shop_is_let_through(api: Api) -> None:
    statuses = {api.get("/v1/programs/acme").status for _ in range(200)}
    assert statuses == {200}
