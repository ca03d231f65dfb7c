"""Planted personal data is in no log, and as it came in no item."""

import json
from typing import Any

import pytest

from chalicelib.storage import table
from chalicelib.storage.table import Table
from tests.routes.api import TERMS, Api
from tests.services.test_erasures import TABLES

PERSON = "jane.planted@example.com"
ADDRESS = "203.0.113.77"
TOLD_ADDRESS = "81.2.69.142"
AGENT = "PlantedBrowser/1.0"
PLANTED = (PERSON, ADDRESS, TOLD_ADDRESS, AGENT, "jane.planted%40example.com")


def stored(api: Api) -> str:
    whole = [table.call("scan", TableName=Table(api.stores.settings, name).name)["Items"] for name in TABLES]
    return json.dumps(whole)


def test_planted_personal_data_is_neither_logged_nor_stored(
    api: Api, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = {"user-agent": f"Mozilla/5.0 {AGENT}", "x-forwarded-for": ADDRESS, "x-real-ip": ADDRESS}
    browser |= {"cloudfront-viewer-address": f"{ADDRESS}:443", "x-linkledger-viewer": ADDRESS}
    api.program(consent="exempt")
    api.partner()
    api.post("/v1/programs/acme/terms", TERMS)
    code = api.enroll().json["link"]["code"]
    followed = api.send("GET", f"/{code}", headers=browser, key="")
    click = followed.headers["location"].split("ll_click=")[1]
    order = {"program": "acme", "event": "sale", "amount": 100, "currency": "EUR", "customer_id": PERSON}
    order |= {"customer_email": PERSON, "customer_ip": TOLD_ADDRESS}
    tag = browser | {"content-type": "text/plain"}

    def collect(**event: Any) -> int:
        body = json.dumps({"program": "acme", "click_id": click, **event}).encode()
        return api.send("POST", "/v1/collect", body, tag, key="").status

    def everything() -> list[int]:
        pixel = f"event=sale&order_id=2&amount=1.00&currency=EUR&coupon=GUESS&customer_id={PERSON}"
        return [
            api.post("/v1/conversions", order | {"order_id": "1", "click_id": click}).status,
            api.post("/v1/conversions", order | {"order_id": "1", "amount": 2}).status,
            api.post("/v1/conversions", order | {"order_id": PERSON * 20}).status,
            api.send("GET", f"/p.gif?program=acme&{pixel}", headers=browser, key="").status,
            collect(type="convert", event="sale", order_id="3", amount=1, customer_id=PERSON),
            collect(type="identify", customer_id=PERSON),
            api.post("/v1/identities", {"program": "acme", "customer_id": PERSON, "click_id": "x"}).status,
            api.post("/v1/subjects", {"program": "acme", "customer_id": PERSON}).status,
            api.post("/v1/erasures", {"program": "acme", "customer_id": PERSON}).status,
        ]

    assert everything() == [201, 409, 422, 200, 202, 202, 422, 200, 202]

    def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError("something that nobody expected")

    with monkeypatch.context() as broken:
        broken.setattr(table, "call", breaks)
        assert 500 in everything()
    logged = "".join(capfd.readouterr())
    assert "api_failed" in logged
    assert [text for text in PLANTED if text in logged] == []
    kept = stored(api)
    assert [text for text in PLANTED if text in kept] == []
