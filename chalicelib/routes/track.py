"""`/v1/track/lead` and `/v1/track/sale`: Dub's conversion tracking (dub.co/docs/api-reference/track).

A team that calls Dub switches by the host and the key. The key is bound to a program, as Dub's is to a
workspace; an administrator's names it with `?program=`.
"""

from typing import Annotated, Any

import msgspec
from chalice import Blueprint

from chalicelib.domain.conversion import Content
from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Invalid
from chalicelib.domain.program import Program
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import track

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}
Text = Annotated[str, msgspec.Meta(max_length=500)]


class TrackedLead(Body, frozen=True, kw_only=True):
    """A lead; what is told of the customer beside the id is not kept, of the address only an HMAC."""

    eventName: Text
    customerExternalId: Text | None = None
    externalId: Text | None = None
    clickId: Text | None = None
    customerName: Text | None = None
    customerEmail: Text | None = None
    customerAvatar: Text | None = None
    mode: Text | None = None
    eventQuantity: int | None = None
    metadata: dict[str, Any] | None = None


class TrackedSale(Body, frozen=True, kw_only=True):
    """A sale; `amount` in minor units."""

    amount: int
    customerExternalId: Text | None = None
    externalId: Text | None = None
    currency: Text = "usd"
    eventName: Text = "Purchase"
    invoiceId: Text | None = None
    paymentProcessor: Text | None = None
    leadEventName: Text | None = None
    clickId: Text | None = None
    customerName: Text | None = None
    customerEmail: Text | None = None
    customerAvatar: Text | None = None
    metadata: dict[str, Any] | None = None


class TrackedClick(View, frozen=True, kw_only=True):
    """The click that was told."""

    id: str | None


class TrackedCustomer(View, frozen=True, kw_only=True):
    """The customer that was told."""

    externalId: str


class LeadView(View, frozen=True, kw_only=True):
    """The lead as it was taken."""

    click: TrackedClick
    customer: TrackedCustomer


class SaleView(View, frozen=True, kw_only=True):
    """The sale as it was taken."""

    eventName: str
    customer: TrackedCustomer
    amount: int
    currency: str
    invoiceId: str | None


@bp.route("/v1/track/lead", methods=["POST"], content_types=["*/*"])
@endpoint(
    body=TrackedLead, returns=LeadView, scopes=_MERCHANTS, query=("program",), passed_over=("metadata",)
)
def track_lead(call: Call[TrackedLead]) -> LeadView:
    """Record a lead as Dub's API does."""
    customer = _customer(call.body.customerExternalId, call.body.externalId)
    lead = track.Lead(call.body.eventName, customer, call.body.clickId or None, call.body.customerEmail)
    track.record_lead(call.stores, _program(call), lead, call.now)
    return LeadView(click=TrackedClick(id=lead.click_id), customer=TrackedCustomer(externalId=customer))


@bp.route("/v1/track/sale", methods=["POST"], content_types=["*/*"])
@endpoint(
    body=TrackedSale, returns=SaleView, scopes=_MERCHANTS, query=("program",), passed_over=("metadata",)
)
def track_sale(call: Call[TrackedSale]) -> SaleView:
    """Record a sale as Dub's API does; `invoiceId`, or an `Idempotency-Key`, makes a retry safe."""
    body = call.body
    customer = _customer(body.customerExternalId, body.externalId)
    order_id = body.invoiceId or call.headers.get("idempotency-key")
    content = Content(body.amount, body.currency.upper())
    sale = track.Sale(body.eventName, customer, content, order_id, body.clickId or None, body.customerEmail)
    track.record_sale(call.stores, _program(call), sale, call.now)
    return SaleView(
        eventName=body.eventName,
        customer=TrackedCustomer(externalId=customer),
        amount=body.amount,
        currency=body.currency,
        invoiceId=body.invoiceId,
    )


def _customer(*told: str | None) -> str:
    found = next((customer for customer in told if customer), None)
    if found is None:
        raise Invalid("field_required", "this field is required", "customerExternalId")
    return found


def _program(call: Call[Any]) -> Program:
    named = call.query.get("program") or call.caller.program
    if not named:
        raise Invalid("program_missing", "use a key of one program, or name it with ?program=", "program")
    call.caller.require_program(named)
    return call.stores.catalogue.program(named)
