"""Drives the console's pages: every page is opened, and every form sent."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from chalicelib.domain.program import Method

Step = tuple[str, str, Mapping[str, object]]
"""Method, path below the program's, and the fields of a form."""

_TERMS = '{"commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1500}]}'
_SETTINGS = {
    "do": "settings",
    "name": "Acme",
    "domains": "shop.example.com",
    "late_days": "30",
    "default_url": "https://shop.example.com/",
    "trust_browser": "yes",
    "consent": "exempt",
    "methods": [str(method) for method in Method],
}


def pages(sale: str) -> Iterator[Step]:
    """Every page of a program, for one of its sales."""
    for path in (
        *("", "/partners", "/partners/ada", "/links", "/links/summer", "/coupons", "/conversions"),
        *(f"/conversions/{sale}", "/orders", "/ledgers", "/ledgers/2026-10", "/ledgers/2026-11", "/reports"),
        *("/reports?by=campaign", "/terms", "/setup", "/access", "/activity", "/review", "/fraud"),
        "/webhooks",
    ):
        yield "GET", path, {}


def forms(sale: str) -> Iterator[Step]:
    """Every form of a program that is answered at once; those that start jobs too."""
    yield "POST", "/partners", {"id": "eve", "name": "Eve", "email": "eve@example.com"}
    for wanted in ("pause", "resume", "key"):
        yield "POST", "/partners/eve", {"do": wanted}
    yield "POST", "/links", {"partner": "eve", "code": "easter", "campaign": "spring"}
    yield "POST", "/links/easter", {"destination": "https://shop.example.com/eggs", "paused": "yes"}
    yield "POST", "/links/easter", {"do": "delete"}
    yield "POST", "/coupons", {"partner": "eve", "code": "EVE5"}
    yield "POST", "/coupons", {"do": "end", "code": "EVE5"}
    refund = {"id": "console-1", "kind": "refund", "amount": "1.00", "reason": "asked on the console"}
    yield "POST", f"/conversions/{sale}", refund
    bonus = {"id": "console-2", "kind": "bonus", "partner": "ada", "amount": "5.00", "currency": "EUR"}
    yield "POST", "/ledgers", {**bonus, "reason": "thanks"}
    yield "POST", "/ledgers/2026-10", {"do": "verify"}
    yield "POST", "/ledgers/2026-10", {"do": "paid", "id": "console-3"}
    yield "POST", "/reports", {"from": "2026-10", "to": "2026-10"}
    yield "POST", "/terms", {"do": "fill"}
    yield "POST", "/terms", {"do": "simulate", "terms": _TERMS, "month": "2026-10"}
    yield "POST", "/terms", {"do": "publish", "terms": _TERMS}
    yield "POST", "/setup", {"do": "open"}
    yield "POST", "/fraud", {"do": "try", "month": "2026-10"}
    yield "POST", "/fraud", {"do": "publish", "velocity": "flag"}
    yield "POST", "/webhooks", {"url": "https://console.example.com/", "events": "payout.paid"}
    for wanted in ("key", "secret"):
        yield "POST", "/access", {"do": wanted}
    yield "POST", "/access", _SETTINGS


def webhook(webhook_id: str, delivery: str) -> Iterator[Step]:
    """The page of a webhook, and its forms; the delivery is over."""
    path = f"/webhooks/{webhook_id}"
    yield "GET", path, {}
    yield "POST", path, {"do": "change", "url": "https://console.example.com/new", "events": "payout.paid"}
    for wanted in ("rotate", "test"):
        yield "POST", path, {"do": wanted}
    yield "POST", path, {"do": "replay", "delivery": delivery}
    yield "POST", path, {"do": "delete"}


def order_file() -> tuple[bytes, str]:
    """A form with a shop's order export, and its content type."""
    rows = "order_id,amount,status\nnever told on the console,20.00,paid\n"
    part = 'Content-Disposition: form-data; name="csv"; filename="orders.csv"\r\nContent-Type: text/csv'
    return f"--x\r\n{part}\r\n\r\n{rows}\r\n--x--\r\n".encode(), "multipart/form-data; boundary=x"


def encoded(fields: Mapping[str, object]) -> bytes:
    """The fields as a form sends them."""
    return urlencode(fields, doseq=True).encode()
