"""Mail to partners: a request only asks for one, and the worker of the jobs' queue sends it."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chalicelib import observe
from chalicelib.domain import statement
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.period import Month
from chalicelib.services import sign_in_links
from chalicelib.services.folders import published_folder
from chalicelib.storage.stores import Stores

Message = Mapping[str, str]

_REMEMBERED = timedelta(days=30)
"""How long it is kept that a statement was told of; a message of the queue lives for four days."""


def announce_accounts(stores: Stores, partner: str) -> None:
    """Have the partner told that where it is paid was changed, whoever did so.

    Raises:
        Unavailable: the queue is away.
    """
    if stores.mail.is_there:
        stores.jobs.send({"mail": "accounts_changed", "partner": partner})


def announce_approval(stores: Stores, program: str, partner: str) -> None:
    """Have a new partner told that it is one.

    Raises:
        Unavailable: the queue is away.
    """
    if stores.mail.is_there:
        stores.jobs.send({"mail": "approved", "program": program, "partner": partner})


def announce_statements(stores: Stores, program: str, month: Month) -> None:
    """Have the partners of a published month told that their statements are there; at most once each.

    Mail that can't be asked for stops no close.
    """
    if not stores.mail.is_there:
        return
    try:
        stores.jobs.send({"mail": "statements", "program": program, "month": str(month)})
    except Unavailable:
        observe.warn("statement_mail_not_asked_for", program=program)
        observe.count("statement_mail_not_asked_for")


def send(stores: Stores, message: Message, now: datetime) -> None:
    """Send the mail that a message of the queue asks for.

    Raises:
        Unavailable: mail is away; the message should come again.
    """
    _KINDS[message["mail"]](stores, message, now)


def _sign_in(stores: Stores, message: Message, now: datetime) -> None:
    sign_in_links.send(stores, message["email"], message["path"], now)


def _accounts_changed(stores: Stores, message: Message, now: datetime) -> None:
    partner = stores.catalogue.find_partner(message["partner"])
    if partner is not None:
        stores.mail.send(
            partner.email,
            "Where you are paid was changed",
            f"Hello {partner.name},\n\nwhere you are paid was changed on {now:%Y-%m-%d at %H:%M} UTC. "
            f"Was it not you? Then sign out everywhere, at {stores.settings.base_url}/portal/settings, "
            "and tell the merchant before the month is paid.\n",
        )


def _approved(stores: Stores, message: Message, _now: datetime) -> None:
    partner = stores.catalogue.find_partner(message["partner"])
    program = stores.catalogue.find_program(message["program"])
    if partner is not None and program is not None:
        stores.mail.send(
            partner.email,
            f"You are a partner of {program.name}",
            f"Hello {partner.name},\n\n{program.name} has taken you into its partner programme. Your link is "
            f"waiting for you: {stores.settings.base_url}/portal\n",
        )


def _statements(stores: Stores, message: Message, now: datetime) -> None:
    """Mark each before it is sent: a message that comes twice must not send twice."""
    program = stores.catalogue.find_program(message["program"])
    if program is None:
        return
    folder = published_folder(program.id, Month.parse(message["month"]))
    for enrollment in stores.catalogue.enrollments(program.id):
        partner = stores.catalogue.find_partner(enrollment.partner)
        if partner is None or not stores.catalogue.wants_statements(partner.id):
            continue
        mark = hashlib.sha256(f"{folder}{partner.id}".encode()).hexdigest()
        if stores.bucket.size(folder + statement.name(partner.id)) is None:
            continue
        if stores.sessions.use_once(mark, now + _REMEMBERED):
            page = f"{stores.settings.base_url}/portal/programs/{program.id}/statements/{message['month']}"
            stores.mail.send(
                partner.email,
                f"Your statement {message['month']} of {program.name}",
                f"Hello {partner.name},\n\nyour statement of {message['month']} is published: {page}\n\n"
                f"You can switch this mail off at {stores.settings.base_url}/portal/settings\n",
            )


_KINDS: dict[str, Callable[[Stores, Message, datetime], None]] = {
    "sign_in": _sign_in,
    "accounts_changed": _accounts_changed,
    "approved": _approved,
    "statements": _statements,
}
