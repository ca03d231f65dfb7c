"""`/v1/simulations`: what draft terms would have paid for a past month."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import Month
from chalicelib.domain.terms import Terms
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.routes.terms_bodies import NewTerms, monthly_of, parts_of
from chalicelib.services import simulation_jobs

bp = Blueprint(__name__)


class NewSimulation(Body):
    """Draft terms, and the month (such as 2026-09) whose conversions they are run over."""

    program: str
    month: str
    terms: NewTerms


class SimulationView(View):
    """The job that was started; `GET /v1/jobs/{job}` says how far it is, and then the difference."""

    job: str
    state: str


@bp.route("/v1/simulations", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewSimulation, returns=SimulationView, status=202, scopes={Scope.ADMIN, Scope.MERCHANT})
def create_simulation(call: Call[NewSimulation]) -> SimulationView:
    """Start running draft terms over a past month; nothing is published or booked."""
    call.caller.require_program(call.body.program)
    attribution, hold_days, rules = parts_of(call.body.terms)
    months = monthly_of(call.body.terms)
    draft = Terms(call.body.program, 1, call.now, attribution, hold_days, tuple(rules), months)
    job = simulation_jobs.ask(call.stores, draft, Month.parse(call.body.month), call.now)
    return SimulationView(job=job.id, state=job.state)
