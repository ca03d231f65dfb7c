"""Webhooks and postbacks: who wants events, a try-out, and repeating what went wrong."""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain import ids, outbound
from chalicelib.domain.credentials import Caller, partner_unknown
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.outbound import FOR_PARTNERS, Delivery, DeliveryState, Event, EventType, Webhook
from chalicelib.services import access, announcing, signatures
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

OLD_SECRET_FOR = timedelta(hours=24)
"""How long the secret before a rotation goes on signing beside the new one."""


def create(
    stores: Stores,
    caller: Caller,
    program_id: str,
    url: str,
    events: Collection[EventType] | None,
    partner: str | None,
    now: datetime,
) -> Webhook:
    """A new webhook of the program, or, with a partner, a postback of the partner's; a partner's own is its.

    Raises:
        NotFound: `program_unknown`, `partner_unknown` (also one that is not in the program).
        Invalid: `url_invalid`, `url_not_public`, `macro_unknown`, `events_invalid`.
        Conflict: `webhooks_full`.
    """
    program = access.program_of(stores, caller, program_id)
    if caller.is_partner:
        caller.require_partner(partner or caller.partner or "")
        partner = caller.partner
    if partner is not None and stores.catalogue.find_enrollment(program.id, partner) is None:
        raise partner_unknown()
    known = stores.webhooks.of(program.id)
    if partner is None and sum(one.partner is None for one in known) >= outbound.MAX_WEBHOOKS:
        raise Conflict("webhooks_full", f"a program has {outbound.MAX_WEBHOOKS} webhooks at most")
    if partner and sum(one.partner == partner for one in known) >= outbound.MAX_OF_PARTNER:
        raise Conflict("webhooks_full", f"a partner has {outbound.MAX_OF_PARTNER} postbacks at most")
    webhook = Webhook(
        id=ids.from_bytes("whk", secrets.token_bytes(10)),
        program=program.id,
        url=_url(stores, url, partner),
        events=_events(events, partner),
        created_at=now,
        partner=partner,
        secrets=() if partner else (signatures.new_secret(),),
    )
    stores.webhooks.add_once(webhook)
    return webhook


def change(
    stores: Stores,
    webhook: Webhook,
    url: str | None,
    events: Collection[EventType] | None,
    is_active: bool | None,
) -> Webhook:
    """The webhook with what is given changed.

    Raises:
        Invalid: as `create`.
        Conflict: `webhook_changed` by somebody else meanwhile.
        NotFound: `webhook_unknown`, removed meanwhile.
    """
    changed = replace(
        webhook,
        url=_url(stores, url, webhook.partner) if url is not None else webhook.url,
        events=_events(events, webhook.partner) if events is not None else webhook.events,
        is_active=webhook.is_active if is_active is None else is_active,
    )
    return _kept(stores, webhook, changed)


def rotate(stores: Stores, webhook: Webhook, now: datetime) -> Webhook:
    """The webhook with a new secret; the old one signs beside it for a day.

    Raises:
        Invalid: `secret_needless`, for a partner's postback, which nothing signs.
        Conflict, NotFound: as `change`.
    """
    if webhook.partner is not None:
        raise Invalid("secret_needless", "a partner's postback is not signed")
    kept = (signatures.new_secret(), *webhook.secrets[:1])
    changed = replace(webhook, secrets=kept, old_until=now + OLD_SECRET_FOR)
    return _kept(stores, webhook, changed)


def find(stores: Stores, caller: Caller, webhook_id: str) -> Webhook:
    """The webhook, where it is the caller's.

    Raises:
        NotFound: `webhook_unknown`, also for somebody else's.
    """
    webhook = stores.webhooks.find(webhook_id)
    if webhook is None or not caller.may_touch_program(webhook.program):
        raise _unknown()
    if caller.is_partner and webhook.partner != caller.partner:
        raise _unknown()
    return webhook


def of_program(stores: Stores, caller: Caller, program_id: str) -> list[Webhook]:
    """The webhooks of the program that are the caller's.

    Raises:
        NotFound: `program_unknown`.
    """
    program = access.program_of(stores, caller, program_id)
    found = stores.webhooks.of(program.id)
    return [one for one in found if not caller.is_partner or one.partner == caller.partner]


def try_out(stores: Stores, webhook: Webhook, now: datetime) -> Delivery:
    """A test event on its way to this webhook alone, whatever it wants.

    Raises:
        Unavailable: storage or queue is away.
    """
    event = Event(
        id=ids.from_bytes("evt", secrets.token_bytes(16)),
        type=EventType.TEST,
        program=webhook.program,
        at=now,
        data={"webhook": webhook.id, "message": "it works"},
    )
    sample = {name: f"test-{name}" for name in outbound.MACROS} | {"event": "sale", "status": "test"}
    delivery = announcing.delivery_of(event, webhook, sample if webhook.partner else None)
    stores.outbox.add_once(event, [delivery])
    stores.outbox.send(delivery, now)
    return delivery


def replay(stores: Stores, webhook: Webhook, delivery_id: str, now: datetime) -> Delivery:
    """The delivery on its way once more, with the same event id and body, from the first attempt on.

    Raises:
        NotFound: `delivery_unknown`.
        Conflict: `delivery_pending`, it is on its way.
    """
    found = delivery(stores, webhook, delivery_id, now)
    if found.state is DeliveryState.PENDING:
        raise Conflict("delivery_pending", "this delivery is on its way")
    again = replace(found, state=DeliveryState.PENDING, due_at=now, tried=0)
    if not stores.outbox.note(found, again):
        raise Conflict("delivery_pending", "this delivery is on its way")
    stores.outbox.send(again, now)
    return again


def delivery(stores: Stores, webhook: Webhook, delivery_id: str, now: datetime) -> Delivery:
    """The delivery.

    Raises:
        NotFound: `delivery_unknown`.
    """
    found = stores.outbox.find(webhook.id, delivery_id, now)
    if found is None:
        raise NotFound("delivery_unknown", "there is no such delivery")
    return found


def _kept(stores: Stores, known: Webhook, changed: Webhook) -> Webhook:
    try:
        stores.webhooks.replace(known, changed)
    except ConditionFailed as error:
        stands = stores.webhooks.find(known.id)
        if stands is None:
            raise _unknown() from error
        if stands != changed:
            raise Conflict("webhook_changed", "the webhook was changed meanwhile; read it again") from error
    return changed


def _url(stores: Stores, url: str, partner: str | None) -> str:
    return outbound.check_url(url, local=stores.settings.calls_itself, macros=partner is not None)


def _events(events: Collection[EventType] | None, partner: str | None) -> frozenset[EventType]:
    possible = FOR_PARTNERS if partner else frozenset(EventType) - {EventType.TEST}
    wanted = frozenset(events) if events is not None else possible
    if not wanted or not wanted <= possible:
        raise Invalid("events_invalid", f"events are some of {', '.join(sorted(possible))}", "events")
    return wanted


def _unknown() -> NotFound:
    return NotFound("webhook_unknown", "there is no such webhook")
