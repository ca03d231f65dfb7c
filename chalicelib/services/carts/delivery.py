"""What adapters of other systems have in common: a delivery comes in, facts about orders go out."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.domain.adjusting import Back
from chalicelib.domain.conversion import AdjustmentKind, Content
from chalicelib.domain.errors import Invalid, Malformed
from chalicelib.domain.money import parse_major
from chalicelib.domain.program import Method

CLICK_NAME = "ll_click"
"""Under which the click's token travels through a cart, whatever the program calls it in its URLs."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{59}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook call as it came. Header names are in small letters; `click_names` are those that may
    hold a click's token in URLs, attributes and metadata; `currency` is the program's."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    click_names: tuple[str, ...] = (CLICK_NAME,)
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Sale:
    """An order that was placed; `event` None is the one that the merchant chose for this source."""

    order_id: str
    content: Content
    event: str | None = None
    click_id: str | None = None
    coupon: str | None = None
    customer_id: str | None = None
    occurred_at: datetime | None = None
    customer_email: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to an order since; `amount_minor` None takes all that is left of it.

    `happened_at` and `total_minor`, where the source tells them: when, and what was refunded of the order
    with it and before. Where it names lines, by product and pieces, `amount_minor` is what was paid back for
    them, and `rest_minor` what was paid back beside, such as the delivery.
    """

    order_id: str
    id: str
    kind: AdjustmentKind
    reason: str
    amount_minor: int | None = None
    happened_at: datetime | None = None
    total_minor: int | None = None
    items: tuple[Back, ...] = ()
    rest_minor: int = 0


Fact = Sale | Change


@dataclass(frozen=True, slots=True)
class Source:
    """One system's scheme: whether a delivery is signed with a secret, and what it says.

    `read` gives no facts for deliveries that are about something else, and raises `Malformed` or
    `Invalid` for those that cannot be read; it only ever sees deliveries that were verified.
    """

    method: Method
    verifies: Callable[[str, Delivery, datetime], bool]
    read: Callable[[Delivery], Sequence[Fact]]


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; numbers with a fraction stay the text that they are, exact.

    Raises:
        Malformed: `json_invalid`.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise Malformed("json_invalid", "the body is not valid JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise Malformed("json_invalid", "the body must be a JSON object")
    return value


def text_of(value: object, field: str = "body") -> str | None:
    """A value as text: text and integers are, null and empty text are None.

    Raises:
        Invalid: `text_invalid`, for NUL, lone surrogates and more than 500 characters;
            `field_invalid` for what is neither text nor an integer.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Invalid("field_invalid", "text or an integer is expected", field)
    text = str(value)
    if len(text) > 500 or "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise Invalid("text_invalid", "text is too long, or holds NUL or a lone surrogate", field)
    return text


def required(value: object, field: str) -> str:
    """A value as text.

    Raises:
        Invalid: `field_required`, `field_invalid`, `text_invalid`.
    """
    text = text_of(value, field)
    if text is None:
        raise Invalid("field_required", "this field is required", field)
    return text


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing where it is no list."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def mapping(value: object) -> dict[str, Any]:
    """An object; an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def click_in_url(url: object, names: Sequence[str]) -> str | None:
    """The click's token in the query of a URL, or None."""
    if not isinstance(url, str) or len(url) > 4096:
        return None
    try:
        pairs = parse_qsl(urlsplit(url).query, max_num_fields=100)
    except ValueError:
        return None
    return next((value for name, value in pairs if name in names), None)


def instant(seconds: object, field: str) -> datetime:
    """The instant that many seconds after 1970.

    Raises:
        Invalid: `time_invalid`.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < 253_370_764_800:
        raise Invalid("time_invalid", "time must be in seconds since 1970", field)
    return datetime.fromtimestamp(seconds, UTC)


def has_base64_hmac(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether the signature is the body's HMAC-SHA256 in base64; compared in constant time."""
    expected = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
    return hmac.compare_digest(expected, (signature or "").encode("utf-8", "replace"))


def has_token(secret: str, delivery: Delivery) -> bool:
    """Whether the delivery carries the secret itself, for systems that sign nothing: as a bearer token or
    plain in `Authorization` or `Authentication`, or as `token` in the URL; compared in constant time."""
    headers = delivery.headers
    given = [
        headers.get("authorization", "").removeprefix("Bearer "),
        headers.get("authentication", ""),
        delivery.query.get("token", ""),
    ]
    matches = [hmac.compare_digest(secret.encode(), text.encode("utf-8", "replace")) for text in given]
    return any(matches)


def click_in_texts(texts: Sequence[object]) -> str | None:
    """The first text that is written as a click's token, or None."""
    return next((text for text in texts if isinstance(text, str) and _TOKEN.fullmatch(text)), None)


def minor_of(amount: object, currency: str | None, fallback: str) -> Content:
    """The content for an amount in major units, text or integer; without one it is 0.

    Raises:
        Invalid: `amount_invalid`, `currency_unknown`, `field_invalid`.
    """
    code = currency or fallback
    text = text_of(amount, "revenue")
    return Content(parse_major(text, code, "revenue") if text else 0, code)
