"""Stripe's events: checkouts, paid invoices, refunds, lost disputes.

Signature: docs.stripe.com/webhooks#verify-manually (`Stripe-Signature: t=...,v1=...`, HMAC-SHA256 of
`{t}.{body}` in hex, 300 s of tolerance). An order is its payment intent, or its invoice where there is
one: what `charge.refunded` names. `client_reference_id` carries the click's token, which fits its rules
(letters, digits, - and _). Amounts: docs.stripe.com/currencies. A dispute takes money back when it is closed
as lost (docs.stripe.com/disputes/how-disputes-work): what Stripe withholds until then comes back where it
is won. It names the payment intent, and so finds no order that is known by its invoice.

A checkout's event has its lines only where somebody expanded them, and none of an order that is known by its
invoice: both tell one order, and must tell the same. So the lines of an invoice are those of a subscription's
renewals and changes, which no checkout tells of (docs.stripe.com/api/invoice-line-item/object).
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.domain.conversion import AdjustmentKind, Content, Item
from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import check_amount, check_currency
from chalicelib.domain.period import epoch_ms
from chalicelib.domain.program import Method
from chalicelib.services.carts.delivery import (
    Change,
    Delivery,
    Fact,
    Sale,
    Source,
    instant,
    mapping,
    objects,
    read_object,
    required,
    text_of,
)
from chalicelib.services.carts.lines import CATEGORY_NAMES, email_of, items_of, line

TOLERANCE_S = 300

_RENEWALS = {"subscription_cycle", "subscription_update", "subscription_threshold"}

_WHOLE = {
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "JPY",
    "KMF",
    "KRW",
    "MGA",
    "PYG",
    "RWF",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
}
_THOUSANDTHS = {"BHD", "JOD", "KWD", "OMR", "TND"}


def _verifies(secret: str, delivery: Delivery, now: datetime) -> bool:
    pairs = [
        part.split("=", 1) for part in delivery.headers.get("stripe-signature", "").split(",") if "=" in part
    ]
    times = [value for name, value in pairs if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > 12:
        return False
    if abs(epoch_ms(now) - int(times[0]) * 1000) > TOLERANCE_S * 1000:
        return False
    expected = hmac.new(secret.encode(), times[0].encode() + b"." + delivery.body, hashlib.sha256).hexdigest()
    signatures = [value for name, value in pairs if name == "v1"][:5]
    return any(hmac.compare_digest(expected.encode(), given.encode()) for given in signatures)


def _read(delivery: Delivery) -> list[Fact]:
    event = read_object(delivery.body)
    data = mapping(event.get("data"))
    subject = mapping(data.get("object"))
    match event.get("type"):
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            status = text_of(subject.get("payment_status"), "payment_status")
            is_paid = status in {"paid", "no_payment_required"}
            return [_checkout(subject, delivery.click_names)] if is_paid else []
        case "invoice.paid":
            return [_invoice(subject, delivery.click_names)]
        case "charge.refunded":
            return _refund(subject, mapping(data.get("previous_attributes")), event.get("created"))
        case "charge.dispute.closed":
            return _dispute(subject)
    return []


def _checkout(session: dict[str, Any], click_names: tuple[str, ...]) -> Sale:
    metadata = mapping(session.get("metadata"))
    order = session.get("invoice") or session.get("payment_intent") or session.get("id")
    click_id = text_of(session.get("client_reference_id"), "client_reference_id")
    lines = [] if session.get("invoice") else _all_lines(session.get("line_items"))
    email = email_of(mapping(session.get("customer_details")).get("email"), session.get("customer_email"))
    return Sale(
        required(_id(order), "payment_intent"),
        _content(session, "amount_total", lines, _bought),
        click_id=click_id or _click(metadata, click_names),
        coupon=_coupon(session),
        customer_id=text_of(_id(session.get("customer")), "customer"),
        occurred_at=instant(session.get("created"), "created"),
        customer_email=email,
    )


def _invoice(invoice: dict[str, Any], click_names: tuple[str, ...]) -> Sale:
    lines = _all_lines(invoice.get("lines")) if invoice.get("billing_reason") in _RENEWALS else []
    return Sale(
        required(invoice.get("id"), "id"),
        _content(invoice, "amount_paid", lines, _invoiced),
        click_id=_click(mapping(invoice.get("metadata")), click_names),
        coupon=_coupon(invoice),
        customer_id=text_of(_id(invoice.get("customer")), "customer"),
        occurred_at=instant(invoice.get("created"), "created"),
        customer_email=email_of(invoice.get("customer_email")),
    )


def _refund(charge: dict[str, Any], before: dict[str, Any], created: object) -> list[Fact]:
    """What this event added to the charge's refunds: `amount_refunded` is the sum of all so far, and so
    names the step for ever, in whatever order and how often the events come."""
    refunded = _amount(charge, "amount_refunded")
    added = refunded - _amount(
        {"amount_refunded": 0} | before | {"currency": charge.get("currency")}, "amount_refunded"
    )
    if added <= 0:
        return []
    order_id = required(_id(charge.get("invoice") or charge.get("payment_intent") or charge.get("id")), "id")
    change_id = f"stripe-refund-{required(charge.get('id'), 'id')}-{refunded}"
    at = None if created is None else instant(created, "created")
    return [Change(order_id, change_id, AdjustmentKind.REFUND, "refunded", added, at, refunded)]


def _dispute(dispute: dict[str, Any]) -> list[Fact]:
    """A dispute that was lost takes back what was disputed, which need not be all of the charge, and may be
    nothing (docs.stripe.com/api/disputes/object#dispute_object-amount)."""
    amount = _amount(dispute, "amount") if dispute.get("status") == "lost" else 0
    if amount == 0:
        return []
    order_id = required(_id(dispute.get("payment_intent") or dispute.get("charge")), "payment_intent")
    change_id = f"stripe-dispute-{required(dispute.get('id'), 'id')}"
    reason = text_of(dispute.get("reason"), "reason") or "disputed"
    return [Change(order_id, change_id, AdjustmentKind.CHARGEBACK, reason, amount)]


def _content(
    subject: dict[str, Any],
    field: str,
    lines: list[dict[str, Any]],
    read: Callable[[dict[str, Any]], int],
) -> Content:
    """The order; `read` tells what was paid for a line, in Stripe's smallest unit."""
    amount, currency = _amount(subject, field), _currency(subject)
    told = {"currency": currency}
    items = items_of(
        lambda: (_line(each, _amount(told | {"amount": read(each)}, "amount")) for each in lines)
    )
    return Content(amount, currency, items)


def _all_lines(told: object) -> list[dict[str, Any]]:
    """The lines where all of them are told: an event has no more than the first page."""
    page = mapping(told)
    return [] if page.get("has_more") else objects(page.get("data"))


def _line(told: dict[str, Any], amount_minor: int) -> Item:
    price = mapping(told.get("price"))
    details = mapping(mapping(told.get("pricing")).get("price_details"))
    names = _id(price.get("product")), details.get("product"), price.get("id"), told.get("description")
    metadata = mapping(told.get("metadata"))
    category = next((metadata[name] for name in CATEGORY_NAMES if name in metadata), None)
    return line(names, told.get("quantity"), amount_minor, category)


def _bought(told: dict[str, Any]) -> int:
    """What was paid for a line of a checkout: discounts and taxes are in `amount_total`."""
    return _whole(told, "amount_total")


def _invoiced(told: dict[str, Any]) -> int:
    """What was paid for a line of an invoice: `amount` is before discounts, and without exclusive taxes."""
    off = sum(_whole(each, "amount") for each in objects(told.get("discount_amounts")))
    taxes = [each for each in objects(told.get("taxes")) if each.get("tax_behavior") == "exclusive"]
    if "taxes" not in told:
        taxes = [each for each in objects(told.get("tax_amounts")) if each.get("inclusive") is False]
    return _whole(told, "amount") - off + sum(_whole(each, "amount") for each in taxes)


def _whole(told: dict[str, Any], field: str) -> int:
    value = told.get(field)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("items_invalid", "an amount is an integer", field)
    return value


def _currency(subject: dict[str, Any]) -> str:
    return check_currency(required(subject.get("currency"), "currency").upper())


def _amount(subject: dict[str, Any], field: str) -> int:
    """Stripe's smallest unit as ISO 4217's: they differ for the krona of Iceland, the shilling of Uganda
    and the ariary of Madagascar."""
    currency = _currency(subject)
    amount = check_amount(subject.get(field, -1), field)
    stripes = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    shift = DIGITS[currency] - stripes
    if shift >= 0:
        return check_amount(amount * 10**shift, field)
    if amount % 10**-shift:
        raise Invalid("amount_invalid", f"{currency} has {DIGITS[currency]} decimal digits", field)
    return int(amount // 10**-shift)


def _click(metadata: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((text_of(metadata[name], "metadata") for name in names if metadata.get(name)), None)


def _coupon(subject: dict[str, Any]) -> str | None:
    """The code that the merchant put into the metadata, else the id of the coupon where an event has it."""
    told = text_of(mapping(subject.get("metadata")).get("coupon"), "metadata.coupon")
    discounts = [*objects(subject.get("discounts")), mapping(subject.get("discount"))]
    ids = [text_of(_id(discount.get("coupon")), "discounts") for discount in discounts]
    return told or next((id for id in ids if id), None)


def _id(value: object) -> object:
    """The id of an object that Stripe gives by id or, expanded, whole."""
    return value.get("id") if isinstance(value, dict) else value


SOURCE = Source(Method.STRIPE, _verifies, _read)
