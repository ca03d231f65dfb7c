"""`/v1/collect`: where the tag sends, from any origin and without a key."""

import functools
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from chalice import Blueprint, Response

from chalicelib.domain.errors import Conflict, Invalid, TooLarge
from chalicelib.domain.screening import Hit
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.routes.replies import source_ip_of
from chalicelib.services import bot_lists, browser_orders, collect
from chalicelib.services.browser_orders import Line, Order
from chalicelib.services.collect import Kept, Visitor

bp = Blueprint(__name__)

MAX_BODY_BYTES = 64 * 1024
"""What browsers let a beacon carry (Fetch standard, 4.5, keepalive)."""

MAX_LINES = 200

ClickId = Annotated[str, msgspec.Meta(max_length=200)]
Short = Annotated[str, msgspec.Meta(max_length=256)]
Long = Annotated[str, msgspec.Meta(max_length=2048)]


class CollectedItem(Body, frozen=True, kw_only=True):
    """A line of the order; `amount` is the whole line's."""

    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    amount: int | str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    category: Short | None = None


class Collected(Body, frozen=True, kw_only=True):
    """One event of the tag. Amounts are integers of minor units, or text in major units (`"19.90"`)."""

    program: str
    type: Literal["click", "view", "convert", "identify", "consent"]
    consent: Literal["granted", "denied"] | None = None
    click_id: ClickId | None = None
    earlier: Annotated[list[ClickId], msgspec.Meta(max_length=browser_orders.MAX_EARLIER)] | None = None
    partner: Short | None = None
    page: Long | None = None
    referrer: Long | None = None
    utm: dict[Short, Short] | None = None
    framed: bool = False
    event: str | None = None
    order_id: str | None = None
    amount: int | str | None = None
    currency: str | None = None
    coupon: str | None = None
    customer_id: str | None = None
    items: Annotated[list[CollectedItem], msgspec.Meta(max_length=MAX_LINES)] | None = None


class Receipt(View, frozen=True, kw_only=True):
    """What became of a click: the id under which it is known, where one may be kept, and for how long."""

    recorded: bool
    click_id: str | None = None
    max_age_s: int | None = None


def _from_any_origin(answer: Callable[[], Response]) -> Callable[[], Response]:
    """Let pages of every origin read the answer, and ask first (Fetch standard, 3.2)."""

    @functools.wraps(answer)
    def answer_any() -> Response:
        if bp.current_request.method == "OPTIONS":
            response = Response(body=b"", status_code=204, headers={})
            response.headers["Access-Control-Allow-Methods"] = "POST"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
            response.headers["Access-Control-Max-Age"] = "86400"
        else:
            response = answer()
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return answer_any


@bp.route("/v1/collect", methods=["POST", "OPTIONS"], content_types=["*/*"])
@_from_any_origin
@endpoint(body=Collected, returns=Receipt, status=202, media=("application/json", "text/plain"))
def collect_event(call: Call[Collected]) -> Receipt:
    """Take what the tag tells; an order's answer says nothing about the order."""
    if len(call.raw) > MAX_BODY_BYTES:
        raise TooLarge("body_too_large", f"an event may have {MAX_BODY_BYTES} bytes")
    headers = {name.lower(): value for name, value in call.headers.items()}
    headers |= {"referer": call.body.referrer or ""}
    hit = Hit("POST", headers, call.now, bot_lists.current(), call.body.framed)
    visitor = Visitor(hit, call.body.consent, source_ip_of(bp.current_request))
    match call.body.type:
        case "click":
            return _receipt(_click(call, visitor))
        case "view":
            return _receipt(_view(call, visitor))
        case "convert":
            _order(call, visitor)
        case "identify":
            customer_id, click_id = _required(call.body, "customer_id"), _required(call.body, "click_id")
            collect.identify(call.stores, call.body.program, customer_id, click_id, visitor)
    return Receipt(recorded=True)


def _click(call: Call[Collected], visitor: Visitor) -> Kept | None:
    """A direct link's click where a partner is named, else one with which the visitor landed."""
    event = call.body
    if event.partner:
        parameters = event.utm or {}
        return collect.record_direct(
            call.stores, event.program, event.partner, parameters, event.click_id, visitor
        )
    return collect.recognise(call.stores, event.program, _required(event, "click_id"), visitor)


def _view(call: Call[Collected], visitor: Visitor) -> Kept | None:
    """A visit of another channel, where it is one."""
    event = call.body
    parameters = event.utm or {}
    return collect.record_visit(
        call.stores, event.program, event.page or "", parameters, event.click_id, visitor
    )


def _receipt(kept: Kept | None) -> Receipt:
    if kept is None:
        return Receipt(recorded=False)
    return Receipt(recorded=True, click_id=kept.token, max_age_s=kept.max_age_s)


def _order(call: Call[Collected], visitor: Visitor) -> None:
    """Record the order; whether it was known, even with other figures, is nobody's business here."""
    event = call.body
    lines = tuple(Line(item.sku, item.quantity, item.amount, item.category) for item in event.items or ())
    order = Order(
        event=_required(event, "event"),
        order_id=_required(event, "order_id"),
        amount=event.amount,
        currency=event.currency,
        items=lines,
        clicks=tuple(click for click in [event.click_id, *(event.earlier or ())] if click),
        coupon=event.coupon,
        customer_id=event.customer_id,
    )
    try:
        browser_orders.record_tag(call.stores, event.program, order, visitor)
    except Conflict:
        return


def _required(event: Collected, field: str) -> str:
    value: str | None = getattr(event, field)
    if not value:
        raise Invalid("field_required", "this field is required", field)
    return value
