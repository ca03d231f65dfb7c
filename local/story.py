"""The story that `make run` plays into an empty data folder: a month, from the first link to the ledger.

It is set in the month before the present one and told over HTTP alone, by the routes that anyone may call.
The clock stands where the story puts it, and is set back to real time at the end.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from local.teller import BROWSER, Failed, Teller, Visit

__all__ = ["Failed", "play"]

PROGRAM = "acme"
_SHOP = "shop.example.com"
_TERMS = {
    "attribution": {"model": "last", "window_days": 30, "coupon": "beats_click"},
    "hold_days": 14,
    "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
}


def play(url: str, admin_key: str, stopping: Callable[[], bool], today: datetime | None = None) -> None:
    """Play the story against the stack at `url` and print it; gives up quietly when the stack is stopping.

    Raises:
        Failed: something answered otherwise than the story goes.
    """
    present = today or datetime.now(UTC)
    first = (present.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)).replace(
        day=1
    )
    teller = Teller(url, admin_key)
    teller.title(f"A month of a partner programme, {first:%B %Y} (the clock stands where the story is)")
    try:
        for chapter in (_open, _click, _sell, _retry, _review, _close):
            if stopping():
                return
            chapter(teller, first)
        teller.show_books(PROGRAM, f"{first:%Y-%m}")
    finally:
        teller.set_clock(None)
        teller.finish()


def _at(first: datetime, day: int, hour: int) -> datetime:
    return first + timedelta(days=day - 1, hours=hour)


def _open(teller: Teller, first: datetime) -> None:
    teller.set_clock(_at(first, 3, 9))
    program = {
        "id": PROGRAM,
        "name": "Acme",
        "domains": [_SHOP],
        "currency": "EUR",
        "consent": "granted",
    }
    teller.postback_token = teller.api("POST", "/v1/programs", program, 201)["postback_token"]
    teller.api("POST", f"/v1/programs/{PROGRAM}/terms", _TERMS, 201)
    teller.step("Programme acme opens", "last click in 30 days, 10 % of a sale, held for 14 days")
    for partner in ("anna", "ben"):
        profile = {"id": partner, "name": partner.title(), "email": f"{partner}@example.com"}
        teller.api("POST", "/v1/partners", profile, 201)
        enrolled = teller.api("POST", f"/v1/programs/{PROGRAM}/enrollments", {"partner": partner}, 201)
        teller.links[partner] = enrolled["link"]["code"]
        teller.step(f"{partner.title()} enrols", enrolled["link"]["url"])
    teller.api("POST", "/v1/coupons", {"program": PROGRAM, "partner": "ben", "code": "BEN10"}, 201)
    teller.step("Ben gets a promo code", "BEN10")


def _click(teller: Teller, first: datetime) -> None:
    for number in range(1, 4):
        teller.set_clock(_at(first, 5, 9 + number))
        visit = teller.follow(teller.links["anna"])
        teller.visits.append(visit)
        teller.step(f"Visitor {number} follows Anna's link", f"302 to {visit.location[:60]}...")


def _sell(teller: Teller, first: datetime) -> None:
    teller.set_clock(_at(first, 6, 10))
    teller.step("A sale by pixel, 129.90 EUR", _pixel(teller, teller.visits[0]))
    teller.set_clock(_at(first, 7, 11))
    teller.secret = teller.api("POST", f"/v1/programs/{PROGRAM}/secrets", {}, 201)["secret"]
    teller.step("A sale by signed API call, 80.00 EUR", _signed(teller, teller.visits[1], 201))
    teller.set_clock(_at(first, 8, 12))
    teller.step("A sale by network postback, 45.50 EUR", _postback(teller, teller.visits[2]))
    teller.set_clock(_at(first, 9, 13))
    teller.step("A sale by Ben's code alone, 60.00 EUR", _coupon(teller, 201))


def _retry(teller: Teller, first: datetime) -> None:
    teller.set_clock(_at(first, 9, 14))
    teller.step("The pixel loads again", _pixel(teller, teller.visits[0]))
    teller.step("The API call is sent again", _signed(teller, teller.visits[1], 200))
    teller.step("The postback is sent again", _postback(teller, teller.visits[2]))
    teller.step("The coupon sale is sent again", _coupon(teller, 200))
    found = teller.api("GET", f"/v1/conversions?program={PROGRAM}", None, 200)["data"]
    known = {one["id"]: one["order_id"] for one in found}
    teller.expect(len(known) == 4, f"4 conversions, not {len(known)}")
    teller.conversions = {order: conversion for conversion, order in known.items()}
    teller.step("Conversions on record", "4: every retry was recognised")


def _review(teller: Teller, first: datetime) -> None:
    teller.set_clock(_at(first, 10, 9))
    seen = {"id": "review-1", "kind": "approve", "reason": "the order is in the shop"}
    teller.adjust("A-1001", seen)
    teller.step("A reviewer confirms the pixel's sale", "a browser's word alone is held")
    teller.set_clock(_at(first, 12, 15))
    teller.adjust("A-1002", {"id": "refund-1", "kind": "refund", "amount": 2000, "reason": "one item back"})
    teller.step("A partial refund of A-1002", "20.00 EUR of 80.00 EUR")


def _close(teller: Teller, first: datetime) -> None:
    teller.api("POST", "/_local/jobs/reconcile", None, 200)
    for order, conversion in sorted(teller.conversions.items()):
        receipt = teller.api("GET", f"/v1/conversions/{conversion}/receipt", None, 200)
        teller.step(f"Decided: {order}", teller.credits(receipt))
    teller.set_clock(_at(first, 27, 6))
    teller.api("POST", "/_local/jobs/reconcile", None, 200)
    states = teller.api("GET", f"/v1/conversions?program={PROGRAM}", None, 200)["data"]
    teller.step(
        "The holds are over", ", ".join(sorted(f"{one['order_id']} {one['state']}" for one in states))
    )
    end = (first + timedelta(days=32)).replace(day=1)
    teller.set_clock(_at(end, 2, 6))
    teller.api("POST", "/_local/jobs/reconcile", None, 200)
    teller.api("POST", "/_local/jobs/close_month", None, 200)
    ledger = teller.api("GET", f"/v1/ledgers/{PROGRAM}/{first:%Y-%m}", None, 200)
    teller.step("The month is closed", str(ledger.get("state", "published")))


def _pixel(teller: Teller, visit: Visit) -> str:
    query = {
        "program": PROGRAM,
        "event": "sale",
        "order_id": "A-1001",
        "amount": "129.90",
        "currency": "EUR",
        "click_id": visit.click_id,
    }
    answer = teller.http("GET", f"/p.gif?{urlencode(query)}", None, BROWSER | {"Cookie": visit.cookie})
    teller.expect(answer.status == 200 and len(answer.body) == 43, "a 43-byte GIF")
    return "200, 43 bytes"


def _signed(teller: Teller, visit: Visit, status: int) -> str:
    order = {
        "program": PROGRAM,
        "event": "sale",
        "order_id": "A-1002",
        "amount": 8000,
        "currency": "EUR",
        "click_id": visit.click_id,
    }
    answer = teller.signed("POST", "/v1/conversions", order, status)
    return f"{status}, {answer['id']} {answer['state']}"


def _postback(teller: Teller, visit: Visit) -> str:
    query = {
        "token": teller.postback_token,
        "clickid": visit.click_id,
        "txid": "A-1003",
        "payout": "45.50",
        "currency": "EUR",
        "event": "sale",
        "return": "OK",
    }
    answer = teller.http("GET", f"/postback/{PROGRAM}?{urlencode(query)}", None, {})
    teller.expect(answer.status == 200, f"200 for the postback, not {answer.status} {answer.body[:200]!r}")
    return f"200, {answer.body.decode()}"


def _coupon(teller: Teller, status: int) -> str:
    order = {
        "program": PROGRAM,
        "event": "sale",
        "order_id": "A-1004",
        "amount": 6000,
        "currency": "EUR",
        "coupon": "ben10",
    }
    answer = teller.api("POST", "/v1/conversions", order, status)
    return f"{status}, {answer['id']} {answer['state']}"
