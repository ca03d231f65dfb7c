"""A client of Linkledger's API: typed, in one file, of the standard library alone (Python 3.11 or newer).

    ledger = Linkledger("https://go.brand.com", key)
    ledger.convert(program="acme", event="sale", order_id="A-1001", amount=4990, currency="EUR")

Every call is safe to repeat, and is repeated by itself where the network, a 429 or a 503 says so.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, Unpack

__all__ = ["AdjustmentKind", "ApiError", "Item", "Linkledger", "NewLink", "Order", "ReturnedItem"]

Json = dict[str, Any]
AdjustmentKind = Literal["refund", "chargeback", "void", "approve", "reject"]
Transport = Callable[[urllib.request.Request], tuple[int, Mapping[str, str], bytes]]

_AGAIN = frozenset({429, 502, 503, 504})


class ApiError(Exception):
    """A refusal: its HTTP status, its stable `code`, and the `field` to blame where there is one."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.field = status, code, message, field


class Item(TypedDict):
    """A line of an order; `amount` is the whole line's, in minor units."""

    sku: str
    amount: int
    quantity: NotRequired[int]
    category: NotRequired[str]


class ReturnedItem(TypedDict, total=False):
    """A line that came back, by position from 0, `sku`, or both; without a figure all that is left."""

    line: int
    sku: str
    quantity: int
    amount: int


class Order(TypedDict):
    """A conversion; `amount` is in minor units: 4990 is 49.90 EUR."""

    program: str
    event: str
    order_id: str
    amount: int
    currency: str
    click_id: NotRequired[str]
    coupon: NotRequired[str]
    customer_id: NotRequired[str]
    customer_email: NotRequired[str]
    customer_ip: NotRequired[str]
    occurred_at: NotRequired[str]
    items: NotRequired[Sequence[Item]]


class NewLink(TypedDict):
    """A link; without a code one is made."""

    program: str
    partner: str
    destination: NotRequired[str]
    code: NotRequired[str]
    campaign: NotRequired[str]
    utm: NotRequired[Mapping[str, str]]
    sub: NotRequired[Mapping[str, str]]
    tags: NotRequired[Sequence[str]]
    expires_at: NotRequired[str]
    carry_query: NotRequired[bool]


class Linkledger:
    """Calls of one installation, with one key."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = 10,
        attempts: int = 4,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._transport = transport or self._send
        self._sleep = sleep

    def convert(self, **order: Unpack[Order]) -> Json:
        """Report an order; the same order again changes nothing."""
        return self._call("POST", "/v1/conversions", order)

    def convert_many(self, orders: Sequence[Order]) -> Json:
        """Report up to 500 orders; each has a result of its own."""
        return self._call("POST", "/v1/conversions/batch", {"conversions": orders})

    def conversions(self, program: str, *, state: str = "", partner: str = "") -> Iterator[Json]:
        """The program's conversions, page by page."""
        return self._pages("/v1/conversions", {"program": program, "state": state, "partner": partner})

    def conversion(self, conversion: str) -> Json:
        """One conversion."""
        return self._call("GET", _path("/v1/conversions/{}", conversion))

    def receipt(self, conversion: str) -> Json:
        """Who was credited with it, and why."""
        return self._call("GET", _path("/v1/conversions/{}/receipt", conversion))

    def refund(
        self,
        conversion: str,
        refund_id: str,
        amount: int | None = None,
        reason: str = "",
        *,
        items: Sequence[ReturnedItem] | None = None,
    ) -> Json:
        """Take back an amount, lines of the order, or all that is left; once for each `refund_id`."""
        return self.adjust(conversion, refund_id, "refund", amount, reason, items=items)

    def adjust(
        self,
        conversion: str,
        adjustment_id: str,
        kind: AdjustmentKind,
        amount: int | None = None,
        reason: str = "",
        *,
        items: Sequence[ReturnedItem] | None = None,
    ) -> Json:
        """Change what became of a conversion; once for each id."""
        told = {"id": adjustment_id, "kind": kind, "reason": reason, "amount": amount, "items": items}
        return self._call("POST", _path("/v1/conversions/{}/adjustments", conversion), told)

    def identify(self, program: str, customer_id: str, click_id: str) -> None:
        """Say whose device that of the click is."""
        body = {"program": program, "customer_id": customer_id, "click_id": click_id}
        self._call("POST", "/v1/identities", body)

    def add_partner(self, name: str, email: str, partner: str | None = None) -> Json:
        """A new partner, under this id or one that is made."""
        body = {"name": name, "email": email}
        return self._call("POST", "/v1/partners", body if partner is None else {**body, "id": partner})

    def enroll(self, program: str, partner: str) -> Json:
        """Take a partner into the program; answers with the first link."""
        return self._call("POST", _path("/v1/programs/{}/enrollments", program), {"partner": partner})

    def applications(self, program: str, *, decision: str = "") -> Iterator[Json]:
        """Who wants to become a partner: all, or those `waiting`, `approved` or `declined`."""
        return self._pages(_path("/v1/programs/{}/applications", program), {"decision": decision})

    def approve_application(self, program: str, application: str) -> Json:
        """Approve an application, which makes the partner and enrols it."""
        return self._call("POST", _path("/v1/programs/{}/applications/{}/approve", program, application))

    def decline_application(self, program: str, application: str) -> Json:
        """Decline an application."""
        return self._call("POST", _path("/v1/programs/{}/applications/{}/decline", program, application))

    def add_link(self, **link: Unpack[NewLink]) -> Json:
        """A new link of a partner."""
        return self._call("POST", "/v1/links", link)

    def links(self, program: str, *, partner: str = "") -> Iterator[Json]:
        """The program's links, page by page."""
        return self._pages("/v1/links", {"program": program, "partner": partner})

    def add_coupon(self, program: str, partner: str, code: str, *, max_uses: int | None = None) -> Json:
        """A promo code of a partner, which earns for the first `max_uses` orders (None: all of them)."""
        coupon = {"program": program, "partner": partner, "code": code, "max_uses": max_uses}
        return self._call("POST", "/v1/coupons", coupon)

    def stats(self, program: str, *, since: str = "", until: str = "", by: str = "") -> Json:
        """Clicks, conversions, revenue and commission; `since` and `until` are dates."""
        return self._call(
            "GET", "/v1/stats", query={"program": program, "from": since, "to": until, "by": by}
        )

    def ledger(self, program: str, month: str) -> Json:
        """The manifest of a month (YYYY-MM), and short-lived links to its files."""
        return self._call("GET", _path("/v1/ledgers/{}/{}", program, month))

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[Json]:
        cursor = ""
        while True:
            page = self._call("GET", path, query={**query, "cursor": cursor})
            yield from page["data"]
            cursor = page["next_cursor"] or ""
            if not cursor:
                return

    def _call(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Json:
        told = {name: value for name, value in (query or {}).items() if value}
        url = self._base + path + ("?" + urllib.parse.urlencode(told) if told else "")
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        if raw is not None:
            headers["Content-Type"] = "application/json"
        for attempt in range(self._attempts):
            request = urllib.request.Request(url, raw, headers, method=method)
            last = attempt == self._attempts - 1
            try:
                status, answered, answer = self._transport(request)
            except OSError:
                if last:
                    raise
                self._sleep(2**attempt / 4)
                continue
            if status not in _AGAIN or last:
                return _read(status, answer)
            after = answered.get("Retry-After", "")
            self._sleep(float(after) if after.isdigit() else 2**attempt / 4)
        raise ValueError("attempts must be at least 1")

    def _send(self, request: urllib.request.Request) -> tuple[int, Mapping[str, str], bytes]:
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, dict(refused.headers), refused.read()


def _path(template: str, *values: str) -> str:
    return template.format(*(urllib.parse.quote(value, safe="") for value in values))


def _read(status: int, raw: bytes) -> Json:
    try:
        told = json.loads(raw) if raw else {}
    except ValueError:
        told = {}
    if status < 400:
        found: Json = told
        return found
    error = told.get("error", {})
    raise ApiError(status, error.get("code", "unknown"), error.get("message", ""), error.get("field"))
