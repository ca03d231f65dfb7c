"""The receipt of a conversion, as its readers get it; a partner sees only its own part."""

from collections.abc import Iterable
from typing import Any

from chalicelib.domain.conversion import Adjustment
from chalicelib.domain.decision import Credit, Decision
from chalicelib.domain.journal import Entry
from chalicelib.domain.path import Considered, share_text
from chalicelib.domain.period import format_instant
from chalicelib.domain.receipt import receipt_text, visible_checks
from chalicelib.routes.endpoint import View
from chalicelib.storage.conversion_records import Conversion


class AmountView(View, frozen=True, kw_only=True):
    """Minor units of a currency."""

    amount: int
    currency: str


class TouchView(View, frozen=True, kw_only=True):
    """A touch of the path: whether it counted, and the reason in one stable word."""

    click_id: str | None
    partner: str | None
    at: str
    evidence: str
    counted: bool
    reason: str
    channel: str
    share: str


class CreditView(View, frozen=True, kw_only=True):
    """What one partner gets; `basis` names the click or coupon."""

    partner: str
    share: str
    commission: AmountView
    sale: AmountView
    basis: str
    rate: str


class CheckView(View, frozen=True, kw_only=True):
    """Something that was looked at before money is booked.

    One that is not passed does its `action`: `flag` changes nothing, `hold` waits for a person, `reject` pays
    nothing. `version` and `evidence` are a fraud rule's.
    """

    name: str
    passed: bool
    detail: str
    action: str
    version: int | None
    evidence: dict[str, Any]


class DoneView(View, frozen=True, kw_only=True):
    """A refund, void, approval or rejection: when, why, and by which key (none where a system did it)."""

    id: str
    kind: str
    amount: int | None
    reason: str
    received_at: str
    actor: str | None


class EntryView(View, frozen=True, kw_only=True):
    """A ledger entry of this conversion."""

    id: str
    kind: str
    month: str
    booked_at: str
    partner: str
    sale: AmountView
    commission: AmountView
    reverses: str | None
    reason: str


class ReceiptView(View, frozen=True, kw_only=True):
    """Everything that led to what was paid, or to nothing being paid; `text` says it in words, by lines."""

    id: str
    order_id: str
    event: str
    state: str
    outcome: str
    reason: str
    model: str | None
    terms_version: int | None
    path: list[TouchView]
    credits: list[CreditView]
    checks: list[CheckView]
    entries: list[EntryView]
    adjustments: list[DoneView]
    text: str


def receipt_view(found: Conversion, decision: Decision, only_for: str | None) -> ReceiptView:
    """The receipt; where `only_for` names a partner, nothing that would identify the others."""
    credited = [c for c in decision.credits if only_for in {None, c.partner}]
    booked = [e for e in found.booked.entries if only_for in {None, e.partner}]
    return ReceiptView(
        id=found.facts.id,
        order_id=found.facts.effective.order_id,
        event=found.facts.effective.event,
        state=found.state,
        outcome=decision.outcome,
        reason=decision.reason,
        model=decision.model,
        terms_version=decision.terms_version,
        path=[_touch(step, only_for) for step in decision.path],
        credits=[credit_view(credit, decision) for credit in credited],
        checks=check_views(decision, only_for),
        entries=list(_entries(booked)),
        adjustments=[_done(adjustment, only_for) for adjustment in found.facts.adjustments],
        text=receipt_text(found.facts, decision, found.booked.entries, found.state, only_for),
    )


def check_views(decision: Decision, only_for: str | None) -> list[CheckView]:
    """The checks as their reader may see them."""
    return [
        CheckView(
            name=check.name,
            passed=check.passed,
            detail=check.detail,
            action=check.action,
            version=check.version,
            evidence=dict(check.evidence),
        )
        for check in visible_checks(decision, only_for)
    ]


def _done(adjustment: Adjustment, only_for: str | None) -> DoneView:
    """What was done; a partner does not learn by whom."""
    return DoneView(
        id=adjustment.id,
        kind=adjustment.kind,
        amount=adjustment.amount_minor,
        reason=adjustment.reason,
        received_at=format_instant(adjustment.received_at),
        actor=(adjustment.actor or None) if only_for is None else None,
    )


def _touch(step: Considered, only_for: str | None) -> TouchView:
    own = only_for in {None, step.touch.partner}
    return TouchView(
        click_id=step.touch.click_id if own else None,
        partner=step.touch.partner if own else None,
        at=format_instant(step.touch.at),
        evidence=step.touch.evidence,
        counted=step.counted,
        reason=step.reason,
        channel=step.touch.channel,
        share=share_text(step.weight, step.whole),
    )


def credit_view(credit: Credit, decision: Decision) -> CreditView:
    """What one partner gets, as readers see it."""
    return CreditView(
        partner=credit.partner,
        share=f"{credit.share.numerator}/{credit.share.denominator}",
        commission=AmountView(amount=credit.commission_minor, currency=decision.currency),
        sale=AmountView(amount=credit.sale_minor, currency=decision.currency),
        basis=credit.basis,
        rate=decision.rate_of(credit),
    )


def _entries(entries: Iterable[Entry]) -> Iterable[EntryView]:
    for entry in entries:
        yield EntryView(
            id=entry.id,
            kind=entry.kind,
            month=str(entry.month),
            booked_at=format_instant(entry.booked_at),
            partner=entry.partner,
            sale=AmountView(amount=entry.sale_minor, currency=entry.currency),
            commission=AmountView(amount=entry.commission_minor, currency=entry.currency),
            reverses=entry.reverses,
            reason=entry.reason,
        )
