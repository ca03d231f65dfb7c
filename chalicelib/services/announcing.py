"""Announcing what happened: events into the outbox, each once, derived from the records that it left.

What a stream delivers again, or a close tells twice, has the same id, and is announced no second time.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import observe
from chalicelib.domain import ids, outbound
from chalicelib.domain.conversion import State, Touch
from chalicelib.domain.decision import Credit, Decision
from chalicelib.domain.errors import LinkledgerError, Unavailable
from chalicelib.domain.journal import Kind
from chalicelib.domain.money import format_major
from chalicelib.domain.outbound import OF_STATE, Delivery, Event, EventType, Webhook
from chalicelib.domain.period import Month, epoch_ms, format_instant
from chalicelib.domain.token import read as read_token
from chalicelib.services.rates import decide_now
from chalicelib.storage.codec import Item
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.stores import Stores

LOST_AFTER = timedelta(minutes=20)
"""How long a delivery that is due waits before it is taken for lost by the queue."""


def of_conversions(stores: Stores, changed: Sequence[tuple[bool, Item]], now: datetime) -> int:
    """Announce what changes of conversions say, as (is new, item); how many events are new.

    A record that can't be read is passed over: it must not stop the others.

    Raises:
        Unavailable: storage is away; the same changes may be told again.
    """
    wanting: dict[str, list[Webhook]] = {}
    told = 0
    for is_new, item in changed:
        if item.get("sk") != "conversion":
            continue
        try:
            told += _of_conversion(stores, wanting, is_new, item, now)
        except Unavailable:
            raise
        except (LinkledgerError, KeyError, ValueError, TypeError):
            observe.error("event_not_announced", conversion=item.get("pk"))
            observe.count("event_not_announced")
    return told


def of_entries(stores: Stores, items: Iterable[Item], now: datetime) -> int:
    """Announce the payouts among new entries of the journal; how many events are new.

    Raises:
        Unavailable: storage is away.
    """
    told = 0
    for item in items:
        if item.get("kind") != Kind.PAYOUT or "entry" not in item:
            continue
        wanting = _wanting(stores, str(item["program"]), EventType.PAYOUT_PAID)
        data = {
            "entry": item["entry"],
            "program": item["program"],
            "partner": item["partner"],
            "amount": abs(int(item.get("commission_minor", 0))),
            "currency": item["currency"],
            "booked_at": item["booked_at"],
        }
        event_id = ids.derive("evt", str(item["entry"]), EventType.PAYOUT_PAID)
        event = Event(event_id, EventType.PAYOUT_PAID, str(item["program"]), now, data)
        told += _announce(stores, event, [(webhook, None) for webhook in wanting], now)
    return told


def of_ledger(stores: Stores, program: str, month: Month, sha256: str, now: datetime) -> None:
    """Announce that a month's ledger is published.

    Raises:
        Unavailable: storage is away.
    """
    wanting = _wanting(stores, program, EventType.LEDGER_PUBLISHED)
    data = {"program": program, "month": str(month), "sha256": sha256}
    event_id = ids.derive("evt", program, str(month), EventType.LEDGER_PUBLISHED)
    event = Event(event_id, EventType.LEDGER_PUBLISHED, program, now, data)
    _announce(stores, event, [(webhook, None) for webhook in wanting], now)


def send_lost(stores: Stores, now: datetime) -> int:
    """Hand deliveries to the queue again that were due long ago and wait still; how many."""
    sent = 0
    for program in stores.catalogue.programs():
        for webhook, delivery_id in stores.outbox.overdue(program, now - LOST_AFTER):
            delivery = stores.outbox.find(webhook, delivery_id, now)
            if delivery is not None:
                stores.outbox.send(delivery, now)
                sent += 1
    return sent


def delivery_of(event: Event, webhook: Webhook, values: Mapping[str, str] | None) -> Delivery:
    """The event on its way to the webhook; `values` fill a postback's macros."""
    digest = ids.derive("dlv", event.id, webhook.id).removeprefix("dlv_")
    body = {"type": event.type, "timestamp": format_instant(event.at), "data": dict(event.data)}
    return Delivery(
        id=f"dlv_{epoch_ms(event.at):012x}_{digest}",
        webhook=webhook.id,
        program=event.program,
        event=event.id,
        type=event.type,
        url=webhook.url if values is None else outbound.fill(webhook.url, values),
        body=json.dumps(body, separators=(",", ":")) if values is None else "",
        created_at=event.at,
        due_at=event.at,
    )


def _wanting(stores: Stores, program: str, event: EventType) -> list[Webhook]:
    return [webhook for webhook in stores.webhooks.of(program) if webhook.wants(event)]


def _of_conversion(
    stores: Stores, wanting: dict[str, list[Webhook]], is_new: bool, item: Item, now: datetime
) -> int:
    program = str(item["report"]["program"])
    if program not in wanting:
        wanting[program] = stores.webhooks.of(program)
    types = [EventType.RECORDED] if is_new else []
    of_state = OF_STATE.get(State(item["state"]))
    types += [of_state] if of_state else []
    told = 0
    for event_type in types:
        webhooks = [webhook for webhook in wanting[program] if webhook.wants(event_type)]
        event_id = ids.derive("evt", str(item["pk"]), event_type)
        if webhooks and not stores.outbox.was_told(event_id):
            told += _tell_of(
                stores, event_id, event_type, str(item["pk"]), State(item["state"]), webhooks, now
            )
    return told


def _tell_of(
    stores: Stores,
    event_id: str,
    event_type: EventType,
    conversion: str,
    state: State,
    webhooks: Sequence[Webhook],
    now: datetime,
) -> int:
    found = stores.conversions.find(conversion)
    if found is None:
        return 0
    program = stores.catalogue.program(found.facts.report.program)
    decision = decide_now(stores, program, found.facts)
    event = Event(event_id, event_type, program.id, now, _data(found, state, decision))
    receivers: list[tuple[Webhook, Mapping[str, str] | None]] = []
    for webhook in webhooks:
        credit = next((c for c in decision.credits if c.partner == webhook.partner), None)
        if webhook.partner is None:
            receivers.append((webhook, None))
        elif credit is not None:
            receivers.append((webhook, _values(stores, found, state, decision, credit, now)))
    return _announce(stores, event, receivers, now)


def _announce(
    stores: Stores,
    event: Event,
    receivers: Sequence[tuple[Webhook, Mapping[str, str] | None]],
    now: datetime,
) -> int:
    """Put the event into the outbox and its deliveries on their way; 1 where it is new.

    A queue that is away loses nothing: the hourly reconcile sends what the outbox still has.
    """
    if not receivers:
        return 0
    deliveries = [delivery_of(event, webhook, values) for webhook, values in receivers]
    if not stores.outbox.add_once(event, deliveries):
        return 0
    for delivery in deliveries:
        try:
            stores.outbox.send(delivery, now)
        except Unavailable:
            observe.count("delivery_not_queued")
    return 1


def _data(found: Conversion, state: State, decision: Decision) -> dict[str, Any]:
    report = found.facts.effective
    return {
        "id": found.facts.id,
        "program": report.program,
        "event": report.event,
        "order_id": report.order_id,
        "amount": report.content.amount_minor,
        "currency": report.content.currency,
        "state": state,
        "outcome": decision.outcome,
        "occurred_at": format_instant(report.occurred_at),
        "credits": [
            {
                "partner": credit.partner,
                "share": f"{credit.share.numerator}/{credit.share.denominator}",
                "commission": {"amount": credit.commission_minor, "currency": decision.currency},
            }
            for credit in decision.credits
        ],
    }


def _values(
    stores: Stores, found: Conversion, state: State, decision: Decision, credit: Credit, now: datetime
) -> dict[str, str]:
    """What fills a partner's macros: its own click, its own part."""
    report = found.facts.effective
    touches = [touch for touch in found.facts.touches if touch.partner == credit.partner]
    newest = max(touches, key=lambda touch: touch.at, default=None)
    return {
        **(_subs(stores, report.program, newest, now) if newest else {}),
        "click_id": newest.click_id if newest else "",
        "transaction_id": found.facts.id,
        "order_id": report.order_id,
        "payout": format_major(credit.commission_minor, decision.currency),
        "sale_amount": format_major(credit.sale_minor, decision.currency),
        "currency": decision.currency,
        "status": state,
        "event": report.event,
    }


def _subs(stores: Stores, program: str, touch: Touch, now: datetime) -> dict[str, str]:
    """The sub-ids of the click; of its link, where the click is gone."""
    told = read_token(touch.click_id, stores.secrets.token_keys)
    click = stores.clicks.find(program, told.visitor, told.at, told.nonce, now) if told else None
    if click is not None:
        return dict(click.sub)
    link = stores.links.find(touch.code) if touch.code else None
    return dict(link.sub) if link else {}
