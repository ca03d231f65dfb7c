"""Customers and their devices: a log-in links a journey to a customer, and so to the customer's orders."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from chalicelib.domain.errors import Invalid, Unavailable
from chalicelib.domain.facts import Facts
from chalicelib.domain.incoming import check_customer_id
from chalicelib.domain.program import Program
from chalicelib.domain.terms import longest_window_days
from chalicelib.services import additions, evidence
from chalicelib.storage.conversion_records import Evidence
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

MAX_DEVICES = 100
"""Devices of one customer at a time. Each order of the customer reads the journeys of all of them."""

MAX_TOLD_BY_BROWSERS = 20
"""Of these, how many before no browser may add one: anybody can name a customer, and so fill the places."""

_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Bond:
    """How a conversion is known by a journey, and whether what follows from that is vouched for."""

    known_as: str
    trusts: Callable[[Facts], bool]


def link(
    stores: Stores,
    program: Program,
    customer_id: str,
    click_id: str,
    now: datetime,
    most: int = MAX_DEVICES,
) -> None:
    """Keep that the journey of this click is this customer's, and decide the customer's orders again.

    Nothing is kept of a customer that was erased.

    The device is kept before the customer's conversions are read; see `evidence.gather`. A customer has
    `most` devices at a time: another one is refused rather than one of them forgotten, so that all that
    were acknowledged count, in whatever order they came.

    Raises:
        Invalid: `customer_id_invalid`, `click_id_invalid` (not one of ours), `devices_exhausted`.
    """
    customer = evidence.customer_hash(stores, program.id, check_customer_id(customer_id))
    token = evidence.read_click_id(stores, click_id)
    if stores.erasures.has_begun(program.id, customer):
        return
    if token is None or not _leads_here(stores, program, token.link_id):
        raise Invalid("click_id_invalid", "click_id is not a click of this program", "click_id")
    kept_days = longest_window_days(stores.catalogue.terms(program.id)) + program.late_days
    expires = now + timedelta(days=kept_days)
    devices = stores.identities.known(program.id, customer, now).visitors
    if token.visitor not in devices and len(devices) >= most:
        raise Invalid("devices_exhausted", f"a customer has {most} devices at a time", "click_id")
    stores.identities.add_visitor(program.id, customer, token.visitor, expires)
    for conversion in stores.identities.known(program.id, customer, now).conversions:
        _add_journey(stores, program, conversion, token.visitor, _by_customer(program, customer), now)


def take_late_click(stores: Stores, program: Program, visitor: str, now: datetime) -> int:
    """Look again at the orders to which the visitor's journey leads; how many there were.

    For a click that was written late, perhaps after an order that is known by its visitor or customer only.

    Raises:
        Unavailable: storage is away, or others keep changing an order.
    """
    known = stores.identities.of_journey(program.id, visitor, now)
    bonds = {trusted: Bond("journey", partial(_as_told, trusted)) for trusted in (False, True)}
    for conversion, trusted in known.conversions.items():
        _add_journey(stores, program, conversion, visitor, bonds[trusted], now)
    looked_at = len(known.conversions)
    for customer in known.customers:
        for conversion in stores.identities.known(program.id, customer, now).conversions:
            _add_journey(stores, program, conversion, visitor, _by_customer(program, customer), now)
            looked_at += 1
    return looked_at


def unlink(stores: Stores, program: Program, customer_id: str, click_id: str) -> None:
    """Forget that the journey of this click is this customer's; orders keep the touches that they have.

    Raises:
        Invalid: `customer_id_invalid`, `click_id_invalid` (not one of ours).
    """
    customer = evidence.customer_hash(stores, program.id, check_customer_id(customer_id))
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
    customer = evidence.customer_hash(stores, program.id, check_customer_id(customer_id))
    stores.identities.forget(program.id, customer, now)


def _key(visitor: str) -> str:
    """Names the evidence of a journey without naming the journey, which is a person's device."""
    return hashlib.sha256(f"visitor {visitor}".encode()).hexdigest()[:24]


def _leads_here(stores: Stores, program: Program, link_id: str) -> bool:
    link = stores.links.find_by_id(link_id)
    return link is not None and link.program == program.id


def _as_told(trusted: bool, _facts: Facts) -> bool:
    return trusted


def _by_customer(program: Program, customer: str) -> Bond:
    """The bond through a customer: as trustworthy as the report that named the customer."""

    def trusts(facts: Facts) -> bool:
        told = [facts.report, *([facts.confirmation] if facts.confirmation else [])]
        named = [report for report in told if report.customer == customer]
        return program.trust_browser or not named or any(not report.from_browser for report in named)

    return Bond("customer", trusts)


def _add_journey(
    stores: Stores, program: Program, conversion: str, visitor: str, bond: Bond, now: datetime
) -> None:
    """Copy the journey's touches into a conversion that it leads to, also one that is just being recorded."""
    for _ in range(_ATTEMPTS):
        found = stores.conversions.find(conversion)
        at = found.facts.effective.occurred_at if found else now
        touches = evidence.touches_of_visitor(stores, program, visitor, bond.known_as, at, now)
        try:
            if found:
                trusted = bond.trusts(found.facts)
                news = tuple(replace(touch, trusted=trusted) for touch in touches)
                email = found.facts.effective.email or found.facts.report.email
                own = evidence.own_purchases(stores, program, email, news)
                additions.add_news(stores, found, Evidence(news, signals=own), now)
            elif touches and bond.known_as == "customer":
                stores.conversions.leave_evidence(conversion, _key(visitor), Evidence(touches), now)
        except ConditionFailed:
            continue
        return
    raise Unavailable("storage_busy", "the customer's orders are being changed by others; try again")
