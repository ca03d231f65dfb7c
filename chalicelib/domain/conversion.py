"""Conversions: what was reported of an order, by whom, with which evidence, and what was done to it since.

An order is `(program, event, order_id)`. Its content is amount, currency and items; everything else is
evidence, which may be added later and is decided again.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.program import BROWSER_METHODS, Method


class State(StrEnum):
    """Where a conversion stands, as its users see it."""

    PENDING = "pending"
    HELD = "held"
    APPROVED = "approved"
    PAID = "paid"
    REVERSED = "reversed"
    REJECTED = "rejected"
    UNATTRIBUTED = "unattributed"


class Outcome(StrEnum):
    """What an answer to a report says happened to the conversion."""

    RECORDED = "recorded"
    UNATTRIBUTED = "unattributed"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an order. `amount_minor` is the whole line's, not a unit's."""

    sku: str
    quantity: int
    amount_minor: int
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What makes two reports of an order the same."""

    amount_minor: int
    currency: str
    items: tuple[Item, ...] = ()


OPENING = "@moved"
"""The event of an opening order, by which a customer brought from elsewhere is its partner's.

No report can tell it: events begin with a letter or digit.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """One report of an order, checked and ready to be recorded.

    `click_id` is a click token; `coupon` is as given; `customer` is the HMAC of the merchant's id, never
    the id, and `email` that of the customer's e-mail address; `confirmed` says that the program trusts this
    report without a second one. `terms_known` is the newest version of the terms when it was recorded (0:
    there was none; None: it was recorded before this was kept).
    """

    program: str
    event: str
    order_id: str
    content: Content
    method: Method
    occurred_at: datetime
    received_at: datetime
    confirmed: bool
    click_id: str | None = None
    coupon: str | None = None
    customer: str | None = None
    email: str | None = None
    terms_known: int | None = None

    @property
    def is_opening(self) -> bool:
        """Whether it only says whose the customer is: nobody is paid for it, and no rule looks at it."""
        return self.event == OPENING

    @property
    def from_browser(self) -> bool:
        """Whether anybody's browser could have sent it."""
        return self.method in BROWSER_METHODS


@dataclass(frozen=True, slots=True)
class Touch:
    """A click as the conversion keeps it: its own copy, which outlives the click session.

    `partner` is None for a touch of another channel; `evidence` says how it came into the path
    (`click_id`, `journey`, `customer`, `token`), `origin` on which host the link stood, where that is known;
    `marks` are what else fraud rules want to know of the click.
    """

    click_id: str
    at: datetime
    partner: str | None
    code: str | None
    channel: str
    evidence: str
    trusted: bool = True
    origin: str | None = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that was seen when a report or its evidence came, kept with it once and for ever.

    `name` is a stable word, `partner` whom it is about (None for nobody), `detail` the rest in a few words.
    """

    name: str
    partner: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CouponMatch:
    """A promo code that was told; `partner` is None while the code belongs to nobody.

    `starts_at` and `ends_at` are the code's window as it was then, half-open, and `max_uses` its limit.
    """

    code: str
    partner: str | None
    trusted: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_uses: int | None = None

    def covers(self, at: datetime) -> bool:
        """Whether the code counts for an order of that time."""
        return (self.starts_at is None or self.starts_at <= at) and (
            self.ends_at is None or at < self.ends_at
        )


class AdjustmentKind(StrEnum):
    """What can be done to a conversion after it was recorded."""

    REFUND = "refund"
    CHARGEBACK = "chargeback"
    VOID = "void"
    APPROVE = "approve"
    REJECT = "reject"


FILE_APPROVAL = "orders-approve"
"""The id of the approval by which an order file vouches for an order that a browser told.

It confirms the order, as a report of the shop would, and lets go nothing that a fraud rule stopped.
"""


@dataclass(frozen=True, slots=True)
class Returned:
    """A line of an order that came back: its position, from 0, and how many pieces or how much of it."""

    line: int
    sku: str
    quantity: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One thing done to a conversion, kept for ever; `amount_minor` None takes all that is left.

    Of `items`, where there are any, `amount_minor` is the sum. `of_total` says that it was worked out from
    the sum that an order file tells, without knowing of which refunds; `repeats` that it is one of those,
    told once more by itself. `actor` is who did it: a key's id, or what else the audit log names.
    """

    id: str
    kind: AdjustmentKind
    amount_minor: int | None
    reason: str
    received_at: datetime
    items: tuple[Returned, ...] = ()
    of_total: bool = False
    repeats: bool = False
    actor: str = ""
