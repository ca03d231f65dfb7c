"""Entries by hand over the API: bonuses and corrections, each with a reason and the key that asked for it."""

from chalice import Blueprint

from chalicelib.domain.booking import Manual, ManualKind
from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.routes.payouts import program_of
from chalicelib.routes.receipts import AmountView
from chalicelib.services import manual

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class NewEntry(Body):
    """A bonus or a correction by hand; a correction's amount may be negative."""

    id: str
    partner: str
    kind: ManualKind
    amount: int
    currency: str
    reason: str
    conversion: str | None = None


class ManualEntryView(View):
    """An entry that was booked by hand: by whom (`actor`, the key) and why."""

    id: str
    kind: str
    entry: str
    month: str
    booked_at: str
    partner: str
    amount: AmountView
    conversion: str | None
    reverses: str | None
    reason: str
    actor: str


@bp.route("/v1/programs/{program}/entries", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewEntry, returns=ManualEntryView, status=201, scopes=_MERCHANTS)
def book_entry(call: Call[NewEntry]) -> Reply[ManualEntryView]:
    """Book a bonus or a correction by hand; the same id and content again answers 200 with what is there."""
    program = program_of(call)
    body = call.body
    wanted = Manual(
        body.id,
        body.partner,
        body.kind,
        body.amount,
        body.currency,
        body.reason,
        call.caller.name,
        body.conversion,
    )
    booked = manual.book(call.stores, program, wanted, call.now)
    return Reply(_view(body.id, booked.kept), 200 if booked.duplicate else 201)


@bp.route("/v1/programs/{program}/entries", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[ManualEntryView], scopes=_MERCHANTS, query=paging.QUERY)
def list_entries(call: Call[None]) -> paging.Listing[ManualEntryView]:
    """The bonuses and corrections that were booked by hand, in order of their ids."""
    program = program_of(call)
    limit, start = paging.wanted(call)
    found, next_key = manual.list_page(call.stores, program, limit, start)
    return paging.listing(call, [_view(kept.wanted.id, kept) for kept in found], next_key)


def _view(name: str, kept: manual.Kept) -> ManualEntryView:
    entry, wanted = kept.entry, kept.wanted
    return ManualEntryView(
        id=name,
        kind=wanted.kind,
        entry=entry.id,
        month=str(entry.month),
        booked_at=format_instant(entry.booked_at),
        partner=entry.partner,
        amount=AmountView(amount=entry.commission_minor, currency=entry.currency),
        conversion=wanted.conversion,
        reverses=entry.reverses,
        reason=entry.reason,
        actor=wanted.actor,
    )
