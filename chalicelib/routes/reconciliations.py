"""Reconciliations over the API: a merchant's orders, or a partner's own list, against our conversions."""

from enum import StrEnum

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Invalid
from chalicelib.domain.incoming import check_event
from chalicelib.domain.job import Job, JobKind
from chalicelib.domain.period import Month, format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import jobs, reconciliations
from chalicelib.services.order_matching import Wanted

bp = Blueprint(__name__)

CSV = "text/csv"
_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class ListKind(StrEnum):
    """Whose list it is."""

    ORDERS = "orders"
    PARTNER = "partner"


class NewReconciliation(Body, frozen=True, kw_only=True):
    """The list, as text in `csv`; with `upload` a URL is answered that takes it instead.

    `columns` maps what is read (order_id, amount, currency, status, refunded, occurred_at, coupon, ...) to
    the file's own column names; Shopify's, WooCommerce's and plain names need none. A `text/csv` body is
    the list itself: the other fields then come as query parameters.
    """

    program: str
    kind: ListKind = ListKind.ORDERS
    partner: str | None = None
    event: str | None = None
    month: str | None = None
    columns: dict[str, str] | None = None
    csv: str | None = None
    upload: bool = False


class UploadView(View, frozen=True, kw_only=True):
    """Where the file goes: one PUT of its bytes, without a key."""

    url: str
    method: str
    expires_at: str


class StartedView(View, frozen=True, kw_only=True):
    """The job that was started; `GET /v1/jobs/{job}` says how far it is."""

    job: str
    state: str
    upload: UploadView | None = None


class ReconciliationView(View, frozen=True, kw_only=True):
    """A reconciliation: whose list, how far it is, and where in the bucket its result lies."""

    job: str
    state: str
    kind: str
    partner: str | None
    folder: str
    created_at: str
    finished_at: str | None
    done: int
    total: int
    error: str | None


@bp.route("/v1/reconciliations", methods=["POST"], content_types=["*/*"])
@endpoint(
    body=NewReconciliation,
    returns=StartedView,
    status=202,
    scopes=_MERCHANTS,
    query=("program", "kind", "partner", "event", "month"),
    media=("application/json", CSV),
)
def create_reconciliation(call: Call[NewReconciliation]) -> StartedView:
    """Start reconciling an order export, or a partner's own list, with our conversions."""
    wanted = _wanted(call)
    if not call.body.upload:
        csv = call.raw if call.is_text else (call.body.csv or "").encode()
        return _started(reconciliations.ask(call.stores, wanted, csv, call.now))
    job, url = reconciliations.ask_for_upload(call.stores, wanted, call.now)
    expires_at = format_instant(call.now + reconciliations.UPLOAD_LIFE)
    upload = UploadView(url=url, method="PUT", expires_at=expires_at)
    return StartedView(job=job.id, state=job.state, upload=upload)


@bp.route("/v1/reconciliations", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[ReconciliationView], scopes=_MERCHANTS, query=("program", *paging.QUERY))
def list_reconciliations(call: Call[None]) -> paging.Listing[ReconciliationView]:
    """A program's reconciliations, newest first; `GET /v1/jobs/{job}` has the result of each."""
    program = call.query.get("program", "")
    call.caller.require_program(program)
    call.stores.catalogue.program(program)
    limit, start = paging.wanted(call)
    found, next_key = call.stores.jobs.page(program, JobKind.RECONCILIATION, limit, start)
    return paging.listing(call, [_view(job) for job in found], next_key)


@bp.route("/v1/reconciliations/{job}/confirm", methods=["POST"], content_types=["*/*"])
@endpoint(returns=StartedView, status=202, scopes=_MERCHANTS)
def confirm_reconciliation(call: Call[None]) -> StartedView:
    """Record what was missing here, and refund or void what was taken back there; again changes nothing."""
    found = jobs.look(call.stores, call.caller, call.path["job"])
    return _started(reconciliations.recover(call.stores, found.job, call.now))


def _wanted(call: Call[NewReconciliation]) -> Wanted:
    body = call.body
    call.caller.require_program(body.program)
    if (body.kind is ListKind.PARTNER) != (body.partner is not None):
        raise Invalid("field_invalid", "partner says whose list it is, where kind is partner", "partner")
    if body.upload and body.csv is not None:
        raise Invalid("field_invalid", "what is uploaded isn't sent here", "csv")
    return Wanted(
        program=call.stores.catalogue.program(body.program),
        partner=body.partner,
        event=check_event(body.event) if body.event else None,
        month=Month.parse(body.month) if body.month else None,
        columns=body.columns or {},
    )


def _view(job: Job) -> ReconciliationView:
    return ReconciliationView(
        job=job.id,
        state=job.state,
        kind=job.request["kind"],
        partner=job.request.get("partner"),
        folder=job.folder,
        created_at=format_instant(job.created_at),
        finished_at=format_instant(job.finished_at) if job.finished_at else None,
        done=job.done,
        total=job.total,
        error=job.error[0] if job.error else None,
    )


def _started(job: Job) -> StartedView:
    return StartedView(job=job.id, state=job.state)
