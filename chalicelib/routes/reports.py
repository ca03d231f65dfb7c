"""`/v1/reports`: what partners and channels are worth, beside the model that pays."""

import msgspec
from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import Month
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import worth

bp = Blueprint(__name__)


class NewReport(Body):
    """The months (such as 2026-09) whose sales are looked at, both included; `to` is `from` if left out."""

    program: str
    from_: str = msgspec.field(name="from")
    to: str | None = None


class ReportView(View):
    """The job that was started; `GET /v1/jobs/{job}` says how far it is, and then what the report says."""

    job: str
    state: str


@bp.route("/v1/reports", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewReport, returns=ReportView, status=202, scopes={Scope.ADMIN, Scope.MERCHANT})
def create_report(call: Call[NewReport]) -> ReportView:
    """Start a report: what each partner and channel is worth under seven models, side by side."""
    call.caller.require_program(call.body.program)
    first = Month.parse(call.body.from_, "from")
    last = first if call.body.to is None else Month.parse(call.body.to, "to")
    job = worth.ask(call.stores, call.body.program, first, last, call.now)
    return ReportView(job=job.id, state=job.state)
