"""`/v1/reviews`: conversions that wait for a person, and what the person decides."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.routes.receipts import CheckView, CreditView, check_views, credit_view
from chalicelib.routes.replies import error_object, status_of
from chalicelib.services import access, reviews
from chalicelib.services.reviews import Held, Reviewed

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class NewReview(Body):
    """One decision (`approve` or `reject`) about up to 100 conversions, and the reason."""

    program: str
    decision: AdjustmentKind
    conversions: list[str]
    reason: str


class HeldView(View):
    """A conversion that waits for a person: what it would pay to whom, and what was seen of it."""

    conversion: str
    event: str
    order_id: str
    amount: int
    currency: str
    method: str
    occurred_at: str
    received_at: str
    reason: str
    credits: list[CreditView]
    checks: list[CheckView]


class ReviewView(View):
    """A result for each conversion, in their order: its state, or an error."""

    results: list[dict[str, Any]]


@bp.route("/v1/reviews", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[HeldView], scopes=_MERCHANTS, query=("program", *paging.QUERY))
def list_reviews(call: Call[None]) -> paging.Listing[HeldView]:
    """A program's conversions that wait for a person, with the checks that stopped them."""
    program = access.program_of(call.stores, call.caller, call.query.get("program", ""))
    limit, start = paging.wanted(call)
    held, next_key = reviews.queue_page(call.stores, program, limit, start)
    return paging.listing(call, [_held_view(one) for one in held], next_key)


@bp.route("/v1/reviews", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewReview, returns=ReviewView, scopes=_MERCHANTS)
def create_review(call: Call[NewReview]) -> ReviewView:
    """Approve or reject conversions; the same decision again changes nothing."""
    program = access.program_of(call.stores, call.caller, call.body.program)
    body = call.body
    done = reviews.decide_all(call.stores, program, body.decision, body.conversions, body.reason, call.now)
    return ReviewView(results=[_result(one) for one in done])


def _held_view(held: Held) -> HeldView:
    report = held.conversion.facts.effective
    return HeldView(
        conversion=held.conversion.facts.id,
        event=report.event,
        order_id=report.order_id,
        amount=report.content.amount_minor,
        currency=report.content.currency,
        method=report.method,
        occurred_at=format_instant(report.occurred_at),
        received_at=format_instant(held.conversion.facts.report.received_at),
        reason=held.decision.reason,
        credits=[credit_view(credit, held.decision) for credit in held.decision.credits],
        checks=check_views(held.decision, None),
    )


def _result(one: Reviewed) -> dict[str, Any]:
    if one.error is not None:
        error = error_object(one.error)
        return {"conversion": one.conversion, "status": status_of(one.error), "error": error}
    return {"conversion": one.conversion, "status": 200, "state": one.state, "duplicate": one.duplicate}
