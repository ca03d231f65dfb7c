"""What a pixel tells: a conversion in the parameters of its query. Nothing of it is trusted, as in `collect`.

A pixel's browser sees the same picture whatever became of its report, and sends it once. So where storage is
away the jobs' queue keeps it, and its worker records it later. What the queue holds is what may be kept: no
address, and no identifier that the visitor did not allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.conversion import Content
from chalicelib.domain.errors import Invalid, LinkledgerError, Unavailable
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.money import parse_major
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.postback import gather
from chalicelib.domain.program import Consent, Method
from chalicelib.domain.screening import Hit
from chalicelib.services import addresses, bot_lists, capture, collect, limiting
from chalicelib.storage.stores import Stores

_TEXTS = ("event", "order_id", "click_id", "coupon", "customer_id", "visitor", "test_visitor")


def record(
    stores: Stores,
    pairs: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    source_ip: str,
    now: datetime,
) -> None:
    """Record the conversion that a pixel tells, in the parameters of its query; later, where storage is away.

    Raises:
        NotFound: `program_unknown`.
        Invalid: `parameter_repeated`, `parameter_missing`, and what `capture.record` raises.
        Conflict: `order_conflict`.
        RateLimited: `too_many_requests`, `too_many_orders`, `coupon_guessing`.
        Unavailable: storage and the queue are away; nothing is certain.
    """
    limiting.check_block(stores, headers, source_ip, now)
    given = gather(pairs)
    program_id = _required(given, "program")
    visitor = collect.Visitor(Hit("GET", headers, now, bot_lists.current()), given.get("consent"), source_ip)
    incoming = _told(stores, given, visitor)
    try:
        program = collect.program_of(stores, program_id)
        if not visitor.lets_identify(program.consent):
            incoming = replace(incoming, customer_id=None)
        limiting.check_orders(stores, program.id)
        collect.check_coupon(stores, program, incoming.coupon, visitor)
        capture.record(stores, program, incoming, now)
    except Unavailable:
        # Whether the program requires a consent can't be known now.
        known = incoming.customer_id if visitor.lets_identify(Consent.REQUIRED) else None
        _put_off(stores, program_id, replace(incoming, customer_id=known, address=None), now)


def record_late(stores: Stores, message: Mapping[str, str]) -> None:
    """Record what was put off, as of when it was told; what makes no sense is counted as it would have been.

    Raises:
        Unavailable: storage is still away; the message should come again.
    """
    incoming = Incoming(
        content=Content(int(message["amount"]), message["currency"]),
        method=Method.PIXEL,
        **{name: message.get(name) for name in _TEXTS},  # type: ignore[arg-type]  # event and order_id are there
    )
    try:
        program = stores.catalogue.program(message["pixel"])
        capture.record(stores, program, incoming, parse_instant(message["at"], "at"))
    except Unavailable:
        raise
    except LinkledgerError as error:
        observe.info("pixel_refused", code=error.code)
        observe.count("pixel_refused")


def _told(stores: Stores, given: Mapping[str, str], visitor: collect.Visitor) -> Incoming:
    """The report as the query tells it, without the clicks that the visitor does not let us use."""
    currency, headers = _required(given, "currency"), visitor.hit.headers
    may_use_click = visitor.lets_use_click()
    return Incoming(
        event=_required(given, "event"),
        order_id=_required(given, "order_id"),
        content=Content(parse_major(_required(given, "amount"), currency), currency),
        method=Method.PIXEL,
        click_id=given.get("click_id") if may_use_click else None,
        coupon=given.get("coupon"),
        customer_id=given.get("customer_id"),
        visitor=collect.journey_of(stores, headers) if may_use_click else None,
        test_visitor=collect.journey_of(stores, headers, is_test=True) if may_use_click else None,
        address=addresses.address_of(stores, headers, visitor.source_ip),
    )


def _put_off(stores: Stores, program: str, incoming: Incoming, at: datetime) -> None:
    """Have the report of the instant `at` recorded as soon as storage answers again.

    Raises:
        Unavailable: the queue is away too.
    """
    told = {name: getattr(incoming, name) for name in _TEXTS}
    message = {
        "pixel": program,
        "at": format_instant(at),
        "amount": str(incoming.content.amount_minor),
        "currency": incoming.content.currency,
        **{name: value for name, value in told.items() if value is not None},
    }
    stores.jobs.send(message)
    observe.count("pixel_put_off")


def _required(given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise Invalid("parameter_missing", "this parameter is required", name)
    return given[name]
