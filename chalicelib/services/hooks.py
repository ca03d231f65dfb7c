"""Carrying out the webhooks of carts and apps: verify, read, record. One adapter a file, one table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain import ids
from chalicelib.domain.adjusting import Details
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from chalicelib.domain.incoming import Incoming, check_event, check_order_id
from chalicelib.domain.postback import DEFAULT_EVENT
from chalicelib.domain.program import Program
from chalicelib.services import adjustments, capture, identities, limiting
from chalicelib.services.carts import adjust, appsflyer, branch, shopify, stripe, woocommerce
from chalicelib.services.carts.delivery import CLICK_NAME, Change, Delivery, Fact, Sale, Source
from chalicelib.storage.stores import Stores

SOURCES: Mapping[str, Source] = {
    "shopify": shopify.SOURCE,
    "woocommerce": woocommerce.SOURCE,
    "stripe": stripe.SOURCE,
    "appsflyer": appsflyer.SOURCE,
    "adjust": adjust.SOURCE,
    "branch": branch.SOURCE,
}

MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one fact of a delivery: `outcome` is a conversion's outcome, `adjusted`, `duplicate`,
    `conflict`, or `too_old` for an order of long ago that somebody touched."""

    id: str
    outcome: str


def receive(
    stores: Stores,
    source_name: str,
    program_id: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> list[Result]:
    """Carry out a delivery; doing it again changes nothing.

    A contradiction is a result and no error: whoever sent it can do nothing about it, and would only
    send it again until it gave up on all.

    Raises:
        NotFound: `source_unknown`.
        Unauthenticated: `unauthenticated`, for a wrong signature and an unknown program alike.
        RateLimited: `too_many_requests`.
        Malformed, Invalid: the delivery cannot be read, or the program does not use this method.
        Unavailable: send it again.
    """
    source = SOURCES.get(source_name)
    if source is None:
        raise NotFound("source_unknown", f"source is one of {', '.join(SOURCES)}")
    program = stores.catalogue.find_program(program_id)
    names = (CLICK_NAME, program.click_param) if program else (CLICK_NAME,)
    delivery = Delivery(headers, query, body, names, program.currency if program else "")
    secrets = stores.hook_secrets.find(program_id, source_name)
    right = [source.verifies(secret, delivery, now) for secret in secrets]
    if program is None or not any(right):
        raise Unauthenticated("unauthenticated", "a valid signature is required")
    limiting.check_program(stores, program.id)
    if source.method not in program.methods:
        raise Invalid("method_not_allowed", f"this program does not use {source.method}")
    event = query.get("event") or DEFAULT_EVENT
    return [_carry_out(stores, program, source, event, fact, now) for fact in source.read(delivery)]


def add_secret(stores: Stores, program: Program, source_name: str, secret: str) -> None:
    """Let this secret sign the source's deliveries, too; the one before stays good, older ones do not.

    Raises:
        Invalid: `source_unknown`, `secret_invalid`.
    """
    if source_name not in SOURCES:
        raise Invalid("source_unknown", f"source is one of {', '.join(SOURCES)}", "source")
    if not 8 <= len(secret) <= 200 or not secret.isascii() or not secret.isprintable():
        raise Invalid("secret_invalid", "secret must be 8 to 200 printable ASCII characters", "secret")
    stores.hook_secrets.add(program.id, source_name, secret)


def _carry_out(
    stores: Stores, program: Program, source: Source, event: str, fact: Fact, now: datetime
) -> Result:
    if isinstance(fact, Sale):
        event = fact.event or event
    order_id = check_order_id(fact.order_id)
    conversion = ids.conversion_id(program.id, check_event(event), order_id)
    try:
        if isinstance(fact, Sale):
            return _record(stores, program, source, event, fact, now)
        return _adjust(stores, conversion, fact, now)
    except Conflict:
        return Result(conversion, "conflict")
    except Invalid as error:
        if error.code != "time_too_old":
            raise
        return Result(conversion, "too_old")


def _record(
    stores: Stores, program: Program, source: Source, event: str, sale: Sale, now: datetime
) -> Result:
    incoming = Incoming(
        event=event,
        order_id=sale.order_id,
        content=sale.content,
        method=source.method,
        click_id=sale.click_id,
        coupon=sale.coupon,
        customer_id=sale.customer_id,
        occurred_at=sale.occurred_at,
        customer_email=sale.customer_email,
    )
    reply = _record_once(stores, program, incoming, now)
    if sale.customer_id and sale.click_id:
        _remember(stores, program, sale.customer_id, sale.click_id, now)
    return Result(reply.id, "duplicate" if reply.duplicate else reply.outcome)


def _record_once(stores: Stores, program: Program, incoming: Incoming, now: datetime) -> capture.Reply:
    """Record the order; where another source told it with the same amount, its lines stand.

    A server's call often leaves the lines out: the cart's click or code must not be lost by that.
    """
    try:
        return capture.record(stores, program, incoming, now)
    except Conflict:
        conversion = ids.conversion_id(program.id, incoming.event, incoming.order_id)
        known = stores.conversions.find(conversion)
        content = known.facts.effective.content if known else incoming.content
        if replace(content, items=incoming.content.items) != incoming.content:
            raise
        return capture.record(stores, program, replace(incoming, content=content), now)


def _remember(stores: Stores, program: Program, customer_id: str, click_id: str, now: datetime) -> None:
    """Keep whose device it was, so that the customer's next order, which comes without a click, finds it."""
    try:
        identities.link(stores, program, customer_id, click_id, now)
    except Invalid:
        return


def _adjust(stores: Stores, conversion: str, change: Change, now: datetime) -> Result:
    """What was done, line by line where the order has these lines, and what was paid back beside them."""
    result = _adjust_lines(stores, conversion, change, now) or _adjust_plain(stores, conversion, change, now)
    if change.rest_minor:
        rest = replace(change, id=f"{change.id}-rest", amount_minor=change.rest_minor, items=())
        beside = _adjust_plain(stores, conversion, rest, now)
        return beside if result.outcome == "duplicate" else result
    return result


def _adjust_lines(stores: Stores, conversion: str, change: Change, now: datetime) -> Result | None:
    """None where it names no lines, or none that the order has left."""
    if not change.items:
        return None
    details = Details(change.items, happened_at=change.happened_at, worth_minor=change.amount_minor)
    try:
        adjusted = adjustments.adjust_early(
            stores, conversion, change.id, change.kind, None, change.reason[:MAX_REASON], now, details
        )
    except (Invalid, Conflict):
        return None
    return Result(conversion, "duplicate" if adjusted.duplicate else "adjusted")


def _adjust_plain(stores: Stores, conversion: str, change: Change, now: datetime) -> Result:
    amount_minor = change.amount_minor
    reason = change.reason[:MAX_REASON]
    details = Details(happened_at=change.happened_at, total_minor=change.total_minor)
    try:
        adjusted = adjustments.adjust_early(
            stores, conversion, change.id, change.kind, amount_minor, reason, now, details
        )
    except Invalid as error:
        if error.code != "refund_exceeds_sale":
            raise
        adjusted = adjustments.adjust_early(stores, conversion, change.id, change.kind, None, reason, now)
    return Result(conversion, "duplicate" if adjusted.duplicate else "adjusted")
