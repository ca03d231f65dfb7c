"""Conversions that browsers tell, by pixel or tag. Nothing of them is trusted, as in `collect`.

A browser tells an order once, and nobody reads the answer. So where storage is away, the jobs' queue keeps
what was told, and its worker records it later. What the queue holds is what may be kept: no address, and no
identifier that the visitor did not allow.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib import observe
from chalicelib.domain.conversion import Content, Item
from chalicelib.domain.errors import Invalid, LinkledgerError, Unavailable
from chalicelib.domain.incoming import Incoming, check_event, check_items, check_order_id
from chalicelib.domain.money import check_amount, parse_major
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.postback import gather
from chalicelib.domain.program import Consent, Method, Program
from chalicelib.domain.screening import Hit
from chalicelib.services import addresses, bot_lists, capture, checkups, guessing, limiting
from chalicelib.services.collect import Visitor, journey_of
from chalicelib.storage.stores import Stores

MAX_EARLIER = 4
"""Clicks that the tag may name beside the newest one."""

_TEXTS = ("event", "order_id", "click_id", "coupon", "customer_id", "visitor", "test_visitor")

Reports = Callable[[str | None], Sequence[Incoming]]
"""The reports of one order, given its program's currency; None where that can't be read.

Raises Unavailable where they can't be made without it.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """An item as the tag tells it; `amount` is as in `Order`."""

    sku: str
    quantity: int
    amount: int | str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A conversion as the tag tells it.

    `amount` is an integer of minor units, as everywhere in the API, or a text in major units (`"19.90"`);
    None is 0. `clicks` are tokens, the newest first.
    """

    event: str
    order_id: str
    amount: int | str | None = None
    currency: str | None = None
    items: tuple[Line, ...] = ()
    clicks: tuple[str, ...] = ()
    coupon: str | None = None
    customer_id: str | None = None


def record_pixel(
    stores: Stores,
    pairs: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    source_ip: str,
    now: datetime,
) -> None:
    """Record the conversion that a pixel tells, in the parameters of its query.

    Raises:
        NotFound: `program_unknown`.
        Invalid: `parameter_repeated`, `parameter_missing`, and what `capture.record` raises.
        Conflict: `order_conflict`.
        RateLimited: `too_many_requests`, `too_many_orders`, `coupon_guessing`.
        Unavailable: storage and the queue are away; nothing is certain.
    """
    limiting.check_block(stores, headers, source_ip, now)
    given = gather(pairs)
    currency = _required(given, "currency")
    visitor = Visitor(Hit("GET", headers, now, bot_lists.current()), given.get("consent"), source_ip)
    may_use_click = visitor.lets_use_click()
    incoming = Incoming(
        event=_required(given, "event"),
        order_id=_required(given, "order_id"),
        content=Content(parse_major(_required(given, "amount"), currency), currency),
        method=Method.PIXEL,
        click_id=given.get("click_id") if may_use_click else None,
        coupon=given.get("coupon"),
        customer_id=given.get("customer_id"),
        visitor=journey_of(stores, headers) if may_use_click else None,
        test_visitor=journey_of(stores, headers, is_test=True) if may_use_click else None,
        address=addresses.address_of(stores, headers, source_ip),
    )
    _record(stores, _required(given, "program"), visitor, lambda _: [incoming])


def record_tag(stores: Stores, program_id: str, order: Order, visitor: Visitor) -> None:
    """Record the conversion that the tag tells, with every click that its shop remembers.

    Raises:
        NotFound: `program_unknown`.
        Invalid: what `capture.record` raises.
        Conflict: `order_conflict`.
        RateLimited: `too_many_orders`, `coupon_guessing`.
        Unavailable: storage is away, and so is the queue or the order has no currency; nothing is certain.
    """
    _record(stores, program_id, visitor, lambda currency: _reports_of(stores, order, visitor, currency))


def record_late(stores: Stores, message: Mapping[str, str]) -> None:
    """Record what was put off, as of when it was told; what makes no sense is counted as it would have been.

    Raises:
        Unavailable: storage is still away; the message should come again.
    """
    at = parse_instant(message["at"], "at")
    try:
        program = stores.catalogue.program(message["late_order"])
        _capture(stores, program, [_read(told) for told in json.loads(message["reports"])], at)
    except Unavailable:
        raise
    except LinkledgerError as error:
        observe.info("late_order_refused", code=error.code)
        observe.count("late_order_refused")


def _record(stores: Stores, program_id: str, visitor: Visitor, reports: Reports) -> None:
    at = visitor.hit.at
    try:
        program = stores.catalogue.program(program_id)
        told = [_allowed(incoming, visitor, program.consent) for incoming in reports(program.currency)]
        limiting.check_orders(stores, program.id)
        _check_coupon(stores, program, told[0].coupon, visitor)
        _capture(stores, program, told, at)
    except Unavailable:
        # Whether the program requires a consent can't be known now.
        strictest = [_allowed(incoming, visitor, Consent.REQUIRED) for incoming in reports(None)]
        _put_off(stores, program_id, strictest, at)


def _capture(stores: Stores, program: Program, reports: Sequence[Incoming], at: datetime) -> None:
    """Record the order by each click that was told; while a check-up is going on, by its click alone."""
    clicks = [incoming.click_id for incoming in reports if incoming.click_id]
    tests = checkups.test_among(stores, program, clicks, at)
    for incoming in reports:
        if not tests or incoming.click_id in tests:
            capture.record(stores, program, incoming, at)


def _allowed(incoming: Incoming, visitor: Visitor, consent: Consent) -> Incoming:
    return incoming if visitor.lets_identify(consent) else replace(incoming, customer_id=None)


def _put_off(stores: Stores, program: str, reports: Sequence[Incoming], at: datetime) -> None:
    """Have what was told at that instant recorded as soon as storage answers again.

    Raises:
        Invalid: what no program takes. Unavailable: the queue is away too.
    """
    message = {
        "late_order": program,
        "at": format_instant(at),
        "reports": json.dumps([_written(incoming) for incoming in reports]),
    }
    stores.jobs.send(message)
    observe.count("order_put_off")


def _written(incoming: Incoming) -> dict[str, Any]:
    content = incoming.content
    check_event(incoming.event)
    check_order_id(incoming.order_id)
    items = [(i.sku, i.quantity, i.amount_minor, i.category) for i in check_items(content.items)]
    texts = {name: getattr(incoming, name) for name in _TEXTS}
    return {
        "method": incoming.method,
        "content": (content.amount_minor, content.currency, items),
        **{name: text for name, text in texts.items() if text is not None},
    }


def _read(told: Mapping[str, Any]) -> Incoming:
    amount_minor, currency, items = told["content"]
    content = Content(amount_minor, currency, tuple(Item(*item) for item in items))
    texts: dict[str, Any] = {name: told.get(name) for name in _TEXTS}
    return Incoming(content=content, method=Method(told["method"]), **texts)


def _reports_of(
    stores: Stores, order: Order, visitor: Visitor, program_currency: str | None
) -> list[Incoming]:
    currency = order.currency or program_currency
    if currency is None:
        raise Unavailable("storage_unavailable", "the order names no currency, and its program can't be read")
    may_use_click, headers = visitor.lets_use_click(), visitor.hit.headers
    told = order.clicks[: 1 + MAX_EARLIER] if may_use_click else ()
    report = Incoming(
        event=order.event,
        order_id=order.order_id,
        content=_content(order, currency),
        method=Method.TAG,
        coupon=order.coupon,
        customer_id=order.customer_id,
        visitor=journey_of(stores, headers) if may_use_click else None,
        address=addresses.address_of(stores, headers, visitor.source_ip),
    )
    return [replace(report, click_id=click_id) for click_id in told or (None,)]


def _required(given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise Invalid("parameter_missing", "this parameter is required", name)
    return given[name]


def _check_coupon(stores: Stores, program: Program, coupon: str | None, visitor: Visitor) -> None:
    """Let the promo code on, unless its sender tries out too many."""
    if coupon and coupon.strip():
        hit = visitor.hit
        source = addresses.source_of(stores, hit.headers, visitor.source_ip, hit.at)
        guessing.check(stores, program.id, source, coupon, hit.at)


def _content(order: Order, currency: str) -> Content:
    items = tuple(
        Item(
            line.sku, line.quantity, _minor(line.amount, currency, f"items[{position}].amount"), line.category
        )
        for position, line in enumerate(order.items)
    )
    return Content(_minor(order.amount or 0, currency, "amount"), currency, items)


def _minor(amount: int | str, currency: str, field: str) -> int:
    return parse_major(amount, currency, field) if isinstance(amount, str) else check_amount(amount, field)
