"""WooCommerce's order webhooks.

Signature: base64 HMAC-SHA256 of the body in `X-WC-Webhook-Signature`; topics and payloads:
woocommerce.github.io/woocommerce-rest-api-docs/#webhooks and #orders. One topic tells every step of an
order, `order.updated`, so the order's status says what is new. The click's token is looked for in the
order's metadata: our own key first, then the landing page that WooCommerce's order attribution keeps.
"""

from datetime import datetime
from typing import Any

from chalicelib.domain.conversion import AdjustmentKind, Content, Item
from chalicelib.domain.money import parse_major
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
from chalicelib.services.carts.lines import CATEGORY_NAMES, email_of, items_of, line

_PLACED = {"processing", "completed", "refunded"}
_LANDING = "_wc_order_attribution_session_entry"


def _verifies(secret: str, delivery: Delivery, _now: datetime) -> bool:
    return has_base64_hmac(secret, delivery.body, delivery.headers.get("x-wc-webhook-signature"))


def _read(delivery: Delivery) -> list[Fact]:
    topic = delivery.headers.get("x-wc-webhook-topic", "")
    order = read_object(delivery.body)
    if topic == "order.deleted":
        order_id = required(order.get("id"), "id")
        return [Change(order_id, "woocommerce-deleted", AdjustmentKind.VOID, "order deleted")]
    if topic not in {"order.created", "order.updated", "order.restored"}:
        return []
    status = text_of(order.get("status"), "status")
    if status in {"cancelled", "failed", "trash"}:
        order_id = required(order.get("id"), "id")
        return [Change(order_id, f"woocommerce-{status}", AdjustmentKind.VOID, f"order {status}")]
    if status not in _PLACED:
        return []
    return [_sale(order, delivery.click_names), *_refunds(order)]


def _sale(order: dict[str, Any], click_names: tuple[str, ...]) -> Sale:
    currency = required(order.get("currency"), "currency")
    total = parse_major(required(order.get("total"), "total"), currency, "total")
    placed_at = text_of(order.get("date_created_gmt"), "date_created_gmt")
    codes = [text_of(line.get("code"), "coupon_lines") for line in objects(order.get("coupon_lines"))]
    customer = order.get("customer_id")
    items = items_of(lambda: (_line(each, currency) for each in objects(order.get("line_items"))))
    return Sale(
        required(order.get("id"), "id"),
        Content(total, currency, items),
        click_id=_click(order, click_names),
        coupon=next((code for code in codes if code), None),
        customer_id=text_of(customer, "customer_id") if customer != 0 else None,
        occurred_at=parse_instant(placed_at + "Z", "date_created_gmt") if placed_at else None,
        customer_email=email_of(mapping(order.get("billing")).get("email")),
    )


def _line(told: dict[str, Any], currency: str) -> Item:
    """A line of an order: `total` is without discounts and taxes, however the shop shows its prices."""
    texts = [(text_of(told.get(field), field) or "0", field) for field in ("total", "total_tax")]
    paid = sum(parse_major(text, currency, field) for text, field in texts)
    names = told.get("sku"), told.get("variation_id"), told.get("product_id"), told.get("name")
    metadata = {str(row.get("key")): row.get("value") for row in objects(told.get("meta_data"))}
    category = next((metadata[name] for name in CATEGORY_NAMES if name in metadata), None)
    return line(names, told.get("quantity"), paid, category)


def _click(order: dict[str, Any], names: tuple[str, ...]) -> str | None:
    metadata = {str(row.get("key")): row.get("value") for row in objects(order.get("meta_data"))}
    for name in names:
        if isinstance(metadata.get(name), str):
            return text_of(metadata[name], "meta_data")
    return click_in_url(metadata.get(_LANDING), names)


def _refunds(order: dict[str, Any]) -> list[Fact]:
    order_id, currency = required(order.get("id"), "id"), str(order.get("currency"))
    found: list[tuple[str, str, int]] = []
    for refund in objects(order.get("refunds")):
        total = required(refund.get("total"), "refunds.total").removeprefix("-")
        refund_id = required(refund.get("id"), "refunds.id")
        reason = text_of(refund.get("reason"), "refunds.reason") or "refunded"
        amount = parse_major(total, currency, "refunds.total")
        if amount:
            found.append((refund_id, reason, amount))
    refunded = sum(amount for _, _, amount in found)
    kind = AdjustmentKind.REFUND
    return [
        Change(order_id, f"woocommerce-refund-{refund_id}", kind, reason, amount, total_minor=refunded)
        for refund_id, reason, amount in found
    ]


SOURCE = Source(Method.WOOCOMMERCE, _verifies, _read)
