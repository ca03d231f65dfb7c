"""AppsFlyer's Push API: installs and in-app events.

Its messages carry a token that the app's owner sets (hq1.appsflyer.com/api/pushapi, "Push API
Authentication Token"); fields: support.appsflyer.com/hc/en-us/articles/207034486. The click's token
travels through a OneLink as `ll_click`, `clickid` or one of `af_sub1` to `af_sub5`. The event is the one
that AppsFlyer names, such as `install` or `af_purchase`.
"""

import json
from datetime import datetime
from typing import Any

from chalicelib.domain.period import parse_instant
from chalicelib.domain.program import Method
from chalicelib.services.carts.delivery import (
    Delivery,
    Fact,
    Sale,
    Source,
    click_in_texts,
    click_in_url,
    has_token,
    minor_of,
    read_object,
    required,
    text_of,
)

_CLICK_FIELDS = ("ll_click", "clickid", "af_sub1", "af_sub2", "af_sub3", "af_sub4", "af_sub5")


def _verifies(secret: str, delivery: Delivery, _now: datetime) -> bool:
    return has_token(secret, delivery)


def _read(delivery: Delivery) -> list[Fact]:
    message = read_object(delivery.body)
    event = required(message.get("event_name"), "event_name")
    told_at = required(message.get("event_time"), "event_time")
    value = _value(message)
    order = value.get("af_order_id") or value.get("af_receipt_id")
    if not order:
        order = f"{required(message.get('appsflyer_id'), 'appsflyer_id')}-{told_at}"
    click = click_in_texts([message.get(name) for name in _CLICK_FIELDS])
    currency = text_of(message.get("event_revenue_currency"), "event_revenue_currency")
    return [
        Sale(
            required(order, "af_order_id"),
            minor_of(message.get("event_revenue"), currency, delivery.currency),
            event=event,
            click_id=click or click_in_url(message.get("original_url"), (*delivery.click_names, "clickid")),
            coupon=text_of(value.get("af_coupon_code"), "af_coupon_code"),
            customer_id=text_of(message.get("customer_user_id"), "customer_user_id"),
            occurred_at=parse_instant(told_at.replace(" ", "T") + "Z", "event_time"),
        )
    ]


def _value(message: dict[str, Any]) -> dict[str, Any]:
    """What the app told of the event: JSON inside the JSON."""
    told = message.get("event_value")
    if not isinstance(told, str):
        return {}
    try:
        value = json.loads(told, parse_float=str)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


SOURCE = Source(Method.APPSFLYER, _verifies, _read)
