"""Leads and sales in Dub's words."""

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.conversion import Content
from tests.capturing import NOW, a_click, a_program, is_known, known

LEAD = {"eventName": "Sign up", "customerExternalId": "user-7", "customerEmail": "anna@example.com"}
SALE = {"customerExternalId": "user-7", "amount": 4990, "currency": "eur", "invoiceId": "in-1"}


@pytest.fixture
def merchant(api: Any, clock: Any) -> str:
    """The key of Acme's merchant."""
    clock.set(NOW)
    a_program(bootstrap.stores())
    return str(api.key("merchant", program="acme"))


def test_a_sale_is_credited_by_the_click_of_its_customers_lead(api: Any, merchant: str) -> None:
    click = a_click(bootstrap.stores())
    lead = api.post("/v1/track/lead", LEAD | {"clickId": click}, merchant)
    assert (lead.status, lead.json) == (200, {"click": {"id": click}, "customer": {"externalId": "user-7"}})
    sale = api.post("/v1/track/sale", SALE | {"eventName": "sale"}, merchant)
    assert sale.status == 200
    assert sale.json["amount"] == 4990
    found = known("in-1")
    assert found.report.content == Content(4990, "EUR")
    assert {touch.partner for touch in found.touches} == {"anna"}


def test_a_partners_own_lead_is_known_by_its_address_of_which_only_a_digest_is_kept(
    api: Any, merchant: str
) -> None:
    click = a_click(bootstrap.stores())
    api.post("/v1/track/lead", LEAD | {"clickId": click}, merchant)
    (row,) = api.get("/v1/conversions?program=acme").json["data"]
    facts = known(row["order_id"], "Sign up")
    assert [signal.partner for signal in facts.signals] == ["anna"]
    assert "anna@example.com" not in repr(facts)


def test_of_metadata_nothing_is_read(api: Any, merchant: str) -> None:
    metadata = {"rating": 4.5, "deep": [[[{"score": 1e3}]]], "name": "a\x00b"}
    assert api.post("/v1/track/lead", LEAD | {"metadata": metadata}, merchant).status == 200
    assert api.post("/v1/track/sale", SALE | {"metadata": metadata}, merchant).status == 200
    api.post("/v1/track/sale", SALE | {"metadata": 4}, merchant).refused(422, "field_invalid", "metadata")
    api.post("/v1/track/sale", SALE | {"amount": 4.5}, merchant).refused(422, "number_invalid", "amount")


def test_a_retry_changes_nothing_and_other_figures_are_refused(api: Any, merchant: str) -> None:
    first = api.post("/v1/track/sale", SALE, merchant)
    assert api.post("/v1/track/sale", SALE, merchant).json == first.json
    api.post("/v1/track/sale", SALE | {"amount": 1}, merchant).refused(409, "order_conflict")


def test_a_sale_without_an_invoice_needs_an_idempotency_key(api: Any, merchant: str) -> None:
    sale = {name: SALE[name] for name in ("customerExternalId", "amount", "currency")}
    api.post("/v1/track/sale", sale, merchant).refused(422, "order_id_missing", "invoiceId")
    headers = {"content-type": "application/json", "idempotency-key": "try-1"}
    raw = b'{"customerExternalId": "user-7", "amount": 4990, "currency": "eur"}'
    assert api.send("POST", "/v1/track/sale", raw, headers, merchant).status == 200
    assert is_known("try-1", "Purchase")


def test_a_key_of_another_program_sees_nothing_of_this_one(api: Any, merchant: str) -> None:
    other = api.key("merchant", program=str(api.program("other").json["id"]))
    api.post("/v1/track/sale?program=acme", SALE, other).refused(404, "program_unknown", "program")
    assert not is_known("in-1", "Purchase")


def test_an_administrator_names_the_program(api: Any, merchant: str) -> None:
    api.post("/v1/track/lead", LEAD).refused(422, "program_missing", "program")
    assert api.post("/v1/track/lead?program=acme", LEAD).status == 200


def test_rubbish_is_refused(api: Any, merchant: str) -> None:
    assert api.post("/v1/track/lead", {"eventName": "Sign up"}, merchant).status == 422
    assert api.post("/v1/track/sale", SALE | {"amount": -1}, merchant).status == 422
    assert api.post("/v1/track/sale", SALE | {"currency": "btc"}, merchant).status == 422
    assert api.post("/v1/track/sale", SALE | {"surprise": 1}, merchant).status == 422
    assert api.post("/v1/track/lead", LEAD, "").status == 401


def test_a_hooks_secret_is_set_and_taken_away_by_its_merchant(api: Any, merchant: str) -> None:
    path = "/v1/programs/acme/hooks"
    added = api.post(path, {"source": "shopify", "secret": "hush-hush"}, merchant)
    assert added.status == 201
    assert added.json == {"source": "shopify", "url": "https://go.example.com/hooks/shopify/acme"}
    assert bootstrap.stores().hook_secrets.find("acme", "shopify") == ("hush-hush",)
    api.post(path, {"source": "magento", "secret": "hush-hush"}, merchant).refused(
        422, "source_unknown", "source"
    )
    api.post(path, {"source": "stripe", "secret": "short"}, merchant).refused(422, "secret_invalid", "secret")
    other = api.key("merchant", program=str(api.program("other").json["id"]))
    api.post(path, {"source": "stripe", "secret": "hush-hush"}, other).refused(
        404, "program_unknown", "program"
    )
    assert api.delete(f"{path}/shopify", other).status == 404
    assert api.delete(f"{path}/shopify", merchant).status == 204
    assert bootstrap.stores().hook_secrets.find("acme", "shopify") == ()
