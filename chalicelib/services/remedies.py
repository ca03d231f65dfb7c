"""Remedies: what a merchant's order file sets right in our conversions. Each may be repeated."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.adjusting import NO_DETAILS, Details
from chalicelib.domain.conversion import FILE_APPROVAL, AdjustmentKind, Content
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.orders import Order
from chalicelib.domain.program import BROWSER_METHODS, Method, Program
from chalicelib.domain.reconciliation import Finding, Ours, Remedy
from chalicelib.services import adjustments, capture
from chalicelib.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Naming:
    """Under which event, and which of its names, a found order is recorded."""

    event: str
    position: int

    def order_id(self, order: Order) -> str:
        """The order's name of that position; its first one where it has fewer."""
        return order.ids[self.position] if self.position < len(order.ids) else order.ids[0]


def carry_out(
    stores: Stores,
    program: Program,
    finding: Finding,
    order: Order,
    ours: Ours | None,
    name: Naming,
    now: datetime,
) -> None:
    """Do what the finding asks for.

    Raises:
        Invalid, Conflict: as `capture.record` and `adjustments.adjust`.
    """
    match finding.remedy:
        case Remedy.RECORD:
            _record(stores, program, order, name, now)
        case Remedy.CONFIRM if ours is not None:
            confirm(stores, program, order, ours, now)
        case Remedy.VOID if ours is not None:
            _adjust(stores, ours, "orders-void", AdjustmentKind.VOID, None, finding.reason, now)
        case Remedy.REFUND if ours is not None:
            # Named after the sum that the file tells, so that another run of it takes nothing twice.
            reached = "all" if finding.refund_minor is None else str(order.refunded_minor)
            _adjust(
                stores,
                ours,
                f"orders-refund-{reached}",
                AdjustmentKind.REFUND,
                finding.refund_minor,
                finding.reason,
                now,
                Details(of_total=finding.refund_minor is not None),
            )


def confirm(stores: Stores, program: Program, order: Order, ours: Ours, now: datetime) -> None:
    """Vouch for what a browser reported; where the file tells other figures, those stand.

    The items of the report stay while its amount does. A click that only the browser told is no more
    trusted than before: the file doesn't speak of it.
    """
    report = ours.facts.report
    amount = report.content.amount_minor if order.amount_minor is None else order.amount_minor
    content = Content(amount, order.currency, report.content.items)
    if (amount, order.currency) != (report.content.amount_minor, report.content.currency):
        content = Content(amount, order.currency)
    method = _method(program)
    if method is None:
        _adjust(stores, ours, FILE_APPROVAL, AdjustmentKind.APPROVE, None, "in the order file", now)
        return
    incoming = Incoming(
        event=report.event,
        order_id=report.order_id,
        content=content,
        method=method,
        click_id=order.click_id,
        coupon=order.coupon,
        customer_id=order.customer_id,
    )
    capture.record(stores, program, incoming, now)


def _record(stores: Stores, program: Program, order: Order, name: Naming, now: datetime) -> None:
    incoming = Incoming(
        event=name.event,
        order_id=name.order_id(order),
        content=Content(order.amount_minor or 0, order.currency),
        method=_method(program) or Method.API,
        click_id=order.click_id,
        coupon=order.coupon,
        customer_id=order.customer_id,
        occurred_at=order.occurred_at,
    )
    capture.record(stores, program, incoming, now)


def _method(program: Program) -> Method | None:
    """The method under which the file's word is kept: the API's, or one that the program uses instead."""
    trusted = [method for method in Method if method in program.methods - BROWSER_METHODS]
    return Method.API if Method.API in trusted else next(iter(trusted), None)


def _adjust(
    stores: Stores,
    ours: Ours,
    adjustment_id: str,
    kind: AdjustmentKind,
    amount_minor: int | None,
    reason: str,
    now: datetime,
    details: Details = NO_DETAILS,
) -> None:
    adjustments.adjust(stores, ours.facts.id, adjustment_id, kind, amount_minor, reason, now, details)
