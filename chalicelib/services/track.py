"""Leads and sales as Dub's customers tell them: a customer is the thread that ties them to a click.

A lead's order is its customer, so one customer is one lead of each name. A sale's order is its invoice, or
the `Idempotency-Key` of the call; a sale with neither could not be told from its own retry, and is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.conversion import Content
from chalicelib.domain.errors import Invalid
from chalicelib.domain.incoming import Incoming, check_customer_id
from chalicelib.domain.program import Method, Program
from chalicelib.services import capture, evidence, identities
from chalicelib.services.carts.lines import email_of
from chalicelib.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Lead:
    """Somebody became a customer, perhaps after a click."""

    event: str
    customer_id: str
    click_id: str | None
    customer_email: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """A customer bought something; `order_id` None where neither an invoice nor a key was told."""

    event: str
    customer_id: str
    content: Content
    order_id: str | None
    click_id: str | None
    customer_email: str | None = None


def record_lead(stores: Stores, program: Program, lead: Lead, now: datetime) -> None:
    """Record the lead, and keep whose device it was.

    Raises:
        Invalid: `customer_id_invalid`, and what `capture.record` raises.
    """
    customer = evidence.customer_hash(stores, program.id, check_customer_id(lead.customer_id))
    incoming = Incoming(
        event=lead.event,
        order_id=f"customer-{customer}",
        content=Content(0, program.currency),
        method=Method.API,
        click_id=lead.click_id,
        customer_id=lead.customer_id,
        customer_email=email_of(lead.customer_email),
    )
    _record(stores, program, incoming, now)


def record_sale(stores: Stores, program: Program, sale: Sale, now: datetime) -> None:
    """Record the sale; the customer's clicks are found by the lead that came before.

    Raises:
        Invalid: `order_id_missing`, `customer_id_invalid`, and what `capture.record` raises.
        Conflict: `order_conflict`.
    """
    if not sale.order_id:
        raise Invalid("order_id_missing", "name the invoice, or send an Idempotency-Key", "invoiceId")
    incoming = Incoming(
        event=sale.event,
        order_id=sale.order_id,
        content=sale.content,
        method=Method.API,
        click_id=sale.click_id,
        customer_id=check_customer_id(sale.customer_id),
        customer_email=email_of(sale.customer_email),
    )
    _record(stores, program, incoming, now)


def _record(stores: Stores, program: Program, incoming: Incoming, now: datetime) -> None:
    capture.record(stores, program, incoming, now)
    if incoming.click_id and incoming.customer_id and evidence.read_click_id(stores, incoming.click_id):
        identities.link(stores, program, incoming.customer_id, incoming.click_id, now)
