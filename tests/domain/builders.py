"""Builders of the domain's values: each has sensible defaults, and tests name only what matters to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.conversion import (
    Adjustment,
    AdjustmentKind,
    Content,
    CouponMatch,
    Report,
    Touch,
)
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import conversion_id
from chalicelib.domain.journal import Account, Entry, Kind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method, Program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""When programs and the first version of their terms begin."""

SOLD = datetime(2026, 10, 15, 12, tzinfo=UTC)
"""When conversions occur and are reported."""

CLICKED = SOLD - timedelta(days=1)
"""When touches happened."""

RETURNED = SOLD + timedelta(days=2)
"""When adjustments are received."""


def days(count: float) -> timedelta:
    """That many days."""
    return timedelta(days=count)


def a_program(**changes: Any) -> Program:
    """A program that books in euros."""
    parts: dict[str, Any] = {
        "id": "acme",
        "name": "Acme",
        "domains": ("shop.example.com",),
        "currency": "EUR",
        "default_url": "https://shop.example.com/",
        "created_at": BEGINNING,
        "postback_token": "secret",
    }
    return Program(**parts | changes)


def percent(rate_bp: int, event: str = "purchase") -> CommissionRule:
    """A rule that pays a part of the sale."""
    return CommissionRule(event, "percent", rate_bp=rate_bp)


def flat(amount_minor: int, event: str = "purchase") -> CommissionRule:
    """A rule that pays the same for every event."""
    return CommissionRule(event, "flat", amount_minor=amount_minor)


def some_terms(
    *commissions: CommissionRule,
    version: int = 1,
    starts_at: datetime = BEGINNING,
    hold_days: int = 30,
    **attribution: Any,
) -> Terms:
    """A version of the terms, 10 % of a purchase unless told otherwise; the rest is its attribution."""
    attribution.setdefault("channel_weights", {"partner": 1})
    return Terms(
        "acme", version, starts_at, Attribution(**attribution), hold_days, commissions or (percent(1_000),)
    )


def a_touch(partner: str | None = "anna", at: datetime = CLICKED, **changes: Any) -> Touch:
    """A click of the partner's, which the shop told with the order."""
    parts: dict[str, Any] = {
        "click_id": f"{partner}@{at.isoformat()}",
        "at": at,
        "partner": partner,
        "code": f"{partner}-code",
        "channel": "partner",
        "evidence": "click_id",
    }
    return Touch(**parts | changes)


def a_coupon(partner: str | None = "carla", code: str = "save10", trusted: bool = True) -> CouponMatch:
    """A promo code that was told with the order."""
    return CouponMatch(code, partner, trusted)


def a_report(amount: int = 10_000, currency: str = "EUR", **changes: Any) -> Report:
    """An authenticated report of an order."""
    parts: dict[str, Any] = {
        "program": "acme",
        "event": "purchase",
        "order_id": "1001",
        "content": Content(amount, currency),
        "method": Method.API,
        "occurred_at": SOLD,
        "received_at": SOLD,
        "confirmed": True,
    }
    return Report(**parts | changes)


def from_pixel(amount: int = 10_000, currency: str = "EUR", **changes: Any) -> Report:
    """A report that a browser made, which nobody vouches for."""
    return a_report(amount, currency, **{"method": Method.PIXEL, "confirmed": False} | changes)


def some_facts(report: Report | None = None, *touches: Touch, **changes: Any) -> Facts:
    """What is known of one conversion."""
    told = report or a_report()
    parts: dict[str, Any] = {
        "id": conversion_id(told.program, told.event, told.order_id),
        "report": told,
        "learned_at": told.received_at,
        "touches": touches,
    }
    return Facts(**parts | changes)


def an_adjustment(
    kind: AdjustmentKind,
    amount: int | None = None,
    at: datetime = RETURNED,
    id: str | None = None,
    reason: str = "returned",
) -> Adjustment:
    """Something done to the conversion; without an amount a refund takes all that is left."""
    return Adjustment(id or f"{kind}-{amount}-{at.isoformat()}", kind, amount, reason, at)


def a_refund(amount: int | None = None, at: datetime = RETURNED, id: str | None = None) -> Adjustment:
    """Money given back to the customer."""
    return an_adjustment(AdjustmentKind.REFUND, amount, at, id)


def an_entry(kind: Kind = Kind.ACCRUAL, commission: int = 1_000, **changes: Any) -> Entry:
    """A line of October's ledger."""
    parts: dict[str, Any] = {
        "id": f"ent_{kind}{commission}",
        "program": "acme",
        "month": Month(2026, 10),
        "shard": 0,
        "kind": kind,
        "booked_at": SOLD,
        "occurred_at": SOLD,
        "conversion": "cnv_1",
        "order_id": "1001",
        "event": "purchase",
        "partner": "anna",
        "currency": "EUR",
        "sale_minor": 10_000,
        "commission_minor": commission,
        "share": "1/1",
        "terms_version": 1,
        "account": Account.PENDING,
        "basis": "click one",
        "rate": "1000 bp",
        "cause": "purchase",
    }
    return Entry(**parts | changes)
