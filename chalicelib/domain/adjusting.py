"""Working out what an adjustment of a conversion means: which lines came back, and what they come to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.conversion import Adjustment, AdjustmentKind, Returned
from chalicelib.domain.errors import Conflict, Invalid
from chalicelib.domain.facts import Facts
from chalicelib.domain.money import check_amount
from chalicelib.domain.settlement import MAX_ADJUSTMENTS
from chalicelib.domain.takings import line_values, position_of, reversed_part, takings

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)
_WITH_AMOUNT = frozenset({AdjustmentKind.REFUND, AdjustmentKind.CHARGEBACK})
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Back:
    """A line that came back, as its caller names it: by position (from 0), by product, or both.

    Without quantity and amount it is the whole line.
    """

    line: int | None = None
    sku: str | None = None
    quantity: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What may be told beside an adjustment's kind, amount and reason.

    `worth_minor` is what the lines came to by whoever tells them; it stands where the order has no such line.
    `of_total`: it is worked out from the sum of an order file. `happened_at` and `total_minor`: when a
    refund was made, and all that was refunded of the order with it, by which one is recognised that such a
    sum has told already.
    """

    items: Sequence[Back] = ()
    of_total: bool = False
    happened_at: datetime | None = None
    total_minor: int | None = None
    worth_minor: int | None = None


NO_DETAILS = Details()


def check(
    adjustment_id: str,
    kind: AdjustmentKind,
    amount_minor: int | None,
    reason: str,
    now: datetime,
    details: Details,
    actor: str,
) -> Adjustment:
    """What `actor` asks for, where it is right by itself.

    Raises:
        Invalid: `adjustment_invalid`, `amount_invalid`.
    """
    if not _ID.fullmatch(adjustment_id):
        raise Invalid("adjustment_invalid", "id must be 1 to 100 letters, digits or ._:-", "id")
    if amount_minor is not None:
        if kind not in _WITH_AMOUNT:
            raise Invalid("adjustment_invalid", f"a {kind} takes no amount", "amount")
        if details.items:
            raise Invalid("adjustment_invalid", "the amount follows from the items", "amount")
        if check_amount(amount_minor) == 0:
            raise Invalid("amount_invalid", "a refund's amount must be at least 1", "amount")
    if details.items and kind is not AdjustmentKind.REFUND:
        raise Invalid("adjustment_invalid", f"a {kind} takes no items", "items")
    if len(reason) > 300:
        raise Invalid("adjustment_invalid", "reason may have 300 characters", "reason")
    return Adjustment(adjustment_id, kind, amount_minor, reason, now, of_total=details.of_total, actor=actor)


def work_out(facts: Facts, asked: Adjustment, details: Details) -> tuple[Adjustment, bool]:
    """The adjustment as it would be kept, and whether it is there already.

    Raises:
        Invalid: `amount_invalid`, `items_invalid`, `item_unknown`, `refund_exceeds_sale`,
            `adjustments_exhausted`.
        Conflict: `adjustment_conflict` (the id is there with other content), `conversion_reversed`,
            `conversion_rejected`.
    """
    known = next((a for a in facts.adjustments if a.id == asked.id), None)
    if known:
        return same(known, asked, details), True
    adjustment = _resolved(facts, asked, details)
    _check_possible(facts, adjustment)
    return adjustment, False


def same(known: Adjustment, asked: Adjustment, details: Details) -> Adjustment:
    """What is there, where the same is asked for; its reason and source may be told otherwise.

    Raises:
        Conflict: `adjustment_conflict`.
    """
    same_items = len(known.items) == len(details.items) and all(
        back.line in {None, kept.line} and back.sku in {None, kept.sku} and _says(back, kept)
        for back, kept in zip(details.items, known.items, strict=True)
    )
    same_amount = bool(details.items) or known.amount_minor == asked.amount_minor
    if known.kind is not asked.kind or not same_items or not same_amount:
        raise Conflict("adjustment_conflict", "this id is recorded with another kind, amount or items", "id")
    return known


def _says(back: Back, kept: Returned) -> bool:
    if back.quantity is None and back.amount_minor is None:
        return True
    return (back.quantity, back.amount_minor) == (kept.quantity, kept.amount_minor)


def _resolved(facts: Facts, asked: Adjustment, details: Details) -> Adjustment:
    """The adjustment with its lines found and added up, and whether an order file told of it already."""
    totals = [a for a in facts.adjustments if a.of_total]
    if details.items and not (totals and details.worth_minor):
        return _of_lines(facts, asked, details.items)
    if details.items:
        asked = replace(asked, amount_minor=details.worth_minor)
    if asked.amount_minor is None or asked.of_total or not totals:
        return asked
    told = max(a.received_at for a in totals)
    is_older = details.happened_at is not None and details.happened_at <= told
    taken = takings(facts, facts.adjustments).total_minor
    is_counted = details.total_minor is not None and details.total_minor <= taken
    return replace(asked, repeats=is_older or is_counted)


def _of_lines(facts: Facts, asked: Adjustment, items: Sequence[Back]) -> Adjustment:
    content = facts.effective.content
    returned = tuple(_returned(facts, back, f"items[{n}]") for n, back in enumerate(items))
    if len({one.line for one in returned}) < len(returned):
        raise Invalid("items_invalid", "a line may be named once", "items")
    before = takings(facts, facts.adjustments)
    lines = replace(asked, amount_minor=0, items=returned)
    after = takings(facts, [*facts.adjustments, lines])
    values = line_values(content)
    for number, one in enumerate(returned):
        left = values[one.line] - before.lines[one.line]
        over = (one.quantity or 0) > _pieces_left(facts, one.line)
        if over or (one.amount_minor or 0) > left:
            raise Invalid("refund_exceeds_sale", "refunds may not exceed the line", f"items[{number}]")
    amount = sum(after.lines) - sum(before.lines)
    if amount == 0:
        raise Invalid("amount_invalid", "a refund's amount must be at least 1", "items")
    return replace(lines, amount_minor=amount)


def unplaced(items: Sequence[Back]) -> tuple[Returned, ...]:
    """Lines of an order that is not known yet; where each stands is found by its product."""
    return tuple(Returned(_NOWHERE, back.sku or "", back.quantity) for back in items)


def _pieces_left(facts: Facts, line: int) -> int:
    content = facts.effective.content
    told = (i for a in facts.adjustments for i in a.items if position_of(i, content) == line)
    return content.items[line].quantity - sum(i.quantity or 0 for i in told)


def _returned(facts: Facts, back: Back, field: str) -> Returned:
    """The line that is meant; all that is left of it where neither quantity nor amount is told."""
    content = facts.effective.content
    lines = [
        position
        for position, item in enumerate(content.items)
        if back.line in {None, position} and back.sku in {None, item.sku}
    ]
    if not lines or (back.line is None and back.sku is None):
        raise Invalid("item_unknown", "the order has no such line", field)
    if len(lines) > 1:
        raise Invalid("items_invalid", "several lines have this sku: name the line", field)
    if back.quantity is not None and back.amount_minor is not None:
        raise Invalid("items_invalid", "give a quantity or an amount", field)
    item = content.items[lines[0]]
    if back.quantity is not None and back.quantity < 1:
        raise Invalid("items_invalid", "quantity must be at least 1", f"{field}.quantity")
    if back.amount_minor is not None:
        if check_amount(back.amount_minor, f"{field}.amount") == 0:
            raise Invalid("amount_invalid", "a refund's amount must be at least 1", f"{field}.amount")
        return Returned(lines[0], item.sku, None, back.amount_minor)
    return Returned(lines[0], item.sku, back.quantity or max(_pieces_left(facts, lines[0]), 1))


def _check_possible(facts: Facts, adjustment: Adjustment) -> None:
    """Refuse what can't be; a chargeback takes no notice of what was refunded before."""
    check_count(len(facts.adjustments))
    if facts.rejected_at is not None:
        raise Conflict("conversion_rejected", "the conversion is rejected already")
    amount = facts.effective.content.amount_minor
    if adjustment.kind is AdjustmentKind.CHARGEBACK:
        total = adjustment.amount_minor or 0
    else:
        if reversed_part(facts, facts.adjustments) == 1:
            raise Conflict("conversion_reversed", "the conversion is reversed already")
        total = takings(facts, [*facts.adjustments, adjustment]).total_minor
    if adjustment.amount_minor is not None and total > amount:
        raise Invalid("refund_exceeds_sale", "refunds may not exceed the sale", "amount")


def check_count(count: int) -> None:
    """Refuse one more than a conversion takes.

    Raises:
        Invalid: `adjustments_exhausted`.
    """
    if count >= MAX_ADJUSTMENTS:
        raise Invalid("adjustments_exhausted", f"a conversion takes {MAX_ADJUSTMENTS} adjustments")
