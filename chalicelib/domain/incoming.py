"""A report of a conversion as somebody tells it, and what it may say."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.conversion import Content, Item
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import check_amount
from chalicelib.domain.program import Method

MAX_SKEW = timedelta(minutes=10)
"""How far a caller's clock may be ahead of ours."""

MAX_ITEMS = 200
"""Lines of an order. With their longest texts they take half of what DynamoDB lets a record hold."""

MAX_ITEM_TEXT = 128

MAX_QUANTITY = 1_000_000

_EVENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.:-]{0,62}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A report as its route parsed it.

    `customer_id` is the merchant's own id, `visitor` a journey; of `customer_email` only an HMAC is kept.
    `test_visitor` is one that the cookie of a check-up names; `address` is the customer's, and not kept.
    """

    event: str
    order_id: str
    content: Content
    method: Method
    click_id: str | None = None
    coupon: str | None = None
    customer_id: str | None = None
    visitor: str | None = None
    occurred_at: datetime | None = None
    test_visitor: str | None = None
    customer_email: str | None = None
    address: str | None = None


def check_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """The lines as they are kept: a retry that says nothing of a category, or says so, is the same.

    Raises:
        Invalid: `items_invalid`, `amount_invalid`.
    """
    if len(items) > MAX_ITEMS:
        raise Invalid("items_invalid", f"an order may have {MAX_ITEMS} items", "items")
    return tuple(_check_item(item, f"items[{position}]") for position, item in enumerate(items))


def _check_item(item: Item, field: str) -> Item:
    for name, value in (("sku", item.sku), ("category", item.category)):
        told = check_text(value, f"{field}.{name}", MAX_ITEM_TEXT, "items_invalid")
        if told is None and name == "sku":
            raise Invalid("items_invalid", "sku must not be empty", f"{field}.sku")
    if not 1 <= item.quantity <= MAX_QUANTITY:
        raise Invalid("items_invalid", f"quantity must be from 1 to {MAX_QUANTITY}", f"{field}.quantity")
    check_amount(item.amount_minor, f"{field}.amount")
    return item if item.category else replace(item, category=None)


def check_event(event: str) -> str:
    """The event itself, where it may be one.

    Raises:
        Invalid: `event_invalid`.
    """
    if not _EVENT.fullmatch(event):
        raise Invalid("event_invalid", "event must be 1 to 64 letters, digits, spaces or _.:-", "event")
    return event


def check_order_id(order_id: str) -> str:
    """The order id itself, where it is 1 to 128 printable characters without spaces at its ends.

    Raises:
        Invalid: `order_id_invalid`.
    """
    if not 1 <= len(order_id) <= 128 or order_id != order_id.strip() or not _printable(order_id):
        raise Invalid("order_id_invalid", "order_id must be 1 to 128 printable characters", "order_id")
    return order_id


def check_customer_id(customer_id: str) -> str:
    """The merchant's customer id itself, where it is 1 to 256 printable characters.

    Raises:
        Invalid: `customer_id_invalid`.
    """
    checked = check_text(customer_id, "customer_id", 256)
    if checked is None:
        raise Invalid("customer_id_invalid", "customer_id must not be empty", "customer_id")
    return checked


def check_text(value: str | None, field: str, longest: int, code: str = "") -> str | None:
    """The text, where it is printable and not too long; None where there is none.

    Raises:
        Invalid: `code`, or `{field}_invalid`.
    """
    if value is None or not value.strip():
        return None
    if len(value) > longest or not _printable(value):
        message = f"{field} must be at most {longest} printable characters"
        raise Invalid(code or f"{field}_invalid", message, field)
    return value


def _printable(text: str) -> bool:
    """Whether readers keep it as it is; U+FFFD stands for bytes that were no UTF-8, and so for many texts."""
    return "\ufffd" not in text and not any(
        unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in text
    )


def check_time(at: datetime, now: datetime) -> datetime:
    """When it happened, where that is not in the future.

    Raises:
        Invalid: `time_in_future`.
    """
    if at > now + MAX_SKEW:
        raise Invalid("time_in_future", "occurred_at lies in the future", "occurred_at")
    return at
