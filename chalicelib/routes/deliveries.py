"""`GET /v1/programs/{program}/tracking`: review a program's tracking set-up."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.deliveries import hints_of, hints_of_program
from chalicelib.domain.period import format_instant
from chalicelib.domain.program import BROWSER_METHODS
from chalicelib.domain.terms import Attribution
from chalicelib.routes.endpoint import Call, View, endpoint
from chalicelib.services import deliveries

bp = Blueprint(__name__)


class MethodView(View):
    """What a method delivered: counts of orders by the outcome that they had when they came, or `confirmed`.

    `signed` says that only somebody with a credential can send by it; `window_days` is of the newest terms.
    Days are UTC.
    """

    method: str
    allowed: bool
    signed: bool
    window_days: int
    last_received_at: str | None
    today: dict[str, int]
    last_30_days: dict[str, int]
    hints: list[str]


class TrackingView(View):
    """What each method delivered, and hints at what may be wrong with the set-up."""

    program: str
    hints: list[str]
    methods: list[MethodView]


@bp.route("/v1/programs/{program}/tracking", methods=["GET"], content_types=["*/*"])
@endpoint(returns=TrackingView, scopes={Scope.ADMIN, Scope.MERCHANT})
def get_tracking(call: Call[None]) -> TrackingView:
    """Review the tracking set-up: what each method delivered last."""
    call.caller.require_program(call.path["program"])
    program = call.stores.catalogue.program(call.path["program"])
    versions = call.stores.catalogue.terms(program.id)
    windows = versions[-1].attribution if versions else Attribution()
    delivered = deliveries.review(call.stores, program, call.now)
    return TrackingView(
        program=program.id,
        hints=list(hints_of_program(delivered)),
        methods=[
            MethodView(
                method=one.method,
                allowed=one.is_allowed,
                signed=one.method not in BROWSER_METHODS,
                window_days=windows.window_days_for(one.method),
                last_received_at=format_instant(one.last_at) if one.last_at else None,
                today=dict(one.today),
                last_30_days=dict(one.recent),
                hints=list(hints_of(one, delivered, call.now)),
            )
            for one in delivered
        ],
    )
