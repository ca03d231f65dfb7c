"""Adjust's server callbacks: installs and in-app events.

The owner of the app writes the callback's URL, with a secret of ours as `token` and Adjust's placeholders
(help.adjust.com/en/article/raw-data-placeholders) under these names: `activity_kind`, `event_name`, `adid`,
`label` (the click's token), `revenue_float`, `currency`, `created_at` (seconds since 1970), `order_id`,
`coupon`, `user_id`. They come in the query, or in a form.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

from chalicelib.domain.errors import Invalid, Malformed
from chalicelib.domain.program import Method
from chalicelib.services.carts.delivery import (
    Delivery,
    Fact,
    Sale,
    Source,
    has_token,
    instant,
    minor_of,
    required,
    text_of,
)

_MAX_PARAMETERS = 100


def _verifies(secret: str, delivery: Delivery, _now: datetime) -> bool:
    return has_token(secret, delivery)


def _read(delivery: Delivery) -> list[Fact]:
    given = {**_form(delivery.body), **delivery.query}
    kind = required(given.get("activity_kind"), "activity_kind")
    if kind not in {"install", "event"}:
        return []
    event = required(given.get("event_name"), "event_name") if kind == "event" else kind
    stamp = required(given.get("created_at"), "created_at")
    order = given.get("order_id") or f"{required(given.get('adid'), 'adid')}-{stamp}"
    return [
        Sale(
            required(order, "order_id"),
            minor_of(given.get("revenue_float"), text_of(given.get("currency")), delivery.currency),
            event=event,
            click_id=text_of(given.get("label"), "label"),
            coupon=text_of(given.get("coupon"), "coupon"),
            customer_id=text_of(given.get("user_id"), "user_id"),
            occurred_at=instant(_seconds(stamp), "created_at"),
        )
    ]


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode("utf-8"), errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise Malformed("form_invalid", "the body is not form-encoded UTF-8") from None
    return dict(pairs)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Invalid("time_invalid", "time must be in seconds since 1970", "created_at")
    return int(text)


SOURCE = Source(Method.ADJUST, _verifies, _read)
