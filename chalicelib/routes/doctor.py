"""`/v1/programs/{program}/doctor`: check-ups of a program's tracking, in test mode."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.checkup import Checkup, Fact, Step, TestOrder
from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import doctor, walking

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class NewCheckup(Body, frozen=True, kw_only=True):
    """A check-up; with `walk` false it only gives a test link, and watches what is done with it.

    `event` is that of the first commission by default, `destination` the program's default URL; `partner`
    is credited, so that terms for one partner can be tried.
    """

    walk: bool = True
    event: str | None = None
    destination: str | None = None
    partner: str | None = None


class FindingView(View, frozen=True, kw_only=True):
    """Something that is wrong, and how to mend it; `fails` false where it works all the same."""

    code: str
    message: str
    remedy: str
    fails: bool


class StageView(View, frozen=True, kw_only=True):
    """One stage; `state` is `waiting`, `passed`, `warned`, `failed` or `skipped`."""

    stage: str
    state: str
    findings: list[FindingView]
    seen: dict[str, str]


class FactView(View, frozen=True, kw_only=True):
    """Something that came with the test link or its click id: a `click`, or a `landing` that the tag told."""

    kind: str
    at: str
    seen: dict[str, str]


class TestOrderView(View, frozen=True, kw_only=True):
    """An order told in the check-up, and what it would earn."""

    id: str
    method: str
    event: str
    order_id: str
    amount: int
    currency: str
    outcome: str
    state: str
    reason: str
    partner: str | None
    commission: int
    commission_currency: str
    received_at: str
    adjustments: list[str]


class CheckupView(View, frozen=True, kw_only=True):
    """A check-up; `state` is the worst of its stages, `waiting` while it goes on."""

    id: str
    program: str
    url: str
    walks: bool
    state: str
    partner: str
    destination: str | None
    created_at: str
    open_until: str
    stages: list[StageView]


class SeenView(CheckupView, frozen=True, kw_only=True):
    """A check-up, with all that came with its link."""

    facts: list[FactView]
    orders: list[TestOrderView]


@bp.route("/v1/programs/{program}/doctor", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewCheckup, returns=CheckupView, status=202, scopes=_MERCHANTS)
def start_checkup(call: Call[NewCheckup]) -> CheckupView:
    """Start a check-up: click, landing, conversion, retry and refund, apart from all real numbers."""
    call.caller.require_program(call.path["program"])
    body = call.body
    found = doctor.start(
        call.stores,
        call.path["program"],
        call.now,
        walks=body.walk,
        event=body.event,
        wanted=body.destination,
        partner=body.partner,
    )
    return CheckupView(**_shared(call, found))


@bp.route("/v1/programs/{program}/doctor", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[CheckupView], scopes=_MERCHANTS, query=paging.QUERY)
def list_checkups(call: Call[None]) -> paging.Listing[CheckupView]:
    """The check-ups of the last seven days, the newest first."""
    call.caller.require_program(call.path["program"])
    program = call.stores.catalogue.program(call.path["program"])
    limit, start = paging.wanted(call)
    found, next_key = doctor.latest(call.stores, program.id, limit, start, call.now)
    return paging.listing(call, [CheckupView(**_shared(call, one)) for one in found], next_key)


@bp.route("/v1/programs/{program}/doctor/{checkup}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=SeenView, scopes=_MERCHANTS)
def get_checkup(call: Call[None]) -> SeenView:
    """How far a check-up is, what it found, and what came with its link."""
    call.caller.require_program(call.path["program"])
    program = call.stores.catalogue.program(call.path["program"])
    seen = doctor.look(call.stores, program.id, call.path["checkup"], call.now)
    return SeenView(
        **_shared(call, seen.checkup),
        facts=[_fact_view(fact) for fact in seen.facts],
        orders=[_order_view(order) for order in seen.orders],
    )


def _shared(call: Call[Any], found: Checkup) -> dict[str, Any]:
    return {
        "id": found.id,
        "program": found.program,
        "url": doctor.url_of(call.stores, found),
        "walks": found.walks,
        "state": walking.verdict(found.steps),
        "partner": found.partner,
        "destination": found.destination,
        "created_at": format_instant(found.created_at),
        "open_until": format_instant(found.open_until),
        "stages": [_stage_view(step) for step in found.steps],
    }


def _stage_view(step: Step) -> StageView:
    findings = [
        FindingView(code=one.code, message=one.message, remedy=one.remedy, fails=one.fails)
        for one in step.findings
    ]
    return StageView(stage=step.stage, state=step.mark, findings=findings, seen=dict(step.seen))


def _fact_view(fact: Fact) -> FactView:
    return FactView(kind=fact.kind, at=format_instant(fact.at), seen=dict(fact.seen))


def _order_view(order: TestOrder) -> TestOrderView:
    report = order.report
    return TestOrderView(
        id=order.id,
        method=report.method,
        event=report.event,
        order_id=report.order_id,
        amount=report.content.amount_minor,
        currency=report.content.currency,
        outcome=order.outcome,
        state=order.state,
        reason=order.reason,
        partner=order.partner,
        commission=order.commission_minor,
        commission_currency=order.currency,
        received_at=format_instant(report.received_at),
        adjustments=[one.kind for one in order.adjustments],
    )
