"""`GET /v1/programs/{program}/tracking`: review a program's tracking set-up."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import format_instant
from chalicelib.domain.program import BROWSER_METHODS
from chalicelib.domain.terms import Attribution
from chalicelib.routes.endpoint import Call, View, endpoint
from chalicelib.services import tracking_review

bp = Blueprint(__name__)


class MethodView(View):
    """What a method delivered: counts of orders by the outcome that they had when they came, or `confirmed`.

    `signed` says that only somebody with a credential can send by it; `window_days` is of the newest terms.
    Of the orders that this method told first, `marks` counts those `without_click`, `ahead` (their time lies
    in our future) and `hours_off` (back by a difference of time zones), and `currencies` by currency;
    of those after that, some `added` evidence, `repeated` what was known, or were `conflicting`. Both are of
    the last 30 days; days are those of the program's time zone.
    """

    method: str
    allowed: bool
    signed: bool
    window_days: int
    last_received_at: str | None
    today: dict[str, int]
    last_30_days: dict[str, int]
    marks: dict[str, int]
    currencies: dict[str, int]
    hints: list[str]


class TrackingView(View):
    """What each method delivered, and hints at what may be wrong with the set-up.

    `unsigned_bp` is the part of the orders of 30 days that only a browser told, in basis points; null where
    none came.
    """

    program: str
    unsigned_bp: int | None
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
    found = tracking_review.review(call.stores, program, call.now)
    return TrackingView(
        program=program.id,
        unsigned_bp=found.unsigned_bp,
        hints=list(found.hints),
        methods=[
            MethodView(
                method=one.method,
                allowed=one.is_allowed,
                signed=one.method not in BROWSER_METHODS,
                window_days=windows.window_days_for(one.method),
                last_received_at=format_instant(one.last_at) if one.last_at else None,
                today=dict(one.today),
                last_30_days=dict(one.recent),
                marks=dict(one.marks),
                currencies=dict(one.currencies),
                hints=list(hints),
            )
            for one, hints in found.methods
        ],
    )
