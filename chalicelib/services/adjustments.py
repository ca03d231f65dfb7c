"""Refunds, chargebacks, voids, approvals and rejections: kept once for each id, and booked by settlement."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.adjusting import NO_DETAILS, Details, check, check_count, same, unplaced, work_out
from chalicelib.domain.conversion import Adjustment, AdjustmentKind, State
from chalicelib.domain.errors import NotFound, Unavailable
from chalicelib.domain.facts import Facts, with_adjustment
from chalicelib.domain.settlement import state_of
from chalicelib.services.rates import decide_now
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed
from chalicelib.storage.trail import acting_name

_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The adjustment as it is kept, the conversion's state after it, and whether it was there before."""

    adjustment: Adjustment
    state: State
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A conversion as it stands; `keep` adds an adjustment to it and tells the state after that.

    `keep` raises `ConditionFailed` where the conversion is no longer as it was found.
    """

    facts: Facts
    state: State
    keep: Callable[[Adjustment], State]


def adjust(
    stores: Stores,
    conversion: str,
    adjustment_id: str,
    kind: AdjustmentKind,
    amount_minor: int | None,
    reason: str,
    now: datetime,
    details: Details = NO_DETAILS,
) -> Adjusted:
    """Keep an adjustment of a recorded conversion.

    Without an amount a refund takes all that is left. The same id with the same content again changes
    nothing.

    Raises:
        NotFound: `conversion_unknown`.
        Invalid: `adjustment_invalid`, `amount_invalid`, `items_invalid`, `item_unknown`,
            `refund_exceeds_sale`, `adjustments_exhausted`.
        Conflict: `adjustment_conflict` (the id is there with other content), `conversion_reversed`,
            `conversion_rejected`.
    """
    asked = check(adjustment_id, kind, amount_minor, reason, now, details, acting_name())
    return adjust_found(lambda: _find(stores, conversion), asked, details)


def adjust_found(find: Callable[[], Standing | None], asked: Adjustment, details: Details) -> Adjusted:
    """Keep the adjustment of whatever `find` finds; where it changes meanwhile, of what is found then.

    Raises:
        NotFound, Invalid, Conflict: as `adjust`.
    """
    for _ in range(_ATTEMPTS):
        found = find()
        if found is None:
            raise NotFound("conversion_unknown", "there is no such conversion")
        adjustment, is_known = work_out(found.facts, asked, details)
        if is_known:
            return Adjusted(adjustment, found.state, duplicate=True)
        try:
            return Adjusted(adjustment, found.keep(adjustment), duplicate=False)
        except ConditionFailed:
            continue
    raise _busy()


def adjust_early(
    stores: Stores,
    conversion: str,
    adjustment_id: str,
    kind: AdjustmentKind,
    amount_minor: int | None,
    reason: str,
    now: datetime,
    details: Details = NO_DETAILS,
) -> Adjusted:
    """Like `adjust`, also for an order of which no report has come yet: it is applied when one comes.

    Lines are told by product and pieces then, with what they are worth.

    Raises:
        Invalid, Conflict: as `adjust`.
    """
    adjustment = check(adjustment_id, kind, amount_minor, reason, now, details, acting_name())
    for _ in range(_ATTEMPTS):
        if stores.conversions.find(conversion) is not None:
            return adjust(stores, conversion, adjustment_id, kind, amount_minor, reason, now, details)
        waiting = stores.conversions.find_waiting(conversion)
        known = next((a for a in waiting if a.id == adjustment.id), None)
        if known:
            return Adjusted(same(known, adjustment, details), State.PENDING, duplicate=True)
        check_count(len(waiting))
        if details.items:
            adjustment = replace(adjustment, amount_minor=details.worth_minor, items=unplaced(details.items))
        try:
            stores.conversions.leave_adjustment(conversion, adjustment)
        except ConditionFailed:
            continue
        return Adjusted(adjustment, State.PENDING, duplicate=False)
    raise _busy()


def _find(stores: Stores, conversion: str) -> Standing | None:
    found = stores.conversions.find(conversion)
    return Standing(found.facts, found.state, lambda new: _keep(stores, found, new)) if found else None


def _keep(stores: Stores, found: Conversion, adjustment: Adjustment) -> State:
    facts = with_adjustment(found.facts, adjustment)
    program = stores.catalogue.program(facts.report.program)
    state = state_of(facts, decide_now(stores, program, facts), found.booked)
    stores.conversions.adjust(found, adjustment, state)
    return state


def _busy() -> Unavailable:
    return Unavailable("storage_busy", "the conversion is being changed by others; try again")
