"""`/v1/programs/{program}/applications`: who wants to become a partner, and what the merchant decides."""

from chalice import Blueprint

from chalicelib.domain.application import Application, Decision
from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Invalid
from chalicelib.domain.period import format_instant
from chalicelib.domain.program import Program
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.services import access, applications

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class NewApplication(Body):
    """What somebody told who wants to become a partner; `site` is where links would be shared."""

    name: str
    email: str
    site: str = ""
    note: str = ""


class ApplicationView(View):
    """An application. `decision` is `waiting`, `approved` or `declined`; `partner` whom an approval made."""

    id: str
    program: str
    name: str
    email: str
    site: str
    note: str
    applied_at: str
    decision: str
    partner: str | None


@bp.route("/v1/programs/{program}/applications", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[ApplicationView], scopes=_MERCHANTS, query=("decision", *paging.QUERY))
def list_applications(call: Call[None]) -> paging.Listing[ApplicationView]:
    """List a program's applications: all, or those with this decision. A page may hold fewer than `limit`."""
    program = _program(call)
    limit, start = paging.wanted(call)
    text = call.query.get("decision")
    if text is not None and text not in set(Decision):
        raise Invalid("decision_unknown", f"decision is one of {', '.join(Decision)}", "decision")
    decision = Decision(text) if text is not None else None
    found, next_key = applications.list_page(call.stores, program, decision, limit, start)
    return paging.listing(call, [_view(one) for one in found], next_key)


@bp.route("/v1/programs/{program}/applications", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewApplication, returns=ApplicationView, status=201, scopes=_MERCHANTS)
def create_application(call: Call[NewApplication]) -> Reply[ApplicationView]:
    """Hand in what a form of your own took. An address has one application: told again while it waits, the
    newer one counts (201); once it is decided, it answers 200 with the decision."""
    program, body = _program(call), call.body
    told = Application("", program.id, body.name, body.email, body.site, body.note, call.now)
    kept, is_new = applications.take(call.stores, told)
    return Reply(_view(kept), 201 if is_new else 200)


@bp.route("/v1/programs/{program}/applications/{application}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=ApplicationView, scopes=_MERCHANTS)
def get_application(call: Call[None]) -> ApplicationView:
    """Get an application."""
    return _view(applications.get(call.stores, _program(call), call.path["application"]))


@bp.route(
    "/v1/programs/{program}/applications/{application}/approve", methods=["POST"], content_types=["*/*"]
)
@endpoint(returns=ApplicationView, scopes=_MERCHANTS)
def approve_application(call: Call[None]) -> ApplicationView:
    """Approve an application: makes the partner, enrols it and tells it by mail; again, it changes nothing.

    One that was declined stays so: 409. Of an approval and a refusal at the same time, one wins.
    """
    program = _program(call)
    return _view(applications.approve(call.stores, program, call.path["application"], call.now))


@bp.route(
    "/v1/programs/{program}/applications/{application}/decline", methods=["POST"], content_types=["*/*"]
)
@endpoint(returns=ApplicationView, scopes=_MERCHANTS)
def decline_application(call: Call[None]) -> ApplicationView:
    """Decline an application; again, it changes nothing. One that was approved stays so: 409."""
    return _view(applications.decline(call.stores, _program(call), call.path["application"]))


def _program(call: Call[None] | Call[NewApplication]) -> Program:
    return access.program_of(call.stores, call.caller, call.path["program"])


def _view(one: Application) -> ApplicationView:
    return ApplicationView(
        id=one.id,
        program=one.program,
        name=one.name,
        email=one.email,
        site=one.site,
        note=one.note,
        applied_at=format_instant(one.told_at),
        decision=one.decision,
        partner=one.partner,
    )
