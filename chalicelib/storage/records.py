"""How reports, touches, adjustments and entries are written in items, and read back.

Readers are tolerant: an attribute that an older version did not write takes its default.
"""

from typing import Any

from chalicelib.domain.conversion import (
    Adjustment,
    AdjustmentKind,
    Content,
    CouponMatch,
    Item,
    Report,
    Returned,
    Signal,
    Touch,
)
from chalicelib.domain.journal import Account, Entry, Kind
from chalicelib.domain.period import Month, format_instant, parse_instant
from chalicelib.domain.program import Method
from chalicelib.storage.codec import compact

Record = dict[str, Any]


def report_record(report: Report) -> Record:
    """A report, as a map."""
    return compact(
        {
            "program": report.program,
            "event": report.event,
            "order_id": report.order_id,
            "amount": report.content.amount_minor,
            "currency": report.content.currency,
            "items": [
                compact(
                    {"sku": i.sku, "quantity": i.quantity, "amount": i.amount_minor, "category": i.category}
                )
                for i in report.content.items
            ],
            "method": report.method,
            "occurred_at": format_instant(report.occurred_at),
            "received_at": format_instant(report.received_at),
            "confirmed": report.confirmed,
            "click_id": report.click_id,
            "coupon": report.coupon,
            "customer": report.customer,
            "email": report.email,
            "terms_known": report.terms_known,
        }
    )


def read_report(record: Record) -> Report:
    """The report that a map holds."""
    return Report(
        program=record["program"],
        event=record["event"],
        order_id=record["order_id"],
        content=Content(
            record.get("amount", 0),
            record["currency"],
            tuple(
                Item(i["sku"], i["quantity"], i.get("amount", 0), i.get("category"))
                for i in record.get("items", [])
            ),
        ),
        method=Method(record["method"]),
        occurred_at=parse_instant(record["occurred_at"], "occurred_at"),
        received_at=parse_instant(record["received_at"], "received_at"),
        confirmed=record["confirmed"],
        click_id=record.get("click_id"),
        coupon=record.get("coupon"),
        customer=record.get("customer"),
        email=record.get("email"),
        terms_known=record.get("terms_known"),
    )


def touch_record(touch: Touch) -> list[Any]:
    """A touch, as a list: a conversion may carry a hundred of them. Origin and marks follow, if any."""
    record = [
        touch.click_id,
        format_instant(touch.at),
        touch.partner,
        touch.code,
        touch.channel,
        touch.evidence,
        touch.trusted,
    ]
    return [*record, touch.origin, *touch.marks] if touch.origin or touch.marks else record


def read_touch(record: list[Any]) -> Touch:
    """The touch that a list holds."""
    click_id, at, partner, code, channel, evidence, trusted, *more = record
    at = parse_instant(at, "at")
    origin, *marks = more or [None]
    return Touch(click_id, at, partner, code, channel, evidence, trusted, origin, tuple(marks))


def signal_record(signal: Signal) -> list[Any]:
    """A signal, as a list."""
    return [signal.name, signal.partner, signal.detail]


def read_signal(record: list[Any]) -> Signal:
    """The signal that a list holds."""
    name, partner, detail = record
    return Signal(name, partner, detail)


def coupon_record(coupon: CouponMatch) -> list[Any]:
    """A coupon match, as a list; its window and its limit follow where it has them."""
    record = [coupon.code, coupon.partner, coupon.trusted]
    bounds = [format_instant(at) if at else None for at in (coupon.starts_at, coupon.ends_at)]
    if coupon.max_uses is not None:
        return [*record, *bounds, coupon.max_uses]
    return record if bounds == [None, None] else [*record, *bounds]


def read_coupon(record: list[Any]) -> CouponMatch:
    """The coupon match that a list holds."""
    code, partner, trusted, *bounds = record
    starts_at, ends_at, max_uses = [*bounds, *[None] * 3][:3]
    return CouponMatch(
        code,
        partner,
        trusted,
        parse_instant(starts_at, "at") if starts_at else None,
        parse_instant(ends_at, "at") if ends_at else None,
        max_uses,
    )


def adjustment_record(adjustment: Adjustment) -> Record:
    """An adjustment, as a map."""
    return compact(
        {
            "id": adjustment.id,
            "kind": adjustment.kind,
            "amount": adjustment.amount_minor,
            "reason": adjustment.reason,
            "actor": adjustment.actor,
            "received_at": format_instant(adjustment.received_at),
            "items": [[i.line, i.sku, i.quantity, i.amount_minor] for i in adjustment.items],
            "of_total": adjustment.of_total or None,
            "repeats": adjustment.repeats or None,
        }
    )


def read_adjustment(record: Record) -> Adjustment:
    """The adjustment that a map holds."""
    return Adjustment(
        record["id"],
        AdjustmentKind(record["kind"]),
        record.get("amount"),
        record.get("reason", ""),
        parse_instant(record["received_at"], "received_at"),
        tuple(Returned(*item) for item in record.get("items", [])),
        record.get("of_total", False),
        record.get("repeats", False),
        record.get("actor", ""),
    )


def entry_record(entry: Entry) -> Record:
    """An entry, as a map."""
    return compact(
        {
            "entry": entry.id,
            "program": entry.program,
            "month": str(entry.month),
            "shard": entry.shard,
            "kind": entry.kind,
            "booked_at": format_instant(entry.booked_at),
            "occurred_at": format_instant(entry.occurred_at),
            "conversion": entry.conversion,
            "order_id": entry.order_id,
            "event": entry.event,
            "partner": entry.partner,
            "currency": entry.currency,
            "sale_minor": entry.sale_minor,
            "commission_minor": entry.commission_minor,
            "share": entry.share,
            "terms_version": entry.terms_version,
            "account": entry.account,
            "basis": entry.basis,
            "rate": entry.rate,
            "cause": entry.cause,
            "code": entry.code,
            "reverses": entry.reverses,
            "first": entry.first,
            "sold_in": str(entry.sold_in) if entry.sold_in else None,
            "counts": entry.counts or None,
        }
    )


def read_entry(record: Record) -> Entry:
    """The entry that a map holds."""
    return Entry(
        id=record["entry"],
        program=record["program"],
        month=Month.parse(record["month"]),
        shard=record["shard"],
        kind=Kind(record["kind"]),
        booked_at=parse_instant(record["booked_at"], "booked_at"),
        occurred_at=parse_instant(record["occurred_at"], "occurred_at"),
        conversion=record.get("conversion", ""),
        order_id=record.get("order_id", ""),
        event=record["event"],
        partner=record["partner"],
        currency=record["currency"],
        sale_minor=record["sale_minor"],
        commission_minor=record["commission_minor"],
        share=record["share"],
        terms_version=record["terms_version"],
        account=Account(record["account"]),
        basis=record["basis"],
        rate=record.get("rate", ""),
        cause=record["cause"],
        code=record.get("code"),
        reverses=record.get("reverses"),
        first=record.get("first", False),
        sold_in=Month.parse(record["sold_in"]) if "sold_in" in record else None,
        counts=record.get("counts", 0),
    )
