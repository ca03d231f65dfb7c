"""Stripe's events, with objects cut from the samples of its documents."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import AdjustmentKind, Content, Item
from chalicelib.domain.errors import Invalid
from chalicelib.services.carts.delivery import Change, Delivery, Fact, Sale
from chalicelib.services.carts.stripe import SOURCE

NOW = datetime(2026, 10, 15, tzinfo=UTC)
CREATED = datetime(2026, 10, 14, tzinfo=UTC)

SESSION: dict[str, Any] = {
    "id": "cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u",
    "object": "checkout.session",
    "amount_subtotal": 2198,
    "amount_total": 2198,
    "client_reference_id": "token",
    "created": int(CREATED.timestamp()),
    "currency": "usd",
    "customer": "cus_9s6XKzkNRiz8i3",
    "invoice": None,
    "metadata": {},
    "mode": "payment",
    "payment_intent": "pi_1GszsK2eZvKYlo2CfhZyoZLp",
    "payment_status": "paid",
}

CHARGE: dict[str, Any] = {
    "id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
    "amount": 1099,
    "amount_refunded": 500,
    "currency": "usd",
    "payment_intent": "pi_1GszsK2eZvKYlo2CfhZyoZLp",
    "refunded": False,
}


def read(kind: str, subject: dict[str, Any], before: dict[str, Any] | None = None) -> list[Fact]:
    event = {"id": "evt_1", "type": kind, "data": {"object": subject, "previous_attributes": before}}
    return list(SOURCE.read(Delivery({}, {}, json.dumps(event).encode())))


def signed(body: bytes, secret: str, at: datetime) -> str:
    stamp = str(int(at.timestamp()))
    return (
        f"t={stamp},v1={hmac.new(secret.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"
    )


def test_a_signature_covers_time_and_body() -> None:
    header = signed(b"{}", "whsec_1", NOW)
    assert SOURCE.verifies("whsec_1", Delivery({"stripe-signature": header}, {}, b"{}"), NOW)
    assert not SOURCE.verifies("whsec_2", Delivery({"stripe-signature": header}, {}, b"{}"), NOW)
    assert not SOURCE.verifies("whsec_1", Delivery({"stripe-signature": header}, {}, b"{ }"), NOW)


def test_one_good_signature_among_those_of_a_rotation_is_enough() -> None:
    header = signed(b"{}", "whsec_1", NOW).replace("v1=", f"v0=aa,v1={'0' * 64},v1=")
    assert SOURCE.verifies("whsec_1", Delivery({"stripe-signature": header}, {}, b"{}"), NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_is_good_for_300_seconds_both_ways(seconds: int) -> None:
    delivery = Delivery({"stripe-signature": signed(b"{}", "whsec_1", NOW)}, {}, b"{}")
    assert not SOURCE.verifies("whsec_1", delivery, NOW + timedelta(seconds=seconds))
    assert SOURCE.verifies("whsec_1", delivery, NOW + timedelta(seconds=seconds // 2))


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=x,v1=y", "v1=aa", "t=1,t=2,v1=aa", "t=" + "9" * 5000])
def test_a_header_that_makes_no_sense_does_not_verify(header: str) -> None:
    assert not SOURCE.verifies("whsec_1", Delivery({"stripe-signature": header}, {}, b"{}"), NOW)


def test_a_paid_checkout_is_a_sale_of_its_payment() -> None:
    assert read("checkout.session.completed", SESSION) == [
        Sale(
            "pi_1GszsK2eZvKYlo2CfhZyoZLp",
            Content(2198, "USD"),
            click_id="token",
            customer_id="cus_9s6XKzkNRiz8i3",
            occurred_at=CREATED,
        )
    ]


def test_a_checkout_that_is_paid_later_is_a_sale_later() -> None:
    assert read("checkout.session.completed", SESSION | {"payment_status": "unpaid"}) == []
    assert len(read("checkout.session.async_payment_succeeded", SESSION)) == 1


def test_a_subscriptions_checkout_and_its_first_invoice_are_one_order() -> None:
    session = SESSION | {"mode": "subscription", "payment_intent": None, "invoice": "in_1"}
    invoice = {"id": "in_1", "amount_paid": 2198, "currency": "usd", "created": SESSION["created"]}
    (first,) = read("checkout.session.completed", session)
    (second,) = read("invoice.paid", invoice | {"customer": "cus_9s6XKzkNRiz8i3"})
    assert isinstance(first, Sale)
    assert isinstance(second, Sale)
    assert (first.order_id, first.content) == (second.order_id, second.content)


LINE: dict[str, Any] = {
    "id": "il_1",
    "amount": 1000,
    "quantity": 2,
    "discount_amounts": [{"amount": 100, "discount": "di_1"}],
    "pricing": {"price_details": {"price": "price_1", "product": "prod_OnMHDH6VBmYlTr"}},
    "taxes": [{"amount": 90, "tax_behavior": "exclusive"}, {"amount": 7, "tax_behavior": "inclusive"}],
    "metadata": {"ll_category": "plans"},
}
RENEWAL = {
    "id": "in_2",
    "amount_paid": 990,
    "currency": "usd",
    "created": SESSION["created"],
    "billing_reason": "subscription_cycle",
    "customer_email": "jenny@example.com",
    "lines": {"data": [LINE], "has_more": False},
}


@pytest.mark.parametrize(
    ("change", "items"),
    [
        ({}, (Item("prod_OnMHDH6VBmYlTr", 2, 990, "plans"),)),
        ({"billing_reason": "subscription_create"}, ()),
        ({"lines": {"data": [LINE], "has_more": True}}, ()),
        ({"lines": {"data": [LINE | {"amount": -1000}]}}, ()),
        ({"currency": "jpy"}, (Item("prod_OnMHDH6VBmYlTr", 2, 990, "plans"),)),
        ({"currency": "isk", "amount_paid": 99000}, ()),
    ],
)
def test_the_lines_of_a_renewal_are_what_was_paid_for_each(change: dict[str, Any], items: Any) -> None:
    (sale,) = read("invoice.paid", RENEWAL | change)
    assert isinstance(sale, Sale)
    assert sale.content.items == items
    assert sale.customer_email == "jenny@example.com"


def test_an_older_versions_line_names_product_and_taxes_otherwise() -> None:
    line = {name: value for name, value in LINE.items() if name not in {"pricing", "taxes"}}
    line |= {
        "price": {"id": "price_1", "product": "prod_1"},
        "tax_amounts": [{"amount": 90, "inclusive": False}],
    }
    (sale,) = read("invoice.paid", RENEWAL | {"lines": {"data": [line]}})
    assert isinstance(sale, Sale)
    assert sale.content.items == (Item("prod_1", 2, 990, "plans"),)


def test_a_checkout_has_the_lines_that_somebody_expanded() -> None:
    line = {"quantity": 1, "amount_total": 2198, "price": {"id": "price_1", "product": {"id": "prod_1"}}}
    expanded = SESSION | {"line_items": {"data": [line]}, "customer_details": {"email": "jenny@example.com"}}
    (sale,) = read("checkout.session.completed", expanded)
    assert isinstance(sale, Sale)
    assert (sale.content.items, sale.customer_email) == ((Item("prod_1", 1, 2198),), "jenny@example.com")
    (first,) = read("checkout.session.completed", expanded | {"invoice": "in_1"})
    assert isinstance(first, Sale)
    assert first.content.items == ()


def test_click_and_coupon_may_come_as_metadata() -> None:
    metadata = {"ll_click": "meta", "coupon": "ANNA10"}
    (sale,) = read(
        "checkout.session.completed", SESSION | {"client_reference_id": None, "metadata": metadata}
    )
    assert isinstance(sale, Sale)
    assert (sale.click_id, sale.coupon) == ("meta", "ANNA10")


def test_an_invoices_discount_names_its_coupon() -> None:
    invoice = {
        "id": "in_1",
        "amount_paid": 1,
        "currency": "usd",
        "created": 1,
        "discount": {"coupon": {"id": "VIP"}},
    }
    (sale,) = read("invoice.paid", invoice)
    assert isinstance(sale, Sale)
    assert sale.coupon == "VIP"


def test_a_refund_takes_back_what_it_added_to_those_before() -> None:
    assert read("charge.refunded", CHARGE, {"amount_refunded": 200}) == [
        Change(
            "pi_1GszsK2eZvKYlo2CfhZyoZLp",
            "stripe-refund-ch_3MmlLrLkdIwHu7ix0snN0B15-500",
            AdjustmentKind.REFUND,
            "refunded",
            300,
            total_minor=500,
        )
    ]


def test_an_event_that_adds_nothing_to_the_refunds_is_none() -> None:
    for before in (500, 600):
        assert read("charge.refunded", CHARGE, {"amount_refunded": before}) == []


DISPUTE = {
    "id": "du_1MtJUT2eZvKYlo2CNaw2HvEv",
    "amount": 1000,
    "currency": "usd",
    "payment_intent": "pi_1GszsK2eZvKYlo2CfhZyoZLp",
    "reason": "fraudulent",
    "status": "lost",
}


def test_a_dispute_that_is_lost_is_a_chargeback_of_its_payment() -> None:
    assert read("charge.dispute.closed", DISPUTE) == [
        Change(
            "pi_1GszsK2eZvKYlo2CfhZyoZLp",
            "stripe-dispute-du_1MtJUT2eZvKYlo2CNaw2HvEv",
            AdjustmentKind.CHARGEBACK,
            "fraudulent",
            1000,
        )
    ]


def test_a_dispute_that_is_open_or_won_takes_nothing_back() -> None:
    assert read("charge.dispute.created", DISPUTE | {"status": "needs_response"}) == []
    assert read("charge.dispute.closed", DISPUTE | {"status": "won"}) == []
    assert read("charge.dispute.closed", DISPUTE | {"amount": 0}) == []


@pytest.mark.parametrize(
    ("currency", "stripes", "ours"),
    [("jpy", 500, 500), ("isk", 500, 5), ("kwd", 1000, 1000), ("mga", 5, 500)],
)
def test_amounts_are_turned_into_the_digits_of_iso_4217(currency: str, stripes: int, ours: int) -> None:
    (sale,) = read("checkout.session.completed", SESSION | {"currency": currency, "amount_total": stripes})
    assert isinstance(sale, Sale)
    assert sale.content.amount_minor == ours


@pytest.mark.parametrize(
    "change",
    [
        {"amount_total": None},
        {"amount_total": "21.98"},
        {"amount_total": -1},
        {"currency": "btc"},
        {"created": None},
    ],
)
def test_a_checkout_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        read("checkout.session.completed", SESSION | change)


def test_other_events_are_no_facts() -> None:
    assert read("customer.created", {"id": "cus_1"}) == []


def test_a_payments_status_that_is_no_text_is_refused() -> None:
    with pytest.raises(Invalid):
        read("checkout.session.completed", SESSION | {"payment_status": []})
