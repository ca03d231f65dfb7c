"""Shopify's webhooks, with payloads cut from the samples of its documents."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.conversion import AdjustmentKind, Content, Item
from chalicelib.domain.errors import Invalid, Malformed
from chalicelib.services.carts.delivery import Change, Delivery, Sale
from chalicelib.services.carts.shopify import SOURCE

NOW = datetime(2026, 10, 15, tzinfo=UTC)

ORDER: dict[str, Any] = {
    "id": 820982911946154508,
    "name": "#9999",
    "currency": "USD",
    "total_price": "388.00",
    "subtotal_price": "388.00",
    "created_at": "2026-10-14T16:09:54-04:00",
    "processed_at": None,
    "customer": {"id": 115310627314723954, "email": "john@example.com"},
    "discount_codes": [],
    "note_attributes": [],
    "landing_site": None,
    "line_items": [{"id": 866550311766439020, "price": "199.00", "quantity": 1, "sku": "SKU2006-001"}],
}

REFUND: dict[str, Any] = {
    "id": 890088186047892319,
    "order_id": 820982911946154508,
    "note": "Things were damaged",
    "refund_line_items": [{"id": 487817672276298627, "quantity": 1, "subtotal": 199.99, "total_tax": 0.1}],
    "transactions": [
        {
            "id": 245135271310201194,
            "kind": "refund",
            "status": "success",
            "amount": "41.94",
            "currency": "USD",
        }
    ],
}


def delivered(topic: str, payload: object) -> Delivery:
    return Delivery({"x-shopify-topic": topic}, {}, json.dumps(payload).encode(), ("ll_click", "clk"))


def only(topic: str, payload: object) -> Sale | Change:
    (fact,) = SOURCE.read(delivered(topic, payload))
    return fact


def test_a_signature_is_the_bodys_hmac_in_base64() -> None:
    body = json.dumps(ORDER).encode()
    signature = base64.b64encode(hmac.digest(b"hush", body, hashlib.sha256)).decode()
    signed = Delivery({"x-shopify-hmac-sha256": signature}, {}, body)
    assert SOURCE.verifies("hush", signed, NOW)
    assert not SOURCE.verifies("other", signed, NOW)
    assert not SOURCE.verifies("hush", Delivery(signed.headers, {}, body + b" "), NOW)
    assert not SOURCE.verifies("hush", Delivery({}, {}, body), NOW)


@pytest.mark.parametrize("topic", ["orders/create", "orders/paid"])
def test_an_order_is_a_sale_of_what_the_customer_paid(topic: str) -> None:
    assert only(topic, ORDER) == Sale(
        "820982911946154508",
        Content(38800, "USD", (Item("SKU2006-001", 1, 19900),)),
        customer_id="115310627314723954",
        occurred_at=datetime(2026, 10, 14, 20, 9, 54, tzinfo=UTC),
        customer_email="john@example.com",
    )


def test_the_click_comes_from_a_cart_attribute_or_else_from_the_landing_page() -> None:
    landed = ORDER | {"landing_site": "/products/1?utm_source=x&clk=from-landing"}
    assert only("orders/paid", landed).click_id == "from-landing"  # type: ignore[union-attr]
    noted = landed | {"note_attributes": [{"name": "ll_click", "value": "from-cart"}]}
    assert only("orders/paid", noted).click_id == "from-cart"  # type: ignore[union-attr]


def test_a_discount_code_is_the_coupon() -> None:
    sold = only("orders/paid", ORDER | {"discount_codes": [{"code": "ANNA10", "amount": "30.00"}]})
    assert isinstance(sold, Sale)
    assert sold.coupon == "ANNA10"


LINE: dict[str, Any] = {
    "id": 1,
    "sku": "MUG",
    "variant_id": 39072856,
    "price": "100.00",
    "quantity": 3,
    "discount_allocations": [{"amount": "30.00", "discount_application_index": 0}],
    "tax_lines": [{"title": "VAT", "price": "54.00", "rate": 0.2}],
    "properties": [{"name": "_ll_category", "value": "kitchen"}],
}


def lines_of(**order: Any) -> tuple[Item, ...]:
    sold = only("orders/paid", ORDER | order)
    assert isinstance(sold, Sale)
    return sold.content.items


def test_a_line_is_worth_what_was_paid_for_it() -> None:
    mug = Item("MUG", 3, 32400, "kitchen")
    assert lines_of(line_items=[LINE]) == (mug,)
    assert lines_of(line_items=[LINE], taxes_included=True) == (Item("MUG", 3, 27000, "kitchen"),)
    shown = {"presentment_money": {"amount": "90.00", "currency_code": "EUR"}}
    price_set = {"price_set": shown | {"shop_money": {"amount": "110.00", "currency_code": "USD"}}}
    assert lines_of(line_items=[LINE | price_set]) == (Item("MUG", 3, 35400, "kitchen"),)


def test_lines_of_one_product_are_one_and_a_product_without_a_number_has_another_name() -> None:
    assert lines_of(line_items=[LINE, LINE | {"id": 2}]) == (Item("MUG", 6, 64800, "kitchen"),)
    assert lines_of(line_items=[LINE | {"sku": "", "properties": []}]) == (Item("39072856", 3, 32400),)


@pytest.mark.parametrize(
    "line",
    [
        *({"price": "1e5"}, {"price": None, "tax_lines": []}, {"quantity": 0}, {"quantity": 10**9}),
        *({"price": "9007199254740991.00"}, {"sku": {}, "variant_id": None, "id": None}),
    ],
)
def test_a_line_that_makes_no_sense_keeps_no_order_out(line: dict[str, Any]) -> None:
    assert lines_of(line_items=[LINE | line]) == ()


def test_an_order_of_too_many_lines_stands_without_them() -> None:
    assert len(lines_of(line_items=[LINE | {"sku": f"S{n}"} for n in range(200)])) == 200
    assert lines_of(line_items=[LINE | {"sku": f"S{n}"} for n in range(201)]) == ()


def returned(paid: str, *lines: tuple[int, dict[str, Any]]) -> tuple[Any, ...]:
    """What a refund of that amount, of so many pieces of these lines, takes back of lines and beside them."""
    told = [{"quantity": count, "line_item": line} for count, line in lines]
    paying = [REFUND["transactions"][0] | {"amount": paid}]
    change = only("refunds/create", REFUND | {"refund_line_items": told, "transactions": paying})
    assert isinstance(change, Change)
    return [(back.sku, back.quantity) for back in change.items], change.amount_minor, change.rest_minor


@pytest.mark.parametrize(
    ("paid", "expected"),
    [
        ("108.00", ([("MUG", 1)], 10800, 0)),
        ("108.01", ([("MUG", 1)], 10801, 0)),
        ("112.90", ([("MUG", 1)], 10800, 490)),
        ("107.99", ([("MUG", 1)], 10799, 0)),
        ("107.98", ([], 10798, 0)),
        ("50.00", ([], 5000, 0)),
    ],
)
def test_a_refund_is_of_its_lines_and_the_rest_of_the_order(paid: str, expected: Any) -> None:
    assert returned(paid, (1, LINE)) == expected


def test_a_refund_knows_prices_with_their_taxes_from_those_without() -> None:
    with_tax = LINE | {"tax_lines": [{"price": "45.00", "rate": "0.2"}]}
    assert returned("270.00", (3, with_tax)) == ([("MUG", 3)], 27000, 0)
    assert returned("324.00", (3, LINE)) == ([("MUG", 3)], 32400, 0)
    assert returned("324.00", (3, LINE | {"tax_lines": [{"price": "1.00", "rate": "x"}]})) == ([], 32400, 0)


def test_a_refund_takes_back_what_was_paid_back() -> None:
    assert only("refunds/create", REFUND) == Change(
        "820982911946154508",
        "shopify-refund-890088186047892319",
        AdjustmentKind.REFUND,
        "Things were damaged",
        4194,
    )


def test_a_refund_is_counted_in_the_currency_of_its_transaction() -> None:
    in_yen = REFUND["transactions"][0] | {"amount": "500", "currency": "JPY"}
    change = only("refunds/create", REFUND | {"transactions": [in_yen]})
    assert isinstance(change, Change)
    assert change.amount_minor == 500


def test_a_refund_without_a_successful_transaction_takes_nothing_back() -> None:
    failed = [REFUND["transactions"][0] | {"status": "failure"}]
    assert SOURCE.read(delivered("refunds/create", REFUND | {"transactions": failed})) == []


def test_a_cancelled_order_is_void() -> None:
    cancelled = only("orders/cancelled", ORDER | {"cancel_reason": "customer"})
    assert cancelled == Change("820982911946154508", "shopify-cancelled", AdjustmentKind.VOID, "customer")


def test_items_that_came_back_without_a_payment_count_by_their_price() -> None:
    returned = only("refunds/create", REFUND | {"transactions": []})
    assert isinstance(returned, Change)
    assert returned.amount_minor == 20009


def test_a_refund_is_told_in_the_shops_currency() -> None:
    seen = {"presentment_money": {"amount": "40.00", "currency_code": "EUR"}}
    amounts = seen | {"shop_money": {"amount": "44.10", "currency_code": "USD"}}
    transaction = REFUND["transactions"][0] | {"amount": "40.00", "currency": "EUR", "amount_set": amounts}
    refunded = only("refunds/create", REFUND | {"transactions": [transaction]})
    assert isinstance(refunded, Change)
    assert refunded.amount_minor == 4410


DISPUTE = {
    "id": 285332461850802050,
    "order_id": 820982911946154508,
    "type": "chargeback",
    "currency": "USD",
    "amount": "11.50",
    "reason": "fraudulent",
    "status": "lost",
}


def test_a_dispute_that_is_lost_is_a_chargeback() -> None:
    change = only("disputes/update", DISPUTE)
    assert isinstance(change, Change)
    assert (change.order_id, change.kind, change.amount_minor) == (
        "820982911946154508",
        AdjustmentKind.CHARGEBACK,
        1150,
    )
    untold = only("disputes/update", DISPUTE | {"reason": None})
    assert [each.reason for each in (change, untold) if isinstance(each, Change)] == [
        "fraudulent",
        "disputed",
    ]
    other = only("disputes/update", DISPUTE | {"currency": "EUR"})
    assert isinstance(other, Change)
    assert other.amount_minor is None


@pytest.mark.parametrize(
    "change",
    [
        {"status": "under_review"},
        {"status": "won"},
        {"type": "inquiry"},
        {"order_id": None},
        {"amount": "0.00"},
    ],
)
def test_any_other_dispute_takes_nothing_back(change: dict[str, Any]) -> None:
    assert SOURCE.read(delivered("disputes/update", DISPUTE | change)) == []


def test_other_topics_are_no_facts() -> None:
    assert SOURCE.read(delivered("products/create", {"id": 1})) == []


@pytest.mark.parametrize(
    "change",
    [
        {"total_price": "-1.00"},
        {"total_price": "1e5"},
        {"total_price": None},
        {"currency": "XXX"},
        {"id": None},
        {"id": "a\x00b"},
        {"id": {"a": 1}},
        {"customer": {"id": "\ud800"}},
        {"created_at": "yesterday"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        SOURCE.read(delivered("orders/paid", ORDER | change))


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{" * 100_000, b'{"id": NaN'])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        SOURCE.read(Delivery({"x-shopify-topic": "orders/paid"}, {}, body))


def test_a_disputes_status_that_is_no_text_is_refused() -> None:
    with pytest.raises(Invalid):
        SOURCE.read(delivered("disputes/update", DISPUTE | {"status": []}))
