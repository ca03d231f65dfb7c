"""Network-style postbacks: what a caller's own parameter names and statuses mean.

Names are compared without case. Those of our own contract come first in each row of `NAMES`; the others
are the vendors', from their public pages:

- TUNE: support.tune.com/hc/en-us/articles/4413247665431 (`transaction_id`, the replies `success=true;` and
  `success=false; err_msg=...;`), docs.tealium.com/server-side-connectors/tune-postback-tracking-connector
  (`amount`, `goal_ref`, `promo_code`, `conversion_unique_id`, `security_token`, approved, rejected, pending)
- Everflow: helpdesk.everflow.io/customer/accessing-editing-s2s-postback-urls,
  developers.everflow.io/sdk/conversion-tracking (`transaction_id`, `amount`, `order_id`, `coupon_code`,
  `verification_token`), developers.everflow.io/docs/network/conversion_updates (approved, rejected,
  pending, invalid)
- Voluum: doc.voluum.com/article/parameters-in-postback-urls (`cid`, `payout`, `txid`, `currency`, `et`)
- Keitaro: docs.keitaro.io/en/conversions/postback.html (`subid`, `tid`, `payout` or `revenue`, `currency` in
  small letters, `return`, lead, sale, rebill, rejected, and `sale_status=a,b` to teach it others)
- RedTrack: help.redtrack.io (`clickid`, `sum`, `type`, `rdtk_event_id`)
- impact.com: docs.tealium.com/server-side-connectors/impact-conversions-connector (`ClickId` or
  `irclickid`, `OrderId`, `EventTypeCode`, `PromoCode`, `CustomerId`, `CurrencyCode`, `EventDate`)
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.conversion import AdjustmentKind, Content
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import parse_major
from chalicelib.domain.period import parse_instant

DEFAULT_EVENT = "sale"
"""The event of a postback that names none, as at Keitaro."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "token": ("token", "security_token", "verification_token"),
    "click_id": ("click_id", "clickid", "cid", "subid", "sub_id", "irclickid", "aff_sub", "ll_click"),
    "order_id": ("order_id", "orderid", "txid", "tid", "rdtk_event_id", "conversion_unique_id"),
    "amount": ("amount", "sale_amount", "revenue", "sum"),
    "payout": ("payout",),
    "currency": ("currency", "currencycode", "currency_code"),
    "event": ("event", "et", "type", "eventtypecode", "goal_ref"),
    "status": ("status",),
    "coupon": ("coupon", "coupon_code", "promo_code", "promocode"),
    "customer_id": ("customer_id", "customerid"),
    "occurred_at": ("occurred_at", "eventdate"),
    "adjustment_id": ("adjustment_id",),
    "transaction_id": ("transaction_id",),
    "return": ("return",),
}
"""What each parameter means. `transaction_id` is the click id of TUNE and Everflow where no other
parameter is one, and the order's id otherwise; `payout` is the amount where nothing else is."""


class Meaning(StrEnum):
    """What a postback asks for."""

    CONVERSION = "conversion"
    REJECTION = "rejection"
    VOID = "void"
    REFUND = "refund"
    NOTHING = "nothing"


STATUSES: Mapping[str, Meaning] = {
    **dict.fromkeys(
        ("", "1", "approved", "approve", "confirmed", "accepted", "paid", "sale", "rebill"),
        Meaning.CONVERSION,
    ),
    **dict.fromkeys(("pending", "lead", "hold", "new"), Meaning.CONVERSION),
    **dict.fromkeys(("rejected", "reject", "declined", "invalid", "trash"), Meaning.REJECTION),
    **dict.fromkeys(("cancelled", "canceled", "voided", "void"), Meaning.VOID),
    **dict.fromkeys(("refunded", "refund", "reversed", "chargeback"), Meaning.REFUND),
}
"""What each status means, in small letters."""

_PLAIN = re.compile(r"[A-Za-z0-9 ._:;,=!+-]{1,64}", re.ASCII)
_TAUGHT = {
    "sale_status": Meaning.CONVERSION,
    "lead_status": Meaning.CONVERSION,
    "rejected_status": Meaning.REJECTION,
    "ignore_status": Meaning.NOTHING,
}

ADJUSTMENTS: Mapping[Meaning, AdjustmentKind] = {
    Meaning.REJECTION: AdjustmentKind.REJECT,
    Meaning.VOID: AdjustmentKind.VOID,
    Meaning.REFUND: AdjustmentKind.REFUND,
}


@dataclass(frozen=True, slots=True)
class Postback:
    """One postback, understood.

    `refund_minor` is set for a refund that names an amount; `adjustment_id` is the caller's or derived
    from what is asked, so that a repeat changes nothing.
    """

    meaning: Meaning
    event: str
    order_id: str
    content: Content
    adjustment_id: str
    refund_minor: int | None = None
    click_id: str | None = None
    coupon: str | None = None
    customer_id: str | None = None
    occurred_at: datetime | None = None


def gather(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters by their names in small letters.

    Raises:
        Invalid: `parameter_repeated`, for a name that comes twice.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        if name in found:
            raise Invalid("parameter_repeated", "a parameter may come once", name[:40])
        found[name] = value
    return found


def pick(parameters: Mapping[str, str], field: str) -> str | None:
    """The value of a field under whichever of its names it came; None where it is empty or not there.

    Raises:
        Invalid: `parameter_ambiguous`, where two of its names have different values.
    """
    values = {parameters[name] for name in NAMES[field] if parameters.get(name)}
    if len(values) > 1:
        raise Invalid("parameter_ambiguous", "two names of this parameter have different values", field)
    return values.pop() if values else None


def understand(parameters: Mapping[str, str], currency: str) -> Postback:
    """The postback that these parameters are; `currency` holds where they name none.

    A postback without an order id is the order of its click: one conversion for each click, event and
    program, as at Voluum and Keitaro without `txid` and `tid`.

    Raises:
        Invalid: `parameter_ambiguous`, `status_unknown`, `order_id_missing`, `amount_invalid`,
            `currency_unknown`, `time_invalid`.
    """
    click_id, order_id = _ids(parameters)
    status = (pick(parameters, "status") or "").strip().lower()
    meaning = _meaning(status, parameters)
    currency = (pick(parameters, "currency") or currency).upper()
    amount = pick(parameters, "amount") or pick(parameters, "payout")
    if amount is None and meaning is Meaning.CONVERSION and _leaves_amount_empty(parameters):
        amount = ""
    amount_minor = None if amount is None else parse_major(amount, currency)
    occurred_at = pick(parameters, "occurred_at")
    asked = f"postback-{meaning}" + (f"-{amount_minor}" if meaning is Meaning.REFUND and amount else "")
    return Postback(
        meaning,
        pick(parameters, "event") or DEFAULT_EVENT,
        order_id,
        Content(amount_minor or 0, currency),
        pick(parameters, "adjustment_id") or asked,
        amount_minor if meaning is Meaning.REFUND else None,
        click_id,
        pick(parameters, "coupon"),
        pick(parameters, "customer_id"),
        parse_instant(occurred_at, "occurred_at") if occurred_at else None,
    )


def accepted(parameters: Mapping[str, str]) -> str:
    """The text that tells this caller that all is well: the one it asked for with `return` (as at
    Keitaro), TUNE's where it speaks as TUNE's callers do (`transaction_id`), else `OK`.

    Raises:
        Invalid: `return_invalid`, for a text that is not 1 to 64 plain characters.
    """
    wanted = pick(parameters, "return")
    if wanted:
        if not _PLAIN.fullmatch(wanted):
            raise Invalid("return_invalid", "return must be 1 to 64 plain characters", "return")
        return wanted
    return "success=true;" if _as_tune(parameters) else "OK"


def refused(parameters: Mapping[str, str], code: str, message: str) -> str:
    """The text that tells this caller what is wrong."""
    return f"success=false; err_msg={message};" if _as_tune(parameters) else f"error={code}: {message}"


def _as_tune(parameters: Mapping[str, str]) -> bool:
    return bool(parameters.get("transaction_id"))


def _leaves_amount_empty(parameters: Mapping[str, str]) -> bool:
    """Whether an amount was meant to be there: a macro that was not filled in is no sale of nothing."""
    return any(name in parameters for name in (*NAMES["amount"], *NAMES["payout"]))


def _ids(parameters: Mapping[str, str]) -> tuple[str | None, str]:
    click_id, order_id = pick(parameters, "click_id"), pick(parameters, "order_id")
    transaction_id = pick(parameters, "transaction_id")
    if transaction_id and click_id is None:
        click_id = transaction_id
    elif transaction_id and order_id is None:
        order_id = transaction_id
    if not (order_id or click_id):
        raise Invalid("order_id_missing", "name the order (order_id) or the click (click_id)", "order_id")
    return click_id, order_id or click_id or ""


def _meaning(status: str, parameters: Mapping[str, str]) -> Meaning:
    for name, meaning in _TAUGHT.items():
        taught = {word.strip().lower() for word in parameters.get(name, "").split(",")} - {""}
        if status in taught:
            return meaning
    if status not in STATUSES:
        raise Invalid(
            "status_unknown", "status is none that is known; teach it with sale_status=...", "status"
        )
    return STATUSES[status]
