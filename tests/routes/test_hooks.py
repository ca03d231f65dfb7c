"""Webhooks of carts over HTTP: signed ones are carried out once, others change nothing."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.conversion import AdjustmentKind, Content, Item
from chalicelib.domain.program import Method
from chalicelib.domain.takings import takings
from chalicelib.services import capture
from tests.capturing import NOW, a_click, a_program, calling, is_known, known

SECRET = "hush-hush-hush"
ORDER = {
    "id": 1001,
    "currency": "USD",
    "total_price": "388.00",
    "created_at": "2026-10-15T07:30:00-04:00",
    "customer": {"id": 7},
}
REFUND = {
    "id": 11,
    "order_id": 1001,
    "transactions": [{"kind": "refund", "status": "success", "amount": "88.00", "currency": "USD"}],
}


@pytest.fixture
def caller(stage: Any, clock: Any) -> Any:
    clock.set(NOW)
    stores = bootstrap.stores()
    a_program(stores)
    for source in ("shopify", "woocommerce", "stripe"):
        stores.hook_secrets.add("acme", source, SECRET)
    return calling()


def shopify(
    caller: Any, topic: str, payload: Any, path: str = "/hooks/shopify/acme", secret: str = SECRET
) -> Any:
    raw = json.dumps(payload).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), raw, hashlib.sha256)).decode()
    return caller.post(path, raw, x_shopify_topic=topic, x_shopify_hmac_sha256=signature)


def outcomes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.body
    return [result["outcome"] for result in json.loads(answer.body)["results"]]


def test_an_order_is_recorded_once_and_its_refund_taken_back(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    order = ORDER | {"note_attributes": [{"name": "ll_click", "value": click}]}
    assert outcomes(shopify(caller, "orders/create", order)) == ["recorded"]
    assert outcomes(shopify(caller, "orders/paid", order)) == ["duplicate"]
    assert outcomes(shopify(caller, "refunds/create", REFUND)) == ["adjusted"]
    assert outcomes(shopify(caller, "refunds/create", REFUND)) == ["duplicate"]
    found = known("1001")
    assert (found.report.content, found.report.method) == (Content(38800, "USD"), Method.SHOPIFY)
    assert found.report.confirmed
    assert {touch.partner for touch in found.touches} == {"anna"}
    assert [adjustment.amount_minor for adjustment in found.adjustments] == [8800]


def test_the_webhooks_url_names_the_event(caller: Any) -> None:
    shopify(caller, "orders/paid", ORDER, path="/hooks/shopify/acme?event=purchase")
    assert is_known("1001", "purchase")


def test_a_refund_may_come_before_its_order(caller: Any) -> None:
    assert outcomes(shopify(caller, "refunds/create", REFUND)) == ["adjusted"]
    shopify(caller, "orders/paid", ORDER)
    assert len(known("1001").adjustments) == 1


MUG, CUP = (
    {"sku": sku, "price": price, "quantity": 2, "discount_allocations": [], "tax_lines": []}
    for sku, price in (("MUG", "100.00"), ("CUP", "80.00"))
)
LINES = ORDER | {"line_items": [MUG, CUP], "email": "anna@example.com"}
RETURN = {
    "id": 12,
    "order_id": 1001,
    "refund_line_items": [{"quantity": 1, "line_item": MUG}],
    "transactions": [{"kind": "refund", "status": "success", "amount": "110.00", "currency": "USD"}],
}


@pytest.mark.parametrize("first", ["order", "refund"])
def test_lines_come_back_whichever_is_told_first(caller: Any, first: str) -> None:
    told = [("orders/paid", LINES), ("refunds/create", RETURN)]
    for topic, payload in told if first == "order" else told[::-1]:
        shopify(caller, topic, payload)
    assert outcomes(shopify(caller, "refunds/create", RETURN)) == ["duplicate"]
    facts = known("1001")
    taken = takings(facts, facts.adjustments)
    assert facts.report.content.items == (Item("MUG", 2, 20000), Item("CUP", 2, 16000))
    assert (taken.lines, taken.rest_minor) == ((10000, 0), 1000)


@pytest.mark.parametrize("first", ["order", "refund"])
def test_lines_that_the_order_lacks_come_back_as_an_amount(caller: Any, first: str) -> None:
    told = [("orders/paid", ORDER), ("refunds/create", RETURN)]
    for topic, payload in told if first == "order" else told[::-1]:
        shopify(caller, topic, payload)
    assert outcomes(shopify(caller, "refunds/create", RETURN)) == ["duplicate"]
    facts = known("1001")
    assert takings(facts, facts.adjustments).total_minor == 11000


def test_lines_that_another_source_left_out_contradict_nothing(caller: Any) -> None:
    stores, click = bootstrap.stores(), a_click(bootstrap.stores())
    server = capture.Incoming("sale", "1001", Content(38800, "USD"), Method.API)
    capture.record(stores, stores.catalogue.program("acme"), server, NOW)
    order = LINES | {"note_attributes": [{"name": "ll_click", "value": click}]}
    assert outcomes(shopify(caller, "orders/paid", order)) == ["duplicate"]
    assert {touch.partner for touch in known("1001").touches} == {"anna"}
    assert outcomes(shopify(caller, "orders/paid", LINES | {"total_price": "1.00"})) == ["conflict"]


def test_a_partners_own_order_is_known_by_its_address_of_which_only_a_digest_is_kept(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    shopify(caller, "orders/paid", LINES | {"note_attributes": [{"name": "ll_click", "value": click}]})
    facts = known("1001")
    assert [signal.partner for signal in facts.signals] == ["anna"]
    assert "anna@example.com" not in repr(facts)


def test_a_refund_of_more_than_is_known_takes_all_of_it(caller: Any) -> None:
    shopify(caller, "orders/paid", ORDER)
    more = REFUND | {"transactions": [REFUND["transactions"][0] | {"amount": "400.00"}]}  # type: ignore[index]
    assert outcomes(shopify(caller, "refunds/create", more)) == ["adjusted"]
    (adjustment,) = known("1001").adjustments
    assert (adjustment.kind, adjustment.amount_minor) == (AdjustmentKind.REFUND, None)


def test_a_contradiction_is_told_and_changes_nothing(caller: Any) -> None:
    shopify(caller, "orders/paid", ORDER)
    assert outcomes(shopify(caller, "orders/paid", ORDER | {"total_price": "1.00"})) == ["conflict"]
    assert known("1001").report.content.amount_minor == 38800


def test_an_order_of_long_ago_that_somebody_touches_is_not_recorded(caller: Any) -> None:
    old = ORDER | {"created_at": "2021-12-31T19:00:00-05:00"}
    assert outcomes(shopify(caller, "orders/paid", old)) == ["too_old"]
    assert not is_known("1001")


def test_the_next_order_of_a_customer_finds_the_click_of_the_first(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    shopify(caller, "orders/paid", ORDER | {"note_attributes": [{"name": "ll_click", "value": click}]})
    shopify(caller, "orders/paid", ORDER | {"id": 1002})
    assert [touch.partner for touch in known("1002").touches] == ["anna"]


def test_what_is_not_signed_is_refused_in_one_shape(caller: Any) -> None:
    wrong = shopify(caller, "orders/paid", ORDER, secret="other-other")
    unsigned = caller.post("/hooks/shopify/acme", ORDER, x_shopify_topic="orders/paid")
    unknown = shopify(caller, "orders/paid", ORDER, path="/hooks/shopify/nobody")
    broken = shopify(caller, "orders/paid", ORDER, path="/hooks/stripe/acme")
    assert {answer.status_code for answer in (wrong, unsigned, unknown, broken)} == {401}
    assert wrong.body == unsigned.body == unknown.body == broken.body
    assert not is_known("1001")


def test_an_unknown_source_is_refused(caller: Any) -> None:
    assert shopify(caller, "orders/paid", ORDER, path="/hooks/magento/acme").status_code == 404


def test_a_signed_body_that_cannot_be_read_is_refused(caller: Any) -> None:
    for raw, status in ((b"{", 400), (b"\xff", 400), (b'{"id": 1}', 422)):
        signature = base64.b64encode(hmac.digest(SECRET.encode(), raw, hashlib.sha256)).decode()
        headers = {"x_shopify_topic": "orders/paid", "x_shopify_hmac_sha256": signature}
        assert caller.post("/hooks/shopify/acme", raw, **headers).status_code == status


def test_a_program_that_does_not_use_the_source_takes_nothing_from_it(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    a_program(bootstrap.stores(), methods=frozenset({Method.API}))
    bootstrap.stores().hook_secrets.add("acme", "shopify", SECRET)
    assert shopify(calling(), "orders/paid", ORDER).status_code == 422
    assert not is_known("1001")


def test_woocommerce_gets_its_ping_answered(caller: Any) -> None:
    answer = caller.post(
        "/hooks/woocommerce/acme", b"webhook_id=12", content_type="application/x-www-form-urlencoded"
    )
    assert outcomes(answer) == []


def test_the_newest_two_secrets_are_good(caller: Any) -> None:
    stores = bootstrap.stores()
    stores.hook_secrets.add("acme", "shopify", "second-secret")
    assert outcomes(shopify(caller, "orders/paid", ORDER)) == ["unattributed"]
    stores.hook_secrets.add("acme", "shopify", "third-secret")
    assert shopify(caller, "orders/paid", ORDER).status_code == 401
    assert outcomes(shopify(caller, "orders/paid", ORDER, secret="second-secret")) == ["duplicate"]


def test_an_app_tells_its_purchases_under_its_own_names(caller: Any) -> None:
    bootstrap.stores().hook_secrets.add("acme", "adjust", SECRET)
    click = a_click(bootstrap.stores())
    told = {"activity_kind": "event", "event_name": "purchase", "adid": "a1", "order_id": "9", "label": click}
    query = told | {"revenue_float": "5.50", "created_at": str(int(NOW.timestamp()))}
    assert caller.get("/hooks/adjust/acme", **query).status_code == 401
    assert len(outcomes(caller.get("/hooks/adjust/acme", **query, token=SECRET))) == 1
    found = known("9", "purchase")
    assert (found.report.content, found.report.method) == (Content(550, "EUR"), Method.ADJUST)
    assert {touch.partner for touch in found.touches} == {"anna"}


def test_an_event_that_no_conversion_can_have_is_refused(caller: Any) -> None:
    answer = shopify(caller, "refunds/create", REFUND, path="/hooks/shopify/acme?event=%F0%9F%98%80")
    assert answer.status_code == 422
