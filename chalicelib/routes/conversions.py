"""Conversions over the API: report, list, explain."""

from typing import Annotated, Any

from chalice import Blueprint
from msgspec import Meta

from chalicelib.domain.conversion import Content, Item, State
from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.errors import Invalid, LinkledgerError, NotFound, TooLarge
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.program import Method, Program
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.routes.idempotency import read_key
from chalicelib.routes.receipts import ReceiptView, receipt_view
from chalicelib.routes.replies import error_object, status_of
from chalicelib.routes.wire import read_element
from chalicelib.services import access, capture, conversions, own_addresses
from chalicelib.storage.conversion_queue import Listed
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.stores import Stores

bp = Blueprint(__name__)

MAX_BATCH = 500
MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}
_EVERYBODY = {Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER}


class NewItem(Body, frozen=True, kw_only=True):
    """A line of the order; `amount` is the whole line's, in minor units."""

    sku: str
    amount: int
    quantity: int = 1
    category: str | None = None


class NewConversion(Body, frozen=True, kw_only=True):
    """An order to record; `amount` in minor units of `currency`; of `customer_email` only an HMAC is kept.

    `customer_ip` is compared with where partners were today, and not kept.
    """

    program: str
    event: str
    order_id: str
    amount: int
    currency: str
    click_id: str | None = None
    coupon: str | None = None
    customer_id: str | None = None
    customer_email: str | None = None
    customer_ip: str | None = None
    occurred_at: str | None = None
    items: list[NewItem] | None = None


class NewBatch(Body, frozen=True, kw_only=True):
    """Up to 500 conversions; a signed call names one `program` for all, here or in each of them."""

    conversions: list[Annotated[Any, Meta(extra_json_schema={"type": "object"})]]
    program: str | None = None


class RecordedView(View, frozen=True, kw_only=True):
    """What became of a report; `duplicate` says that the order was known, `test` that a check-up told it."""

    id: str
    outcome: str
    state: str
    duplicate: bool
    test: bool


class BatchView(View, frozen=True, kw_only=True):
    """A result for each conversion, in their order: `status` as the single route would answer."""

    results: list[dict[str, Any]]


class ConversionView(View, frozen=True, kw_only=True):
    """A conversion as it stands."""

    id: str
    state: str
    program: str
    event: str
    order_id: str
    amount: int
    currency: str
    method: str
    occurred_at: str
    received_at: str
    partners: list[str]


@bp.route("/v1/conversions", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewConversion, returns=RecordedView, status=201, scopes=MERCHANTS, signed=True)
def create_conversion(call: Call[NewConversion]) -> Reply[RecordedView]:
    """Record a conversion; the same order again is answered with the same id and outcome."""
    read_key(call.headers)
    recorded = _record(call, call.body)
    return Reply(_recorded_view(recorded), 200 if recorded.duplicate else 201)


@bp.route("/v1/conversions/batch", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewBatch, returns=BatchView, scopes=MERCHANTS, signed=True, one_by_one=("conversions",))
def create_conversions(call: Call[NewBatch]) -> BatchView:
    """Record up to 500 conversions; each has a result of its own, and a bad one stops no other."""
    if len(call.body.conversions) > MAX_BATCH:
        raise TooLarge("batch_too_large", f"a batch takes {MAX_BATCH} conversions", "conversions")
    return BatchView(results=[_batch_result(call, raw) for raw in call.body.conversions])


@bp.route("/v1/conversions", methods=["GET"], content_types=["*/*"])
@endpoint(
    returns=paging.Listing[ConversionView],
    scopes=_EVERYBODY,
    query=("program", "state", "partner", *paging.QUERY),
    signed=True,
)
def list_conversions(call: Call[None]) -> paging.Listing[ConversionView]:
    """A program's conversions: what is not settled first, then the newest first."""
    program = _program(call, call.query.get("program", ""))
    limit, start = paging.wanted(call)
    partner = call.caller.partner if call.caller.is_partner else call.query.get("partner")
    wanted = conversions.Wanted(program, _state(call.query.get("state")), partner)
    found, next_key = conversions.list_page(call.stores, wanted, limit, start, call.now)
    return paging.listing(call, [_listed_view(listed, call.caller) for listed in found], next_key)


@bp.route("/v1/conversions/{conversion}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=ConversionView, scopes=_EVERYBODY, query=("program",), signed=True)
def get_conversion(call: Call[None]) -> ConversionView:
    """One conversion."""
    found = find_own(call)
    partners = _own(found.partners, call.caller)
    return _view(found.facts.id, found.state, found.facts.effective, partners)


@bp.route("/v1/conversions/{conversion}/receipt", methods=["GET"], content_types=["*/*"])
@endpoint(returns=ReceiptView, scopes=_EVERYBODY, query=("program",), signed=True)
def get_receipt(call: Call[None]) -> ReceiptView:
    """Why this conversion was, or was not, credited, and what was booked for it."""
    found = find_own(call)
    explained = conversions.explain(call.stores, found)
    return receipt_view(found, explained, call.caller.partner if call.caller.is_partner else None)


def _record(call: Call[Any], body: NewConversion) -> capture.Reply:
    program = _program(call, body.program)
    return capture.record(call.stores, program, _incoming(body), call.now)


def _incoming(body: NewConversion) -> Incoming:
    items = tuple(Item(i.sku, i.quantity, i.amount, i.category) for i in body.items or [])
    return Incoming(
        event=body.event,
        order_id=body.order_id,
        content=Content(body.amount, body.currency, items),
        method=Method.API,
        click_id=body.click_id,
        coupon=body.coupon,
        customer_id=body.customer_id,
        customer_email=body.customer_email,
        address=own_addresses.check(body.customer_ip),
        occurred_at=parse_instant(body.occurred_at, "occurred_at") if body.occurred_at else None,
    )


def _batch_result(call: Call[NewBatch], raw: object) -> dict[str, Any]:
    try:
        body = read_element(raw, NewConversion)
        if call.body.program not in {None, body.program}:
            raise Invalid("program_differs", "the batch is for another program", "program")
        recorded = _record(call, body)
    except LinkledgerError as error:
        return {
            "status": status_of(error),
            "error": error_object(error),
        }
    return {
        "status": 200 if recorded.duplicate else 201,
        "id": recorded.id,
        "outcome": recorded.outcome,
        "state": recorded.state,
        "duplicate": recorded.duplicate,
        "test": recorded.is_test,
    }


def _program(call: Call[Any], program_id: str) -> Program:
    return access.program_of(call.stores, call.caller, program_id)


def find_own(call: Call[Any]) -> Conversion:
    """The conversion of the path, where it is the caller's; otherwise as if there were none."""
    found = call.stores.conversions.find(call.path["conversion"])
    if found is None or not _may_see(call.stores, call.caller, found):
        raise unknown()
    if call.query.get("program") not in {None, found.facts.report.program}:
        raise unknown()
    return found


def unknown() -> NotFound:
    """The refusal of a conversion that there is not, or that is not the caller's."""
    return NotFound("conversion_unknown", "there is no such conversion")


def _may_see(stores: Stores, caller: Caller, found: Conversion) -> bool:
    if not caller.may_touch_program(found.facts.report.program):
        return False
    return not caller.is_partner or caller.partner in conversions.involved(stores, found)


def _state(text: str | None) -> State | None:
    if text is None:
        return None
    try:
        return State(text)
    except ValueError:
        raise Invalid("state_unknown", f"state is one of {', '.join(State)}", "state") from None


def _recorded_view(recorded: capture.Reply) -> RecordedView:
    return RecordedView(
        id=recorded.id,
        outcome=recorded.outcome,
        state=recorded.state,
        duplicate=recorded.duplicate,
        test=recorded.is_test,
    )


def _listed_view(listed: Listed, caller: Caller) -> ConversionView:
    return _view(listed.id, listed.state, listed.report, _own(listed.partners, caller))


def _own(partners: tuple[str, ...], caller: Caller) -> list[str]:
    return [partner for partner in partners if not caller.is_partner or partner == caller.partner]


def _view(conversion: str, state: State, report: Any, partners: list[str]) -> ConversionView:
    return ConversionView(
        id=conversion,
        state=state,
        program=report.program,
        event=report.event,
        order_id=report.order_id,
        amount=report.content.amount_minor,
        currency=report.content.currency,
        method=report.method,
        occurred_at=format_instant(report.occurred_at),
        received_at=format_instant(report.received_at),
        partners=partners,
    )
