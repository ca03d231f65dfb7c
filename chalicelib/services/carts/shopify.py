"""Shopify's order, refund and dispute webhooks.

Signature: base64 HMAC-SHA256 of the body in `X-Shopify-Hmac-SHA256`
(shopify.dev/docs/apps/build/webhooks/subscribe/https). Topics and payloads:
shopify.dev/docs/api/webhooks. An order's amount is `total_price` in the shop's currency, a refund's the
sum of its successful transactions, so that refunding everything that was paid leaves nothing. A line is its
price without its part of all discounts, and with its taxes where the prices are without them. Test orders
count as others do: they are signed like these, and cancelling them takes them back. A dispute of
Shopify Payments takes money back once it is lost or accepted; until then, and for a mere inquiry, nothing
happens (shopify.dev/docs/api/admin-graphql/latest/enums/DisputeStatus).
"""

import re
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any

from chalicelib.domain.adjusting import Back
from chalicelib.domain.conversion import AdjustmentKind, Content, Item
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import parse_major, round_half_away
from chalicelib.domain.period import parse_instant
from chalicelib.domain.program import Method
from chalicelib.services.carts.delivery import (
    Change,
    Delivery,
    Fact,
    Sale,
    Source,
    click_in_url,
    has_base64_hmac,
    mapping,
    objects,
    read_object,
    required,
    text_of,
)
from chalicelib.services.carts.lines import CATEGORY_NAMES, email_of, items_of, pieces
from chalicelib.services.carts.lines import line as named_line

_RATE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,12})?", re.ASCII)


def _verifies(secret: str, delivery: Delivery, _now: datetime) -> bool:
    return has_base64_hmac(secret, delivery.body, delivery.headers.get("x-shopify-hmac-sha256"))


def _read(delivery: Delivery) -> list[Fact]:
    payload = read_object(delivery.body)
    match delivery.headers.get("x-shopify-topic", ""):
        case "orders/create" | "orders/paid":
            return [_sale(payload, delivery.click_names)]
        case "orders/cancelled":
            order_id = required(payload.get("id"), "id")
            reason = text_of(payload.get("cancel_reason")) or "cancelled"
            return [Change(order_id, "shopify-cancelled", AdjustmentKind.VOID, reason)]
        case "refunds/create":
            return _refund(payload, delivery.currency)
        case "disputes/create" | "disputes/update":
            return _dispute(payload, delivery.currency)
    return []


def _sale(order: dict[str, Any], click_names: tuple[str, ...]) -> Sale:
    currency = required(order.get("currency"), "currency")
    total = parse_major(required(order.get("total_price"), "total_price"), currency, "total_price")
    placed_at = text_of(order.get("processed_at") or order.get("created_at"), "created_at")
    codes = [
        text_of(discount.get("code"), "discount_codes") for discount in objects(order.get("discount_codes"))
    ]
    is_with_tax = order.get("taxes_included") is True
    lines = objects(order.get("line_items"))
    items = items_of(lambda: (_line(line, currency, is_with_tax=is_with_tax) for line in lines))
    customer = mapping(order.get("customer"))
    return Sale(
        required(order.get("id"), "id"),
        Content(total, currency, items),
        click_id=_click(order, click_names),
        coupon=next((code for code in codes if code), None),
        customer_id=text_of(customer.get("id"), "customer.id"),
        occurred_at=parse_instant(placed_at, "created_at") if placed_at else None,
        customer_email=email_of(order.get("email"), order.get("contact_email"), customer.get("email")),
    )


def _line(line: dict[str, Any], currency: str, *, is_with_tax: bool) -> Item:
    """A line of an order, with all of its pieces."""
    off = sum(_amount(part, "amount", currency) for part in objects(line.get("discount_allocations")))
    tax = sum(_amount(part, "price", currency) for part in objects(line.get("tax_lines")))
    worth = pieces(line.get("quantity")) * _amount(line, "price", currency) - off
    names = line.get("sku"), line.get("variant_id"), line.get("product_id"), line.get("title"), line.get("id")
    told = {str(row.get("name")): row.get("value") for row in objects(line.get("properties"))}
    category = next((told[name] for name in CATEGORY_NAMES if name in told), None)
    return named_line(names, line.get("quantity"), worth + (0 if is_with_tax else tax), category)


def _is_with_tax(line: dict[str, Any], currency: str) -> bool:
    """Whether the line's price has its taxes in it; a refund doesn't tell, so it is what fits their rates."""
    taxes = objects(line.get("tax_lines"))
    rates = [text_of(tax.get("rate"), "rate") or "0" for tax in taxes]
    if not all(_RATE.fullmatch(rate) for rate in rates):
        raise Invalid("items_invalid", "a tax rate is a decimal number", "tax_lines")
    rate = sum((Fraction(each) for each in rates), Fraction(0))
    net = _line(line | {"tax_lines": []}, currency, is_with_tax=True).amount_minor
    tax = sum(_amount(each, "price", currency) for each in taxes)
    return abs(tax - net * rate / (1 + rate)) < abs(tax - net * rate)


def _click(order: dict[str, Any], names: tuple[str, ...]) -> str | None:
    for attribute in objects(order.get("note_attributes")):
        if attribute.get("name") in names and attribute.get("value"):
            return text_of(attribute["value"], "note_attributes")
    return click_in_url(order.get("landing_site"), names)


def _refund(refund: dict[str, Any], currency: str) -> list[Fact]:
    """What was paid back, or what came back without a payment, by its price."""
    paid = [
        transaction
        for transaction in objects(refund.get("transactions"))
        if transaction.get("kind") == "refund"
    ]
    if paid:
        amounts = [
            _amount(transaction, "amount", text_of(transaction.get("currency")) or currency)
            for transaction in paid
            if transaction.get("status") == "success"
        ]
    else:
        lines = objects(refund.get("refund_line_items"))
        amounts = [_amount(line, field, currency) for line in lines for field in ("subtotal", "total_tax")]
    if not sum(amounts):
        return []
    order_id, refund_id = required(refund.get("order_id"), "order_id"), required(refund.get("id"), "id")
    reason = text_of(refund.get("note"), "note") or "refunded"
    created_at = text_of(refund.get("created_at"), "created_at")
    items, worth = _returned(objects(refund.get("refund_line_items")), currency, sum(amounts))
    return [
        Change(
            order_id,
            f"shopify-refund-{refund_id}",
            AdjustmentKind.REFUND,
            reason,
            worth,
            parse_instant(created_at, "created_at") if created_at else None,
            items=items,
            rest_minor=sum(amounts) - worth,
        )
    ]


def _returned(lines: list[dict[str, Any]], currency: str, paid_minor: int) -> tuple[tuple[Back, ...], int]:
    """The lines that came back, and how much of what was paid back is for them.

    Where less was paid back than they are worth, or they can't be read, it is for no line.
    """

    def read() -> Iterator[Item]:
        for returned in lines:
            bought = mapping(returned.get("line_item"))
            whole = _line(bought, currency, is_with_tax=_is_with_tax(bought, currency))
            count = pieces(returned.get("quantity"))
            worth = round_half_away(Fraction(whole.amount_minor * count, whole.quantity))
            yield Item(whole.sku, count, worth)

    items = items_of(read)
    worth, rounding = sum(item.amount_minor for item in items), sum(item.quantity for item in items)
    if not worth or worth > paid_minor + rounding:
        return (), paid_minor
    backs = tuple(Back(sku=item.sku, quantity=item.quantity) for item in items)
    return backs, worth if paid_minor > worth + rounding else paid_minor


def _dispute(dispute: dict[str, Any], shop_currency: str) -> list[Fact]:
    """A dispute that was lost. In a currency other than the shop's it takes all that is left."""
    status = text_of(dispute.get("status"), "status")
    is_lost = status in {"lost", "accepted"} and dispute.get("type") == "chargeback"
    order_id = text_of(dispute.get("order_id"), "order_id")
    if not is_lost or order_id is None:
        return []
    currency = text_of(dispute.get("currency"), "currency")
    told = text_of(dispute.get("amount"), "amount")
    amount = parse_major(told, currency, "amount") if told and currency == shop_currency else None
    if amount == 0:
        return []
    change_id = f"shopify-dispute-{required(dispute.get('id'), 'id')}"
    reason = text_of(dispute.get("reason"), "reason") or "disputed"
    return [Change(order_id, change_id, AdjustmentKind.CHARGEBACK, reason, amount)]


def _amount(row: dict[str, Any], field: str, currency: str) -> int:
    """An amount in the shop's currency, which Shopify gives beside the one that the customer saw."""
    money = mapping(mapping(row.get(f"{field}_set")).get("shop_money"))
    text = text_of(money.get("amount"), field) or text_of(row.get(field), field) or "0"
    return parse_major(text, text_of(money.get("currency_code")) or currency, field)


SOURCE = Source(Method.SHOPIFY, _verifies, _read)
