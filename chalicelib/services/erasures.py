"""Erasing a person, and telling what is known of one.

A customer is known by an HMAC, which leads to devices and orders. Erasing marks it first, so that nothing is
linked to it any more, then takes the devices' clicks away and gives the orders a name that means nothing.
What was earned stays: decisions rest on when clicks were and whose; books hold neither customer nor click.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.domain.click import Click
from chalicelib.domain.credentials import Caller, partner_unknown
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.incoming import check_customer_id
from chalicelib.domain.job import Job, JobKind
from chalicelib.domain.money import format_major
from chalicelib.domain.partner import ERASED_EMAIL, ERASED_NAME, Partner
from chalicelib.domain.period import format_instant
from chalicelib.domain.program import Program
from chalicelib.services import applications, evidence, fraud, jobs, sessions, standings
from chalicelib.services.jobs import Looked
from chalicelib.services.targets import offer_of
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.identities import Known
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure came to: devices, their clicks that were deleted, and orders that were changed."""

    devices: int
    clicks: int
    orders: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What a program owes a partner, pending and payable, in minor units; negative where it is owed."""

    program: str
    amount_minor: int
    currency: str

    def __str__(self) -> str:
        return f"{format_major(self.amount_minor, self.currency)} {self.currency} in {self.program}"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a customer: clicks of its devices, and its orders."""

    devices: tuple[str, ...]
    clicks: tuple[dict[str, Any], ...]
    orders: tuple[dict[str, Any], ...]


def ask(stores: Stores, program: Program, customer_id: str, now: datetime) -> Job:
    """Mark the customer as erased at once, and start the rest.

    Raises:
        Invalid: `customer_id_invalid`.
        Unavailable: the queue is away; the same call may be repeated.
    """
    customer = _customer(stores, program, customer_id)
    stores.erasures.begin(program.id, customer, now)
    return jobs.begin(stores, JobKind.ERASURE, program.id, {"customer": customer}, "erasures", now)


def look(stores: Stores, caller: Caller, erasure: str) -> Looked:
    """How far an erasure is.

    Raises:
        NotFound: `erasure_unknown`, also for somebody else's.
    """
    job = stores.jobs.find(erasure)
    if job is None or job.kind is not JobKind.ERASURE or not caller.may_touch_program(job.program):
        raise NotFound("erasure_unknown", "there is no such erasure", "erasure")
    return jobs.look(stores, caller, erasure)


def carry_out(stores: Stores, job: Job, now: datetime) -> dict[str, Any]:
    """Erase the customer whom the job names."""
    erased = erase(stores, stores.catalogue.program(job.program), job.request["customer"], now)
    return {"devices": erased.devices, "clicks": erased.clicks, "orders": erased.orders}


def erase_customer(stores: Stores, program: Program, customer_id: str, now: datetime) -> Erased:
    """Erase the customer with this id of the merchant's, now.

    Raises:
        Invalid: `customer_id_invalid`.
    """
    return erase(stores, program, _customer(stores, program, customer_id), now)


def erase(stores: Stores, program: Program, customer: str, now: datetime) -> Erased:
    """Erase the customer with this HMAC; beginning again after a crash finishes it.

    What leads to the orders goes last, because it is what a second try goes by.

    Raises:
        Unavailable: storage is away; the same may be done again.
    """
    stores.erasures.begin(program.id, customer, now)
    known = stores.identities.every(program.id, customer)
    conversions = _orders(stores, program, customer, known)
    visitors = dict.fromkeys([*known.visitors, *_visitors(stores, conversions)])
    expires_at = now + offer_of(stores, program.id).kept_for
    clicks = 0
    for visitor in visitors:
        stores.erasures.end_device(program.id, visitor, now, expires_at)
        for click in stores.clicks.every(program.id, visitor):
            stores.clicks.remove(click)
            clicks += 1
    sharers = {c for conversion in conversions for c in stores.erasures.sharers(conversion)}
    name = stores.erasures.name(program.id, customer, sharers - {customer})
    stores.customers.copy(program.id, customer, name)
    orders = [c for c in conversions if stores.erasures.rename(c, customer, name)]
    # Once more: while orders still had the old name, something may have been told of one.
    stores.customers.copy(program.id, customer, name)
    stores.customers.remove_all(program.id, customer)
    stores.identities.remove_all(program.id, customer)
    return Erased(len(visitors), clicks, len(orders))


def tell(stores: Stores, program: Program, customer_id: str) -> Subject:
    """Everything that is known of the customer.

    Raises:
        Invalid: `customer_id_invalid`.
    """
    customer = _customer(stores, program, customer_id)
    known = stores.identities.every(program.id, customer)
    conversions = _orders(stores, program, customer, known)
    devices = tuple(dict.fromkeys([*known.visitors, *_visitors(stores, conversions)]))
    clicks = [click for visitor in devices for click in stores.clicks.every(program.id, visitor)]
    found = [stores.conversions.find(conversion) for conversion in conversions]
    return Subject(
        devices,
        tuple(_click_told(click) for click in clicks),
        tuple(_order_told(conversion) for conversion in found if conversion),
    )


def erase_partner(
    stores: Stores, caller: Caller, partner_id: str, now: datetime, *, despite_balance: bool = False
) -> tuple[Partner, tuple[Balance, ...]]:
    """The partner without name, address, accounts, applications, and what the caller's programs still owe it.

    It can't sign in any more, its keys verify nothing, and its own postbacks are not called; its links,
    credits and books stay. Beginning again after a crash finishes it.

    Raises:
        NotFound: `partner_unknown`.
        Conflict: `balance_open`, unless it is to be done despite that; `partner_changed` by somebody else
            meanwhile.
    """
    partner = stores.catalogue.find_partner(partner_id)
    if partner is None:
        raise partner_unknown()
    enrolled = [one.program for one in stores.catalogue.enrollments_of(partner.id)]
    owed = tuple(_open_balances(stores, partner, [p for p in enrolled if caller.may_touch_program(p)], now))
    if owed and not partner.is_erased and not despite_balance:
        message = f"there is an open balance ({', '.join(map(str, owed))}): pay first, or say despite_balance"
        raise Conflict("balance_open", message)
    # First, while the address is known by which they are found.
    for program in enrolled:
        stores.applications.forget(program, applications.id_of(program, partner.email))
    erased = replace(partner, name=ERASED_NAME, email=ERASED_EMAIL)
    try:
        stores.catalogue.replace_partner(partner, erased)
    except ConditionFailed as error:
        raise Conflict("partner_changed", "the partner was changed meanwhile; read it again") from error
    if stores.payouts.accounts(partner.id):
        fraud.forget_accounts(stores, partner.id)
        stores.payouts.put_accounts(partner.id, ())
    _shut_out(stores, partner.id, enrolled)
    return erased, owed


def _open_balances(
    stores: Stores, partner: Partner, programs: Iterable[str], now: datetime
) -> Iterator[Balance]:
    for program in programs:
        for standing in standings.of_partner(stores, stores.catalogue.program(program), partner.id, now).rows:
            if standing.pending + standing.payable:
                yield Balance(program, standing.pending + standing.payable, standing.currency)


def _shut_out(stores: Stores, partner: str, programs: Iterable[str]) -> None:
    """End all by which the partner gets at anything, or is told of it."""
    for key in stores.credentials.keys_of(partner):
        stores.credentials.remove_key(key)
    sessions.end_of_partner(stores, partner)
    for program in programs:
        for webhook in stores.webhooks.of(program):
            if webhook.partner == partner:
                stores.webhooks.remove(webhook)


def _customer(stores: Stores, program: Program, customer_id: str) -> str:
    return evidence.customer_hash(stores, program.id, check_customer_id(customer_id))


def _orders(stores: Stores, program: Program, customer: str, known: Known) -> list[str]:
    """The customer's orders: those that anybody told, and those of its history."""
    history = [ordered.conversion for ordered in stores.customers.orders(program.id, customer)]
    return list(dict.fromkeys([*known.conversions, *history]))


def _visitors(stores: Stores, conversions: Iterable[str]) -> list[str]:
    """The devices whose clicks led to these orders."""
    click_ids = sorted({c for conversion in conversions for c in stores.erasures.click_ids(conversion)})
    tokens = [evidence.read_click_id(stores, click_id) for click_id in click_ids]
    return [token.visitor for token in tokens if token]


def _click_told(click: Click) -> dict[str, Any]:
    return {
        "at": format_instant(click.at),
        "device": click.visitor,
        "code": click.code,
        "partner": click.partner,
        "channel": click.channel,
        "verdict": str(click.verdict),
        "country": click.country,
        "agent": click.device,
        "referrer": click.referrer,
        "sub": dict(click.sub),
        "flags": list(click.flags),
    }


def _order_told(found: Conversion) -> dict[str, Any]:
    report = found.facts.effective
    return {
        "id": found.facts.id,
        "event": report.event,
        "order_id": report.order_id,
        "amount": report.content.amount_minor,
        "currency": report.content.currency,
        "items": [
            {"sku": i.sku, "quantity": i.quantity, "amount": i.amount_minor} for i in report.content.items
        ],
        "coupon": report.coupon,
        "method": str(report.method),
        "occurred_at": format_instant(report.occurred_at),
        "received_at": format_instant(report.received_at),
        "state": str(found.state),
        "path": [
            {"at": format_instant(touch.at), "partner": touch.partner, "channel": touch.channel}
            for touch in found.facts.touches
        ],
    }
