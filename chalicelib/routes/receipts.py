"""The receipt of a conversion, as its readers get it; a partner sees only its own part."""

from collections.abc import Iterable

from chalicelib.domain.decision import Credit, Decision
from chalicelib.domain.journal import Entry
from chalicelib.domain.path import Considered, share_text
from chalicelib.domain.period import format_instant
from chalicelib.domain.receipt import receipt_text
from chalicelib.routes.endpoint import View
from chalicelib.storage.conversions import Conversion


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
    """Something that was looked at before money is booked."""

    name: str
    passed: bool
    detail: str


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
        credits=[_credit(credit, decision) for credit in credited],
        checks=[CheckView(name=c.name, passed=c.passed, detail=c.detail) for c in decision.checks],
        entries=list(_entries(booked)),
        text=receipt_text(found.facts, decision, found.booked.entries, found.state, only_for),
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


def _credit(credit: Credit, decision: Decision) -> CreditView:
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
