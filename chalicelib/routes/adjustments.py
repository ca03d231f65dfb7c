"""Adjustments of conversions over the API: refunds, chargebacks, voids, approvals and rejections."""

from chalice import Blueprint

from chalicelib.domain.adjusting import Back, Details
from chalicelib.domain.conversion import Adjustment, AdjustmentKind
from chalicelib.domain.errors import Invalid
from chalicelib.domain.incoming import MAX_ITEMS
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.conversions import MERCHANTS, find_own, unknown
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.routes.idempotency import id_of, read_key
from chalicelib.services import adjustments, checkups

bp = Blueprint(__name__)


class ReturnedItem(Body, frozen=True, kw_only=True):
    """A line of the order that came back, by its position from 0 (`line`), its `sku`, or both.

    `quantity` says how many of it, `amount` how much (minor units); without either it is all that is left.
    """

    line: int | None = None
    sku: str | None = None
    quantity: int | None = None
    amount: int | None = None


class NewAdjustment(Body, frozen=True, kw_only=True):
    """What is done to a conversion; a refund without amount and items takes all that is left.

    `id` may be left out where an `Idempotency-Key` header names it; `program` is needed where the call is
    signed.
    """

    id: str | None = None
    kind: AdjustmentKind
    reason: str = ""
    amount: int | None = None
    items: list[ReturnedItem] | None = None
    program: str | None = None


class ReturnedView(View, frozen=True, kw_only=True):
    """A line that came back: how many pieces, or how much of it."""

    line: int
    sku: str
    quantity: int | None
    amount: int | None


class AdjustmentView(View, frozen=True, kw_only=True):
    """An adjustment, and the conversion's state after it; `amount` null took all that was left."""

    id: str
    conversion: str
    kind: str
    amount: int | None
    items: list[ReturnedView]
    reason: str
    received_at: str
    state: str
    duplicate: bool


class KeptAdjustmentView(View, frozen=True, kw_only=True):
    """An adjustment as it is kept; `amount` null took all that was left.

    `repeats` says that an order file had told of this refund before, and that it took nothing again.
    """

    id: str
    kind: str
    amount: int | None
    items: list[ReturnedView]
    reason: str
    received_at: str
    repeats: bool


@bp.route("/v1/conversions/{conversion}/adjustments", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewAdjustment, returns=AdjustmentView, status=201, scopes=MERCHANTS, signed=True)
def create_adjustment(call: Call[NewAdjustment]) -> Reply[AdjustmentView]:
    """Refund, charge back, void, approve or reject; the same id again changes nothing."""
    body, key = call.body, read_key(call.headers)
    named = body.id if body.id is not None or key is None else id_of(key)
    if named is None:
        raise Invalid("field_required", "give an id, or send an Idempotency-Key", "id")
    conversion = call.path["conversion"]
    tested = checkups.find_order(call.stores, conversion, call.now)
    program = tested.checkup.program if tested else find_own(call).facts.report.program
    if body.program not in {None, program} or not call.caller.may_touch_program(program):
        raise unknown()
    items = [Back(i.line, i.sku, i.quantity, i.amount) for i in body.items or []]
    if body.items is not None and not 1 <= len(items) <= MAX_ITEMS:
        raise Invalid("items_invalid", f"items are 1 to {MAX_ITEMS}", "items")
    details = Details(items)
    adjust = checkups.adjust if tested else adjustments.adjust
    adjusted = adjust(call.stores, conversion, named, body.kind, body.amount, body.reason, call.now, details)
    kept = adjusted.adjustment
    view = AdjustmentView(
        id=kept.id,
        conversion=conversion,
        kind=kept.kind,
        amount=kept.amount_minor,
        items=_returned_views(kept),
        reason=kept.reason,
        received_at=format_instant(kept.received_at),
        state=adjusted.state,
        duplicate=adjusted.duplicate,
    )
    return Reply(view, 200 if adjusted.duplicate else 201)


@bp.route("/v1/conversions/{conversion}/adjustments", methods=["GET"], content_types=["*/*"])
@endpoint(
    returns=paging.Listing[KeptAdjustmentView],
    scopes=MERCHANTS,
    query=("program", *paging.QUERY),
    signed=True,
)
def list_adjustments(call: Call[None]) -> paging.Listing[KeptAdjustmentView]:
    """What was done to a conversion, in the order in which it was told."""
    limit, start = paging.wanted(call)
    found = find_own(call).facts.adjustments
    begin = start["at"] if start else 0
    page = found[begin : begin + limit]
    more = begin + limit < len(found)
    views = [
        KeptAdjustmentView(
            id=kept.id,
            kind=kept.kind,
            amount=kept.amount_minor,
            items=_returned_views(kept),
            reason=kept.reason,
            received_at=format_instant(kept.received_at),
            repeats=kept.repeats,
        )
        for kept in page
    ]
    return paging.listing(call, views, {"at": begin + limit} if more else None)


def _returned_views(kept: Adjustment) -> list[ReturnedView]:
    return [
        ReturnedView(line=i.line, sku=i.sku, quantity=i.quantity, amount=i.amount_minor) for i in kept.items
    ]
