"""WooCommerce's webhooks, with the order of its documents."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.conversion import AdjustmentKind, Content, Item
from chalicelib.domain.errors import Invalid
from chalicelib.services.carts.delivery import Change, Delivery, Fact, Sale
from chalicelib.services.carts.woocommerce import SOURCE

NOW = datetime(2026, 10, 15, tzinfo=UTC)

ORDER: dict[str, Any] = {
    "id": 727,
    "number": "727",
    "status": "processing",
    "currency": "USD",
    "date_created": "2026-03-22T13:28:02",
    "date_created_gmt": "2026-03-22T16:28:02",
    "total": "29.35",
    "total_tax": "1.35",
    "customer_id": 26,
    "meta_data": [{"id": 13106, "key": "_download_permissions_granted", "value": "yes"}],
    "billing": {"first_name": "John", "email": "john.doe@example.com"},
    "line_items": [
        {
            "id": 315,
            "name": "Woo Single #1",
            "product_id": 93,
            "variation_id": 0,
            "quantity": 2,
            "subtotal": "7.00",
            "total": "6.00",
            "total_tax": "0.35",
            "meta_data": [],
            "sku": "",
        },
        {
            "id": 316,
            "name": "Ship Your Idea",
            "product_id": 22,
            "variation_id": 23,
            "quantity": 1,
            "subtotal": "20.20",
            "total": "20.20",
            "total_tax": "0.00",
            "sku": "SHIRT",
            "meta_data": [{"id": 2095, "key": "_ll_category", "value": "shirts"}],
        },
    ],
    "coupon_lines": [],
    "refunds": [],
}


def read(topic: str = "order.updated", **changes: Any) -> list[Fact]:
    body = json.dumps(ORDER | changes).encode()
    return list(SOURCE.read(Delivery({"x-wc-webhook-topic": topic}, {}, body)))


def test_a_signature_is_the_bodys_hmac_in_base64() -> None:
    body = json.dumps(ORDER).encode()
    signature = base64.b64encode(hmac.digest(b"hush", body, hashlib.sha256)).decode()
    assert SOURCE.verifies("hush", Delivery({"x-wc-webhook-signature": signature}, {}, body), NOW)
    assert not SOURCE.verifies("other", Delivery({"x-wc-webhook-signature": signature}, {}, body), NOW)


@pytest.mark.parametrize("status", ["processing", "completed"])
def test_a_paid_order_is_a_sale_of_its_total(status: str) -> None:
    assert read(status=status) == [
        Sale(
            "727",
            Content(2935, "USD", (Item("93", 2, 635), Item("SHIRT", 1, 2020, "shirts"))),
            customer_id="26",
            occurred_at=datetime(2026, 3, 22, 16, 28, 2, tzinfo=UTC),
            customer_email="john.doe@example.com",
        )
    ]


@pytest.mark.parametrize("status", ["pending", "on-hold", "checkout-draft"])
def test_an_order_that_is_not_paid_yet_is_no_fact(status: str) -> None:
    assert read(status=status) == []


def test_a_guest_is_no_customer() -> None:
    (sale,) = read(customer_id=0)
    assert isinstance(sale, Sale)
    assert sale.customer_id is None


def test_click_and_coupon_come_with_the_order() -> None:
    landing = {
        "key": "_wc_order_attribution_session_entry",
        "value": "https://shop.example/?a=1&ll_click=entry",
    }
    (sale,) = read(meta_data=[landing], coupon_lines=[{"code": "anna10", "discount": "1.00"}])
    assert isinstance(sale, Sale)
    assert (sale.click_id, sale.coupon) == ("entry", "anna10")
    (sale,) = read(meta_data=[landing, {"key": "ll_click", "value": "own"}])
    assert isinstance(sale, Sale)
    assert sale.click_id == "own"


def test_each_refund_of_an_order_takes_its_amount_back() -> None:
    refunds = [{"id": 726, "reason": "", "total": "-10.00"}, {"id": 724, "reason": "late", "total": "-9.00"}]
    assert read(refunds=refunds)[1:] == [
        Change("727", "woocommerce-refund-726", AdjustmentKind.REFUND, "refunded", 1000, total_minor=1900),
        Change("727", "woocommerce-refund-724", AdjustmentKind.REFUND, "late", 900, total_minor=1900),
    ]


def test_cancelled_and_deleted_orders_are_void() -> None:
    assert read(status="cancelled") == [
        Change("727", "woocommerce-cancelled", AdjustmentKind.VOID, "order cancelled")
    ]
    assert read("order.deleted") == [
        Change("727", "woocommerce-deleted", AdjustmentKind.VOID, "order deleted")
    ]


def test_other_topics_are_no_facts() -> None:
    assert read("product.updated") == []


@pytest.mark.parametrize("status", [[], {}, True])
def test_a_status_that_is_no_text_is_refused(status: object) -> None:
    with pytest.raises(Invalid):
        read(status=status)


@pytest.mark.parametrize(
    "line", [{"quantity": 0}, {"quantity": "0.5"}, {"total": "-1.00"}, {"total": "1.005"}, {"total": []}]
)
def test_a_line_that_makes_no_sense_keeps_no_order_out(line: dict[str, Any]) -> None:
    (sale,) = read(line_items=[ORDER["line_items"][0] | line])
    assert isinstance(sale, Sale)
    assert sale.content == Content(2935, "USD")
