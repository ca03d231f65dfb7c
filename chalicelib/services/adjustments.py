"""Refunds, voids, approvals and rejections: kept once for each id, and booked by settlement."""

import re
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.conversion import Adjustment, AdjustmentKind, State
from chalicelib.domain.decision import with_adjustment
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Unavailable
from chalicelib.domain.money import check_amount
from chalicelib.domain.settlement import MAX_ADJUSTMENTS, reversed_part, state_of
from chalicelib.services.rates import decide_now
from chalicelib.storage.conversions import Conversion
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)
_TAKES = frozenset({AdjustmentKind.REFUND, AdjustmentKind.VOID})
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The adjustment as it is kept, the conversion's state after it, and whether it was there before."""

    adjustment: Adjustment
    state: State
    duplicate: bool


def adjust(
    stores: Stores,
    conversion: str,
    adjustment_id: str,
    kind: AdjustmentKind,
    amount_minor: int | None,
    reason: str,
    now: datetime,
) -> Adjusted:
    """Keep an adjustment of a recorded conversion.

    Without an amount a refund takes all that is left. The same id with the same content again changes
    nothing.

    Raises:
        NotFound: `conversion_unknown`.
        Invalid: `adjustment_invalid`, `amount_invalid`, `refund_exceeds_sale`, `adjustments_exhausted`.
        Conflict: `adjustment_conflict` (the id is there with other content), `conversion_reversed`,
            `conversion_rejected`.
    """
    adjustment = _checked(adjustment_id, kind, amount_minor, reason, now)
    for _ in range(_ATTEMPTS):
        found = stores.conversions.find(conversion)
        if found is None:
            raise NotFound("conversion_unknown", "there is no such conversion")
        known = next((a for a in found.facts.adjustments if a.id == adjustment.id), None)
        if known:
            return Adjusted(_same(known, adjustment), found.state, duplicate=True)
        _check_possible(found, adjustment)
        state = _state_after(stores, found, adjustment)
        try:
            stores.conversions.adjust(found, adjustment, state)
        except ConditionFailed:
            continue
        return Adjusted(adjustment, state, duplicate=False)
    raise Unavailable("storage_busy", "the conversion is being changed by others; try again")


def adjust_early(
    stores: Stores,
    conversion: str,
    adjustment_id: str,
    kind: AdjustmentKind,
    amount_minor: int | None,
    reason: str,
    now: datetime,
) -> Adjusted:
    """Like `adjust`, also for an order of which no report has come yet: it is applied when one comes.

    Raises:
        Invalid, Conflict: as `adjust`.
    """
    adjustment = _checked(adjustment_id, kind, amount_minor, reason, now)
    for _ in range(_ATTEMPTS):
        if stores.conversions.find(conversion) is not None:
            return adjust(stores, conversion, adjustment_id, kind, amount_minor, reason, now)
        waiting = stores.conversions.find_waiting(conversion)
        known = next((a for a in waiting if a.id == adjustment.id), None)
        if known:
            return Adjusted(_same(known, adjustment), State.PENDING, duplicate=True)
        _check_count(len(waiting))
        try:
            stores.conversions.leave_adjustment(conversion, adjustment)
        except ConditionFailed:
            continue
        return Adjusted(adjustment, State.PENDING, duplicate=False)
    raise Unavailable("storage_busy", "the conversion is being changed by others; try again")


def _checked(
    adjustment_id: str, kind: AdjustmentKind, amount_minor: int | None, reason: str, now: datetime
) -> Adjustment:
    if not _ID.fullmatch(adjustment_id):
        raise Invalid("adjustment_invalid", "id must be 1 to 100 letters, digits or ._:-", "id")
    if amount_minor is not None:
        if kind is not AdjustmentKind.REFUND:
            raise Invalid("adjustment_invalid", f"a {kind} takes no amount", "amount")
        if check_amount(amount_minor) == 0:
            raise Invalid("amount_invalid", "a refund's amount must be at least 1", "amount")
    if len(reason) > 300:
        raise Invalid("adjustment_invalid", "reason may have 300 characters", "reason")
    return Adjustment(adjustment_id, kind, amount_minor, reason, now)


def _same(known: Adjustment, adjustment: Adjustment) -> Adjustment:
    if (known.kind, known.amount_minor) != (adjustment.kind, adjustment.amount_minor):
        raise Conflict("adjustment_conflict", "this id is recorded with another kind or amount", "id")
    return known


def _check_possible(found: Conversion, adjustment: Adjustment) -> None:
    _check_count(len(found.facts.adjustments))
    if found.facts.rejected_at is not None:
        raise Conflict("conversion_rejected", "the conversion is rejected already")
    if reversed_part(found.facts, found.facts.adjustments) == 1:
        raise Conflict("conversion_reversed", "the conversion is reversed already")
    if adjustment.amount_minor is not None:
        taken = sum(a.amount_minor or 0 for a in found.facts.adjustments if a.kind in _TAKES)
        if taken + adjustment.amount_minor > found.facts.effective.content.amount_minor:
            raise Invalid("refund_exceeds_sale", "refunds may not exceed the sale", "amount")


def _check_count(count: int) -> None:
    if count >= MAX_ADJUSTMENTS:
        raise Invalid("adjustments_exhausted", f"a conversion takes {MAX_ADJUSTMENTS} adjustments")


def _state_after(stores: Stores, found: Conversion, adjustment: Adjustment) -> State:
    facts = with_adjustment(found.facts, adjustment)
    program = stores.catalogue.program(facts.report.program)
    return state_of(facts, decide_now(stores, program, facts), found.booked)
