"""Delivering an event: one attempt, and what follows from it."""

import time
from dataclasses import replace
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.audit import Actor
from chalicelib.domain.outbound import BACKOFF, Attempt, Delivery, DeliveryState, Webhook
from chalicelib.services import signatures
from chalicelib.storage.stores import Stores
from chalicelib.storage.trail import acting
from chalicelib.storage.web import WebError

WITHIN_S = 10.0
SNIPPET_BYTES = 500
_GONE = 410


def deliver(stores: Stores, webhook_id: str, delivery_id: str, now: datetime) -> DeliveryState | None:
    """Try a delivery that is due, and put it back in the queue where it has to be tried again.

    A message that comes twice, early, or for what is gone does nothing. The receiver may get an event more
    than once, with the same id: two workers may have it at a time.

    Raises:
        Unavailable: storage or queue is away; the message should come again.
    """
    delivery = stores.outbox.find(webhook_id, delivery_id, now)
    if delivery is None or delivery.state is not DeliveryState.PENDING:
        return delivery.state if delivery else None
    if delivery.due_at > now:
        stores.outbox.send(delivery, now)
        return delivery.state
    webhook = stores.webhooks.find(webhook_id)
    after = _given_up(delivery, now) if webhook is None else _tried(stores, webhook, delivery, now)
    if stores.outbox.note(delivery, after) and after.state is DeliveryState.PENDING:
        stores.outbox.send(after, now)
    if webhook and after.attempts and after.attempts[-1].status == _GONE:
        with acting(Actor("gone receiver", now)):
            stores.webhooks.turn_off(webhook)
    observe.count(f"delivery_{after.state}")
    return after.state


def _tried(stores: Stores, webhook: Webhook, delivery: Delivery, now: datetime) -> Delivery:
    attempt = _attempt(stores, webhook, delivery, now)
    attempts = (*delivery.attempts, attempt)
    tried = delivery.tried + 1
    if 200 <= attempt.status < 300:
        return replace(delivery, state=DeliveryState.DELIVERED, attempts=attempts, tried=tried)
    if attempt.status == _GONE or tried > len(BACKOFF):
        return replace(delivery, state=DeliveryState.FAILED, attempts=attempts, tried=tried)
    return replace(delivery, attempts=attempts, tried=tried, due_at=now + BACKOFF[tried - 1])


def _attempt(stores: Stores, webhook: Webhook, delivery: Delivery, now: datetime) -> Attempt:
    headers = {"User-Agent": "Linkledger/1"}
    body = delivery.body.encode() if delivery.body else None
    if body is not None:
        timestamp_s = int(now.timestamp())
        signed = [signatures.sign(one, delivery.event, timestamp_s, body) for one in webhook.signing(now)]
        headers |= {
            "Content-Type": "application/json",
            "webhook-id": delivery.event,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": " ".join(signed),
        }
    started = time.monotonic()
    method = "GET" if body is None else "POST"
    try:
        answer = stores.web.send(
            method, delivery.url, headers, body, within_s=WITHIN_S, most_bytes=SNIPPET_BYTES
        )
    except WebError as error:
        return Attempt(now, 0, f"{error.code}: {error.message}", _since_ms(started))
    told = answer.body.decode("utf-8", "replace")
    printable = "".join(one if one.isprintable() else " " for one in told)
    return Attempt(now, answer.status, printable, _since_ms(started))


def _given_up(delivery: Delivery, now: datetime) -> Delivery:
    gone = Attempt(now, 0, "webhook_unknown: the webhook was removed", 0)
    return replace(delivery, state=DeliveryState.FAILED, attempts=(*delivery.attempts, gone))


def _since_ms(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
