"""Orders of a file against the conversions that we hold: what agrees, what differs and what is missing.

Every finding names what a confirmation of it would do (`Remedy`), so that confirming never has to guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from chalicelib.domain.conversion import Outcome, State
from chalicelib.domain.decision import Decision
from chalicelib.domain.facts import Facts
from chalicelib.domain.orders import BadRow, Order, Status
from chalicelib.domain.takings import reversed_part


class Kind(StrEnum):
    """What came of comparing one order or one row."""

    MATCHED = "matched"
    AMOUNT_DIFFERS = "amount_differs"
    STATUS_DIFFERS = "status_differs"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    IGNORED = "ignored"
    UNREADABLE = "unreadable"


class Remedy(StrEnum):
    """What a confirmation does about a finding."""

    NONE = "none"
    RECORD = "record"
    CONFIRM = "confirm"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Ours:
    """What we hold of an order: its facts, the decision that they lead to, and its state."""

    facts: Facts
    decision: Decision
    state: State

    @property
    def amount_minor(self) -> int:
        """The amount that stands, in minor units."""
        return self.facts.effective.content.amount_minor

    @property
    def refunded_minor(self) -> int:
        """How much of it was taken back, in minor units."""
        return int(reversed_part(self.facts, self.facts.adjustments) * self.amount_minor)

    @property
    def is_reversed(self) -> bool:
        """Whether all of it was taken back."""
        return reversed_part(self.facts, self.facts.adjustments) == Fraction(1)

    @property
    def partners(self) -> tuple[str, ...]:
        """Who is credited with it."""
        return tuple(credit.partner for credit in self.decision.credits)

    @property
    def waits_for_confirmation(self) -> bool:
        """Whether nobody that the program trusts has vouched for it, or spoken against it."""
        return self.facts.confirmed_at is None and self.facts.rejected_at is None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one order; amounts are in minor units of `currency`, None where that side has none."""

    kind: Kind
    order_id: str
    reason: str
    line: int | None = None
    conversion: str | None = None
    state: State | None = None
    currency: str | None = None
    ours_minor: int | None = None
    theirs_minor: int | None = None
    partners: tuple[str, ...] = ()
    remedy: Remedy = Remedy.NONE
    refund_minor: int | None = None


def compare_order(
    order: Order, ours: Ours | None, *, tells_status: bool, coupon_owner: str | None
) -> Finding:
    """What the merchant's order and our conversion say of one another.

    `coupon_owner` is the partner of the order's promo code. Of several differences the one that
    costs most is told: a status comes before an amount.
    """
    found = _finding(order, ours)
    if ours is None:
        return _missing_here(found, order, coupon_owner)
    if ours.facts.rejected_at is not None:
        return replace(found, reason="rejected_here")
    status = _status_finding(found, order, ours, tells_status=tells_status)
    if status is not None:
        return status
    if order.currency != ours.facts.effective.content.currency:
        return replace(found, kind=Kind.AMOUNT_DIFFERS, reason="currency_differs")
    vouched = ours.waits_for_confirmation and order.status is Status.PAID
    remedy = Remedy.CONFIRM if vouched else Remedy.NONE
    if order.amount_minor not in {None, ours.amount_minor}:
        more = (order.amount_minor or 0) > ours.amount_minor
        reason = "more_there" if more else "less_there"
        return replace(found, kind=Kind.AMOUNT_DIFFERS, reason=reason, remedy=remedy)
    if order.status is Status.OPEN and ours.waits_for_confirmation:
        return replace(found, reason="not_paid_yet")
    return replace(found, reason=leak_of(ours) or "agrees", remedy=remedy)


def compare_claim(order: Order, ours: Ours | None, partner: str) -> Finding:
    """What a partner's own list and our conversion say of one another: credited, or why not."""
    found = _finding(order, ours)
    if ours is None:
        return replace(found, kind=Kind.MISSING_HERE, reason="never_reported")
    if partner not in ours.partners:
        return replace(found, kind=Kind.MISSING_HERE, reason=_why_not_credited(ours, partner))
    if ours.state in {State.REVERSED, State.REJECTED}:
        return replace(found, kind=Kind.STATUS_DIFFERS, reason=f"{ours.state}_here")
    if order.amount_minor is not None:
        ours_content = ours.facts.effective.content
        if (order.amount_minor, order.currency) != (ours_content.amount_minor, ours_content.currency):
            more = order.amount_minor > ours_content.amount_minor
            same_currency = order.currency == ours_content.currency
            reason = ("more_there" if more else "less_there") if same_currency else "currency_differs"
            return replace(found, kind=Kind.AMOUNT_DIFFERS, reason=reason)
    return replace(found, reason="agrees")


def missing_there(ours: Ours) -> Finding:
    """A conversion of the time that the file covers, which isn't in it."""
    content = ours.facts.effective.content
    return Finding(
        kind=Kind.MISSING_THERE,
        order_id=ours.facts.effective.order_id,
        reason="unconfirmed" if ours.waits_for_confirmation else "not_in_file",
        conversion=ours.facts.id,
        state=ours.state,
        currency=content.currency,
        ours_minor=content.amount_minor,
        partners=ours.partners,
    )


def unreadable(row: BadRow) -> Finding:
    """A row that told nothing."""
    return Finding(kind=Kind.UNREADABLE, order_id="", reason=f"{row.code}: {row.message}", line=row.line)


def leak_of(ours: Ours) -> str | None:
    """Why, most likely, nobody is credited with this order; None where somebody is."""
    if ours.decision.outcome is not Outcome.UNATTRIBUTED:
        return None
    match ours.decision.reason:
        case "no_touch_in_window":
            return "click_expired"
        case "no_click_or_coupon":
            return _leak_without_touch(ours.facts)
    return ours.decision.reason


def _leak_without_touch(facts: Facts) -> str:
    report = facts.effective
    if facts.coupons:
        return "wrong_coupon"
    if facts.report.click_id or report.click_id:
        return "click_lost"
    if report.customer or facts.report.customer:
        return "other_device"
    return "blocked_cookie" if facts.report.from_browser else "no_click"


def _why_not_credited(ours: Ours, partner: str) -> str:
    """The reason of the partner's newest touch, where it has one; otherwise what became of the order."""
    own = [step.reason for step in ours.decision.path if step.touch.partner == partner and not step.counted]
    if own:
        return own[-1]
    return leak_of(ours) or "credited_to_others"


def _finding(order: Order, ours: Ours | None) -> Finding:
    """A match, until something speaks against it."""
    found = Finding(
        kind=Kind.MATCHED,
        order_id=order.ids[0],
        reason="",
        line=order.line,
        currency=order.currency,
        theirs_minor=order.amount_minor,
    )
    if ours is None:
        return found
    return replace(
        found,
        order_id=ours.facts.effective.order_id,
        conversion=ours.facts.id,
        state=ours.state,
        ours_minor=ours.amount_minor,
        partners=ours.partners,
    )


def _missing_here(found: Finding, order: Order, coupon_owner: str | None) -> Finding:
    if order.status is not Status.PAID:
        return replace(found, kind=Kind.IGNORED, reason=f"{order.status}_and_unknown_here")
    partners = (coupon_owner,) if coupon_owner else ()
    if coupon_owner:
        reason = "coupon_never_reported"
    elif order.click_id:
        reason = "click_never_reported"
    else:
        reason = "wrong_coupon" if order.coupon else "never_reported"
    return replace(found, kind=Kind.MISSING_HERE, reason=reason, partners=partners, remedy=Remedy.RECORD)


def _status_finding(found: Finding, order: Order, ours: Ours, *, tells_status: bool) -> Finding | None:
    """The difference in status; None where there is none, or the file can't know."""
    differs = replace(found, kind=Kind.STATUS_DIFFERS)
    if order.status is Status.CANCELLED:
        return None if ours.is_reversed else replace(differs, reason="cancelled_there", remedy=Remedy.VOID)
    if order.status is Status.REFUNDED:
        return None if ours.is_reversed else replace(differs, reason="refunded_there", remedy=Remedy.REFUND)
    if order.refunded_minor > ours.refunded_minor:
        missing = order.refunded_minor - ours.refunded_minor
        if (
            order.refunded_minor >= ours.amount_minor
            or order.currency != ours.facts.effective.content.currency
        ):
            return replace(differs, reason="refund_exceeds_ours")
        return replace(differs, reason="partly_refunded_there", remedy=Remedy.REFUND, refund_minor=missing)
    if tells_status and ours.is_reversed:
        return replace(differs, reason="reversed_here")
    return None


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many there are of each kind, none left out."""
    found = dict.fromkeys((kind.value for kind in Kind), 0)
    for finding in findings:
        found[finding.kind] += 1
    return found
