"""Customers and their devices: a log-in links a journey to a customer, and so to the customer's orders."""

import hashlib
from datetime import datetime, timedelta

from chalicelib.domain.errors import Invalid, Unavailable
from chalicelib.domain.program import Program
from chalicelib.domain.terms import longest_window_days
from chalicelib.services import capture, evidence
from chalicelib.storage.conversions import Evidence
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

_ATTEMPTS = 8


def link(stores: Stores, program: Program, customer_id: str, click_id: str, now: datetime) -> None:
    """Keep that the journey of this click is this customer's, and decide the customer's orders again.

    Nothing is kept of a customer that was erased.

    The device is kept before the customer's conversions are read; see `evidence.gather`.

    Raises:
        Invalid: `customer_id_invalid`, `click_id_invalid` (not one of ours).
    """
    customer = evidence.customer_hash(stores, program.id, capture.check_customer_id(customer_id))
    token = evidence.read_click_id(stores, click_id)
    if stores.erasures.has_begun(program.id, customer):
        return
    if token is None or not _leads_here(stores, program, token.link_id):
        raise Invalid("click_id_invalid", "click_id is not a click of this program", "click_id")
    kept_days = longest_window_days(stores.catalogue.terms(program.id)) + program.late_days
    expires = now + timedelta(days=kept_days)
    stores.identities.add_visitor(program.id, customer, token.visitor, expires)
    for conversion in stores.identities.known(program.id, customer, now).conversions:
        _add_journey(stores, program, conversion, token.visitor, now)


def unlink(stores: Stores, program: Program, customer_id: str, click_id: str) -> None:
    """Forget that the journey of this click is this customer's; orders keep the touches that they have.

    Raises:
        Invalid: `customer_id_invalid`, `click_id_invalid` (not one of ours).
    """
    customer = evidence.customer_hash(stores, program.id, capture.check_customer_id(customer_id))
    token = evidence.read_click_id(stores, click_id)
    if token is None:
        raise Invalid("click_id_invalid", "click_id is not a click of this program", "click_id")
    stores.identities.remove_visitor(program.id, customer, token.visitor)


def forget(stores: Stores, program: Program, customer_id: str, now: datetime) -> None:
    """Forget which devices are this customer's, and let no other one lead to its orders so far.

    What is on record of the orders stays as it is; `erasures` takes the person out of that, too.

    Raises:
        Invalid: `customer_id_invalid`.
    """
    customer = evidence.customer_hash(stores, program.id, capture.check_customer_id(customer_id))
    stores.identities.forget(program.id, customer, now)


def _key(visitor: str) -> str:
    """Names the evidence of a journey without naming the journey, which is a person's device."""
    return hashlib.sha256(f"visitor {visitor}".encode()).hexdigest()[:24]


def _leads_here(stores: Stores, program: Program, link_id: str) -> bool:
    link = stores.links.find_by_id(link_id)
    return link is not None and link.program == program.id


def _add_journey(stores: Stores, program: Program, conversion: str, visitor: str, now: datetime) -> None:
    """Copy the journey's touches into a conversion of the customer, also one that is just being recorded."""
    for _ in range(_ATTEMPTS):
        found = stores.conversions.find(conversion)
        at = found.facts.effective.occurred_at if found else now
        touches = evidence.touches_of_visitor(stores, program, visitor, at, now)
        try:
            if found:
                email = found.facts.effective.email or found.facts.report.email
                own = evidence.own_purchases(stores, program, email, touches)
                capture.add_news(stores, found, Evidence(touches, signals=own), now)
            elif touches:
                stores.conversions.leave_evidence(conversion, _key(visitor), Evidence(touches), now)
        except ConditionFailed:
            continue
        return
    raise Unavailable("storage_busy", "the customer's orders are being changed by others; try again")
