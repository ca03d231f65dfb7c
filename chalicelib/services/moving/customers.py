"""Customers that belong to a partner: each becomes an opening order of nothing, which holds the customer.

A lock rests on an order whose path credits somebody. So the fact that is kept is such an order: of 0, of the
event `@moved`, of the day on which the customer became the partner's, with a touch of the partner. Nobody is
paid for it, and a rejection takes it back, as with every order.
"""

from datetime import datetime, timedelta

from chalicelib.domain import ids
from chalicelib.domain.conversion import OPENING, AdjustmentKind, Content, Outcome, Report, State, Touch
from chalicelib.domain.errors import Conflict, Invalid
from chalicelib.domain.incoming import check_customer_id
from chalicelib.domain.moving import Told
from chalicelib.domain.program import Method
from chalicelib.domain.terms import in_force
from chalicelib.services import adjustments, evidence
from chalicelib.services.moving.desk import Desk, Standing, Step, elsewhere
from chalicelib.storage.conversion_records import Conversion, Evidence
from chalicelib.storage.imports import Made

_POINTER_DAYS = 400
_MOST = 50


def wanted(desk: Desk, told: Told) -> Step | None:
    """The customer that the row tells.

    Its name here is derived from the digest that is kept, and none itself: an erasure takes digests away, but
    neither the ids of orders nor what an import made.
    """
    if not told.customer:
        return None
    check_customer_id(told.customer)
    name = ids.derive("customer", desk.program.id, _digest(desk, told))
    return Step(name, desk.people.id_of(told), told)


def look(desk: Desk, step: Step) -> Standing:
    """Whether the customer is the partner's.

    Raises:
        Invalid: `lock_missing`, no terms hold customers then; `time_in_future`; `customer_erased`.
        Conflict: `customer_taken`.
    """
    since = _since(desk, step)
    terms = in_force(desk.stores.catalogue.terms(desk.program.id), since)
    if terms is None or terms.attribution.lock is None:
        raise Invalid(
            "lock_missing", "the terms of that day hold no customers: set `lock` in the terms first"
        )
    if since > desk.now:
        raise Invalid("time_in_future", "the customer became the partner's in the future", "since")
    if desk.stores.erasures.has_begun(desk.program.id, _digest(desk, step.told)):
        raise Invalid("customer_erased", "this customer was erased", "customer")
    _, standing = _opening(desk, step.name)
    if standing is None:
        return Standing.MADE
    if any(touch.partner != step.partner for touch in standing.facts.touches):
        raise elsewhere("customer", "customer_taken")
    return Standing.THERE


def make(desk: Desk, step: Step) -> None:
    """The opening order."""
    order_id, standing = _opening(desk, step.name)
    if standing is not None:
        return
    stores, program, since = desk.stores, desk.program, _since(desk, step)
    customer = _digest(desk, step.told)
    conversion = ids.conversion_id(program.id, OPENING, order_id)
    report = Report(
        program.id,
        OPENING,
        order_id,
        Content(0, program.currency),
        Method.API,
        since,
        desk.now,
        confirmed=True,
        customer=customer,
    )
    touch = Touch(f"moved-{conversion}", since, step.partner, None, "partner", "moved")
    stores.identities.add_conversion(
        program.id, customer, conversion, desk.now + timedelta(days=_POINTER_DAYS)
    )
    found = Evidence((touch,), customers=(customer,))
    shard = ids.shard_of(conversion, program.shards)
    stores.conversions.create(report, found, shard, Outcome.RECORDED, State.APPROVED, ())


def undo(desk: Desk, made: Made) -> str:
    """Reject the opening order: later orders of the customer are decided again without it."""
    _, standing = _opening(desk, made.name)
    if standing is not None:
        reason = f"import {desk.import_id} was undone"
        kind = AdjustmentKind.REJECT
        adjustments.adjust(desk.stores, standing.facts.id, "undone", kind, None, reason, desk.now)
    return ""


def _digest(desk: Desk, told: Told) -> str:
    """The form in which the customer's id is kept."""
    return evidence.customer_hash(desk.stores, desk.program.id, told.customer)


def _since(desk: Desk, step: Step) -> datetime:
    return step.told.since or desk.now


def _opening(desk: Desk, name: str) -> tuple[str, Conversion | None]:
    """The customer's opening order that stands; where none does, the id that the next one gets."""
    for number in range(1, _MOST + 1):
        order_id = f"{name}-{number}"
        found = desk.stores.conversions.find(ids.conversion_id(desk.program.id, OPENING, order_id))
        if found is None or found.facts.rejected_at is None:
            return order_id, found
    raise Conflict("undone_too_often", f"this customer was moved and taken back {_MOST} times", "customer")
