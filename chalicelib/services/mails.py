"""Mail to partners: a request only asks for one, and the worker of the jobs' queue sends it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from chalicelib.services import sign_in_links
from chalicelib.storage.stores import Stores

Message = Mapping[str, str]


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


_KINDS: dict[str, Callable[[Stores, Message, datetime], None]] = {
    "sign_in": _sign_in,
    "accounts_changed": _accounts_changed,
    "approved": _approved,
}
