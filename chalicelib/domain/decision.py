"""What a conversion is worth to whom: facts in, a decision out, the same for the same facts for ever.

The steps: choose the terms; sort the touches into those that count and those that don't, each with its
reason; let the coupon rule decide; share by the model; price by the rule of the event; split.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from chalicelib.domain.commission import KINDS
from chalicelib.domain.commission.sale import Sale, Waiting
from chalicelib.domain.conversion import (
    Adjustment,
    AdjustmentKind,
    Content,
    CouponMatch,
    Outcome,
    Report,
    Touch,
)
from chalicelib.domain.money import allot, round_half_away
from chalicelib.domain.path import Considered, first_credited, in_order, weigh, weights_of
from chalicelib.domain.program import Program
from chalicelib.domain.terms import CommissionRule, CouponRule, Terms, in_force


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known about one conversion.

    `report` is the first one acknowledged; `confirmation` the authenticated one that followed a
    browser's, whose figures stand; `touches` and `coupons` are the union of all evidence, the last of
    which was told at `learned_at`.
    """

    id: str
    report: Report
    learned_at: datetime
    confirmation: Report | None = None
    touches: tuple[Touch, ...] = ()
    coupons: tuple[CouponMatch, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def effective(self) -> Report:
        """The report whose figures, time and method stand: the authenticated one, where there are two."""
        return self.confirmation or self.report

    @property
    def confirmed_at(self) -> datetime | None:
        """Since when somebody whom the program trusts vouches for it; None while nobody does."""
        reports = [self.report, *([self.confirmation] if self.confirmation else [])]
        vouched = [report.received_at for report in reports if report.confirmed]
        vouched += [a.received_at for a in self.adjustments if a.kind is AdjustmentKind.APPROVE]
        return min(vouched, default=None)

    @property
    def rejected_at(self) -> datetime | None:
        """When it was first rejected; None if never. A rejection outweighs every approval."""
        return min((a.received_at for a in self.adjustments if a.kind is AdjustmentKind.REJECT), default=None)


@dataclass(frozen=True, slots=True)
class Credit:
    """What one partner gets. `basis` names the click or coupon that earned it."""

    partner: str
    share: Fraction
    sale_minor: int
    commission_minor: int
    basis: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at before money is booked; `passed` False holds the conversion."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, and all that led to it.

    `commission_exact` is the unrounded commission in minor units; refunds take their part of it.
    """

    outcome: Outcome
    reason: str
    model: str | None
    terms_version: int | None
    hold_days: int
    path: tuple[Considered, ...]
    credits: tuple[Credit, ...]
    checks: tuple[Check, ...]
    currency: str
    rate: str
    commission_exact: Fraction


def decide(facts: Facts, program: Program, versions: Sequence[Terms]) -> Decision:
    """Who is credited with what for this conversion, under the terms that apply to it.

    `versions` are the program's terms in order. Adjustments don't change the decision, except that an
    approval confirms: what they do to the money is `settlement`'s.
    """
    coupon = _best_coupon(facts.coupons)
    terms, path = _apply_terms(facts, coupon, versions)
    if terms is None:
        return _nobody(facts, path, "terms_missing", None)
    winner = _coupon_winner(coupon, path, terms.attribution.coupon)
    if winner is None and not any(step.weight for step in path):
        return _nobody(facts, path, "no_touch_in_window" if path else "no_click_or_coupon", terms)
    weights = {winner.partner: 1} if winner and winner.partner else weights_of(path)
    rule = next((rule for rule in terms.commissions if rule.event == facts.effective.event), None)
    checks = [_confirmation_check(facts)]
    try:
        exact = _price(rule, facts, program)
    except Waiting as waiting:
        checks.append(Check("commission", False, f"{waiting.code}: {waiting.message}"))
        exact = Fraction(0)
    held = next((check for check in checks if not check.passed), None)
    return Decision(
        outcome=Outcome.HELD if held else Outcome.RECORDED,
        reason=held.detail.split(":")[0] if held else ("coupon" if winner else terms.attribution.model),
        model="coupon" if winner else terms.attribution.model,
        terms_version=terms.version,
        hold_days=terms.hold_days,
        path=path,
        credits=_credits(weights, facts.effective.content, exact, path, winner),
        checks=tuple(checks),
        currency=facts.effective.content.currency,
        rate=_rate_text(rule),
        commission_exact=exact,
    )


def _apply_terms(
    facts: Facts, coupon: CouponMatch | None, versions: Sequence[Terms]
) -> tuple[Terms | None, tuple[Considered, ...]]:
    """The newest version that was in force when what it credits happened.

    That is its first credited touch, or the sale itself where its coupon wins. Where no version agrees with
    itself so, because nothing earns or the versions' models point at one another, it is the newest that
    began before.
    """
    weighed = []
    for terms in reversed(versions):
        path = _weigh(facts, coupon, terms)
        earned_at = _earned_at(facts, coupon, path, terms)
        if earned_at is not None and in_force(versions, earned_at) is terms:
            return terms, path
        weighed.append((terms, path))
    for terms, path in weighed:
        if (first_credited(path) or facts.effective.occurred_at) >= terms.starts_at or terms is versions[0]:
            return terms, path
    return None, tuple(Considered(touch, False, "terms_missing") for touch in in_order(facts.touches))


def _weigh(facts: Facts, coupon: CouponMatch | None, terms: Terms) -> tuple[Considered, ...]:
    beats = coupon is not None and terms.attribution.coupon is CouponRule.BEATS_CLICK
    return weigh(facts.touches, facts.effective, terms, "coupon_beats_click" if beats else None)


def _earned_at(
    facts: Facts, coupon: CouponMatch | None, path: Sequence[Considered], terms: Terms
) -> datetime | None:
    if _coupon_winner(coupon, path, terms.attribution.coupon):
        return facts.effective.occurred_at
    return first_credited(path)


def _best_coupon(coupons: Sequence[CouponMatch]) -> CouponMatch | None:
    """Of several codes one decides, in whatever order they were told: a trusted one, then by code."""
    owned = [coupon for coupon in coupons if coupon.partner]
    return min(owned, key=lambda coupon: (not coupon.trusted, coupon.code, coupon.partner), default=None)


def _coupon_winner(
    coupon: CouponMatch | None, path: Sequence[Considered], rule: CouponRule
) -> CouponMatch | None:
    match rule:
        case CouponRule.BEATS_CLICK:
            return coupon
        case CouponRule.IF_NO_CLICK:
            return None if any(step.weight for step in path) else coupon
        case CouponRule.OFF:
            return None


def _price(rule: CommissionRule | None, facts: Facts, program: Program) -> Fraction:
    if rule is None:
        raise Waiting("commission_rule_missing", f"the terms have no commission for {facts.effective.event}")
    if program.settle_in not in {None, facts.effective.content.currency}:
        raise Waiting(
            "rate_missing", f"no rate from {facts.effective.content.currency} to {program.settle_in}"
        )
    return KINDS[rule.kind](rule, Sale(facts.effective.content, program.currency))


def _confirmation_check(facts: Facts) -> Check:
    if facts.confirmed_at is not None:
        return Check("confirmation", True, "confirmed")
    return Check("confirmation", False, "confirmation_missing: reported by a browser, not yet confirmed")


def _credits(
    weights: dict[str, int],
    content: Content,
    exact: Fraction,
    path: Sequence[Considered],
    winner: CouponMatch | None,
) -> tuple[Credit, ...]:
    parts = list(weights.values())
    whole = sum(parts)
    sales = allot(content.amount_minor, parts)
    commissions = allot(round_half_away(exact), parts)
    credited = []
    for (partner, weight), sale, commission in zip(weights.items(), sales, commissions, strict=True):
        touches = [step.touch for step in path if step.weight and step.touch.partner == partner]
        basis = f"coupon {winner.code}" if winner else f"click {touches[0].click_id}"
        if len(touches) > 1 and not winner:
            basis += f" and {len(touches) - 1} more"
        code = None if winner else touches[-1].code
        credited.append(Credit(partner, Fraction(weight, whole), sale, commission, basis, code))
    return tuple(credited)


def _rate_text(rule: CommissionRule | None) -> str:
    if rule is None:
        return "no rule"
    return f"{rule.rate_bp} bp" if rule.rate_bp is not None else f"{rule.kind} {rule.amount_minor}"


def _nobody(facts: Facts, path: tuple[Considered, ...], reason: str, terms: Terms | None) -> Decision:
    return Decision(
        outcome=Outcome.UNATTRIBUTED,
        reason=reason,
        model=terms.attribution.model if terms else None,
        terms_version=terms.version if terms else None,
        hold_days=terms.hold_days if terms else 0,
        path=path,
        credits=(),
        checks=(),
        currency=facts.effective.content.currency,
        rate="no rule",
        commission_exact=Fraction(0),
    )


def with_adjustment(facts: Facts, adjustment: Adjustment) -> Facts:
    """The facts with one adjustment more."""
    return replace(facts, adjustments=(*facts.adjustments, adjustment))
