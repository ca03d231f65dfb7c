"""Whether a customer orders from where a partner is: the same address (of IPv6 the same /64) on the same day.

What is kept is a digest of where a partner opened the portal, under the key of the day, which is deleted
after the day. A customer's address is digested, compared and forgotten; the order keeps that it was the
partner's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from chalicelib import observe
from chalicelib.domain.addresses import is_public
from chalicelib.domain.errors import Invalid, Unavailable
from chalicelib.services.addresses import address_of, household_of, mark_of
from chalicelib.storage.stores import Stores


def note_partner(
    stores: Stores, partner: str, headers: Mapping[str, str], source_ip: str, now: datetime
) -> None:
    """Note from where the partner opened a page; while storage is away, its page is shown all the same."""
    try:
        mark = _mark(stores, address_of(stores, headers, source_ip), now)
        if mark is not None:
            stores.seen.note(mark, partner, _end_of_day(now))
    except Unavailable:
        observe.count("partner_address_not_noted")


def partners_there(
    stores: Stores, address: str | None, occurred_at: datetime, now: datetime
) -> frozenset[str]:
    """The partners who were today where an order of today comes from.

    Raises:
        Unavailable: storage is away.
    """
    same_day = occurred_at.astimezone(UTC).date() == now.astimezone(UTC).date()
    mark = _mark(stores, address, now) if address and same_day else None
    return stores.seen.partners(mark, now) if mark else frozenset()


def check(address: str | None) -> str | None:
    """A customer's address as the shop tells it.

    Raises:
        Invalid: `customer_ip_invalid`.
    """
    if address is not None:
        try:
            ip_address(address)
        except ValueError:
            raise Invalid(
                "customer_ip_invalid", "an IPv4 or IPv6 address is asked for", "customer_ip"
            ) from None
    return address


def _mark(stores: Stores, address: str, now: datetime) -> str | None:
    """The digest; None for an address inside a network, which says of nobody where he is."""
    return mark_of(stores, f"partner\x00{household_of(address)}", now) if is_public(address) else None


def _end_of_day(now: datetime) -> datetime:
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)
