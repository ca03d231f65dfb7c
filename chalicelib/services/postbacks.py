"""Carrying out network-style postbacks: a conversion, or what was done to it since."""

import hmac
from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain import ids
from chalicelib.domain.errors import Invalid, Unauthenticated
from chalicelib.domain.incoming import Incoming, check_event, check_order_id
from chalicelib.domain.postback import ADJUSTMENTS, Meaning, Postback, pick, understand
from chalicelib.domain.program import Method, Program
from chalicelib.services import adjustments, capture, checkups, limiting
from chalicelib.storage.stores import Stores

_NO_TOKEN = "-" * 43


def receive(stores: Stores, program_id: str, parameters: Mapping[str, str], now: datetime) -> None:
    """Do what the postback asks; doing it again changes nothing.

    `parameters` are gathered (`domain.postback.gather`). A refund or rejection may come before its order.

    Raises:
        Unauthenticated: `unauthenticated`, for a wrong token and an unknown program alike.
        Invalid: what `understand` and `capture.record` raise; `currency_differs`.
        Conflict: `order_conflict`.
        RateLimited: `too_many_requests`.
        Unavailable: send it again.
    """
    program = _authenticate(stores, program_id, pick(parameters, "token"))
    limiting.check_program(stores, program.id)
    if Method.POSTBACK not in program.methods:
        raise Invalid("method_not_allowed", "this program does not use postback")
    postback = understand(parameters, program.currency)
    if postback.meaning is Meaning.CONVERSION:
        capture.record(stores, program, _incoming(postback), now)
    elif postback.meaning is not Meaning.NOTHING:
        _adjust(stores, program, parameters, postback, now)


def _authenticate(stores: Stores, program_id: str, token: str | None) -> Program:
    program = stores.catalogue.find_program(program_id)
    expected = program.postback_token if program else _NO_TOKEN
    right = hmac.compare_digest(expected.encode(), (token or "").encode("utf-8", "replace"))
    if program is None or not right:
        raise Unauthenticated("unauthenticated", "the token is wrong")
    return program


def _incoming(postback: Postback) -> Incoming:
    return Incoming(
        event=postback.event,
        order_id=postback.order_id,
        content=postback.content,
        method=Method.POSTBACK,
        click_id=postback.click_id,
        coupon=postback.coupon,
        customer_id=postback.customer_id,
        occurred_at=postback.occurred_at,
    )


def _in_its_currency(
    stores: Stores, conversion: str, parameters: Mapping[str, str], postback: Postback
) -> Postback:
    """A refund in the currency of its order, where that is known already: 3 dollars are no 3 euros of it.

    Raises:
        Invalid: `currency_differs`.
    """
    if postback.refund_minor is None:
        return postback
    found = stores.conversions.find(conversion)
    known = {adjustment.id for adjustment in found.facts.adjustments} if found else set()
    currency = found.facts.effective.content.currency if found else postback.content.currency
    if currency == postback.content.currency or postback.adjustment_id in known:
        return postback
    if pick(parameters, "currency"):
        raise Invalid("currency_differs", f"the order is in {currency}", "currency")
    return understand(parameters, currency)


def _adjust(
    stores: Stores, program: Program, parameters: Mapping[str, str], postback: Postback, now: datetime
) -> None:
    order_id = check_order_id(postback.order_id)
    event = check_event(postback.event)
    if tested := checkups.find_told(stores, program, postback.click_id, event, order_id, now):
        told, kind = f"postback said {postback.meaning}", ADJUSTMENTS[postback.meaning]
        checkups.adjust(stores, tested, postback.adjustment_id, kind, postback.refund_minor, told, now)
        return
    conversion = ids.conversion_id(program.id, event, order_id)
    postback = _in_its_currency(stores, conversion, parameters, postback)
    adjustments.adjust_early(
        stores,
        conversion,
        postback.adjustment_id,
        ADJUSTMENTS[postback.meaning],
        postback.refund_minor,
        f"postback said {postback.meaning}",
        now,
    )
