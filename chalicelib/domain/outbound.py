"""What is told to the outside: events, who wants them, and how long telling them is tried."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import quote

from chalicelib.domain import addresses
from chalicelib.domain.conversion import State
from chalicelib.domain.errors import Invalid
from chalicelib.domain.link import SUB_KEYS


class EventType(StrEnum):
    """What can be told. Of a conversion, each is told once."""

    RECORDED = "conversion.recorded"
    HELD = "conversion.held"
    UNATTRIBUTED = "conversion.unattributed"
    APPROVED = "conversion.approved"
    REJECTED = "conversion.rejected"
    REVERSED = "conversion.reversed"
    PAID = "conversion.paid"
    LEDGER_PUBLISHED = "ledger.published"
    PAYOUT_PAID = "payout.paid"
    TEST = "test"


OF_STATE: Mapping[State, EventType] = {
    State.HELD: EventType.HELD,
    State.UNATTRIBUTED: EventType.UNATTRIBUTED,
    State.APPROVED: EventType.APPROVED,
    State.REJECTED: EventType.REJECTED,
    State.REVERSED: EventType.REVERSED,
    State.PAID: EventType.PAID,
}
"""What a conversion's new state is told as; a pending one was told as recorded."""

FOR_PARTNERS = frozenset(
    {EventType.RECORDED, EventType.APPROVED, EventType.REJECTED, EventType.REVERSED, EventType.PAID}
)
"""What partners are told: of conversions that credit them."""

MACROS = (
    *("click_id", "transaction_id", "payout", "sale_amount", "currency", "status", "event", "order_id"),
    *SUB_KEYS,
)
"""What a partner's URL may hold in braces. `transaction_id` is the conversion's id."""

BACKOFF = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 300, 1800, 7200, 5 * 3600, 10 * 3600, 10 * 3600)
)
"""How long after each failed attempt the next one is due; after the last one the delivery has failed."""

MAX_URL = 2048
MAX_WEBHOOKS = 16
"""Of one program, besides its partners'."""

MAX_OF_PARTNER = 3
"""Postbacks of one partner; with those of all who earn by a sale, its event fits in one transaction."""

KEPT_FOR = timedelta(days=30)
"""How long deliveries are shown and can be repeated."""

ANNOUNCED_FOR = timedelta(days=400)
"""How long it is remembered that an event was told: longer than anything about a conversion goes on."""

_MACRO = re.compile(r"\{([A-Za-z0-9_]*)\}")
_UNSAFE = re.compile(r"[^\x21-\x7e]|\\")


class DeliveryState(StrEnum):
    """How a delivery stands; `failed` is given up, until it is repeated by hand."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody who wants events: a merchant's server, or, with `partner`, a partner's postback.

    `secrets` sign (`whsec_...`), the newest first; a second one until `old_until`. `is_active` False: the
    receiver answered 410, or somebody turned it off.
    """

    id: str
    program: str
    url: str
    events: frozenset[EventType]
    created_at: datetime
    partner: str | None = None
    secrets: tuple[str, ...] = ()
    old_until: datetime | None = None
    is_active: bool = True

    def wants(self, event: EventType) -> bool:
        """Whether the event is told here."""
        return self.is_active and event in self.events

    def signing(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign at that time."""
        return self.secrets if self.old_until and now < self.old_until else self.secrets[:1]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `data` is its content as it is told."""

    id: str
    type: EventType
    program: str
    at: datetime
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: the status (0: no answer), the answer's beginning or what went wrong, and how long."""

    at: datetime
    status: int
    told: str
    took_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one receiver. `body` is empty for a postback, whose URL says it all."""

    id: str
    webhook: str
    program: str
    event: str
    type: EventType
    url: str
    body: str
    created_at: datetime
    due_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: tuple[Attempt, ...] = field(default_factory=tuple)
    tried: int = 0
    version: int = 1


def check_url(url: str, *, local: bool, macros: bool) -> str:
    """The URL itself, where calls may go to it; its name is judged again whenever it is called.

    Raises:
        Invalid: `url_invalid`, `url_not_public`, `macro_unknown`.
    """
    schemes = ("https://", "http://") if local else ("https://",)
    if not url.startswith(schemes) or len(url) > MAX_URL or _UNSAFE.search(url):
        raise Invalid("url_invalid", "give an https URL without spaces", "url")
    for name in _MACRO.findall(url):
        if not macros or name not in MACROS:
            raise Invalid("macro_unknown", f"there is no macro {{{name[:40]}}}", "url")
    host = _host(_MACRO.sub("x", url))
    authority = url.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    if not host or not authority or "{" in authority or "}" in authority:
        raise Invalid("url_invalid", "give an https URL of a host, without credentials", "url")
    if _is_address(host) and not addresses.is_public(host) and not (local and addresses.is_loopback(host)):
        raise Invalid("url_not_public", "the URL must lead to the public internet", "url")
    if not local and (host.rstrip(".") == "localhost" or host.rstrip(".").endswith((".localhost", ".local"))):
        raise Invalid("url_not_public", "the URL must lead to the public internet", "url")
    return url


def fill(template: str, values: Mapping[str, str]) -> str:
    """The URL with its macros filled in, each encoded; what is not known is empty."""
    return _MACRO.sub(lambda match: quote(values.get(match[1], ""), safe=""), template)


def _host(url: str) -> str:
    """The host by the URL standard, which undoes every notation of an address; empty for none."""
    import can_ada

    try:
        parsed = can_ada.parse(url)
    except ValueError:
        return ""
    if parsed.username or parsed.password:
        return ""
    return str(parsed.hostname).strip("[]")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
