"""What a conversion is worth to whom: facts in, a decision out, the same for the same facts for ever.

The steps: choose the terms; sort the touches into those that count and those that don't, each with its
reason; let the coupon rule decide, or whoever holds the customer; share by the model; price each partner's
share by the rules that are for it; exchange into the currency that is booked; round once; split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from chalicelib.domain.commission.pricing import Price
from chalicelib.domain.commission.sale import Waiting
from chalicelib.domain.commission.worth import Worth, reckon, unknown
from chalicelib.domain.conversion import CouponMatch, Outcome, Report, Touch
from chalicelib.domain.customer import Claim, Tenure, holder
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.checks import Check, examine, refused_touches
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import NO_POLICY, Arms, Policy
from chalicelib.domain.money import allot, round_half_away
from chalicelib.domain.path import NOTHING_REFUSED, Considered, Path, in_order, weigh
from chalicelib.domain.program import Program
from chalicelib.domain.rates import NO_RATES, Rates
from chalicelib.domain.terms import Terms, in_force

LIMIT_CHECK = "coupon_limit"
"""The check that says of an order that its promo code's limit was reached before it."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What one partner gets. `basis` names the click or coupon that earned it, `price` how it is reckoned."""

    partner: str
    share: Fraction
    sale_minor: int
    commission_minor: int
    basis: str
    code: str | None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, and all that led to it.

    `currency` is the one that is booked; `commission_exact` the unrounded commission in its minor units, of
    which refunds take their part; `exchanged` tells the rate between the sale's currency and that one.
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
    exchanged: str = ""
    cleared_at: datetime | None = None

    def rate_of(self, credit: Credit) -> str:
        """What made this partner's commission: its rules, and the exchange rate where there was one."""
        rules = credit.price.text if credit.price else self.rate
        return f"{rules}; {self.exchanged}" if self.exchanged else rules


def decide(
    facts: Facts,
    program: Program,
    versions: Sequence[Terms],
    rates: Rates = NO_RATES,
    policy: Policy = NO_POLICY,
) -> Decision:
    """Who is credited with what for this conversion, under the terms that apply to it.

    `versions` are the program's terms in order, `rates` its exchange rates, `policy` its settings of the
    fraud rules. Adjustments don't change the decision, except that an approval confirms, and clears what a
    rule stopped: what they do to the money is `settlement`'s.
    """
    if facts.report.is_opening:
        opened, path, _ = _own_path(facts, versions, policy)
        return replace(_nobody(facts, path, "opening", opened), outcome=Outcome.RECORDED)
    claim = _holding(facts, versions, policy)
    terms: Terms | None
    if claim is not None:
        own = _apply_terms(facts, _earning_coupon(facts), versions)[1]
        terms, path, earning = claim.terms, _given_away(own), claim.path
        found = _examined(facts, earning, policy)[0]
    else:
        terms, path, found = _own_path(facts, versions, policy)
        earning = path
    if terms is None:
        return _nobody(facts, path, "terms_missing", None)
    if claim is None and not path.earns:
        return _nobody(facts, path, _why_nobody(facts, path), terms)
    checks = [_confirmation_check(facts), *_limit_checks(facts), *found]
    weights = earning.weights
    try:
        worth = reckon(facts.effective, program, terms, weights, rates, tenure_of(facts))
    except Waiting as waiting:
        checks.append(Check("commission", False, f"{waiting.code}: {waiting.message}"))
        worth = unknown(facts.effective)
    model = "lock" if claim else "coupon" if path.coupon else terms.attribution.model
    outcome, reason = _outcome(checks, model)
    return Decision(
        outcome=outcome,
        reason=reason,
        model=model,
        terms_version=terms.version,
        hold_days=terms.hold_days,
        path=path.steps,
        credits=_credits(earning, weights, worth, f"customer of order {claim.order_id}: " if claim else ""),
        checks=tuple(checks),
        currency=worth.currency,
        rate=worth.text,
        commission_exact=worth.exact,
        exchanged=worth.exchanged,
        cleared_at=max((check.lifted_at for check in found if check.lifted_at), default=None),
    )


def claim_of(facts: Facts, versions: Sequence[Terms], policy: Policy) -> Claim | None:
    """What the order's own path says of its customer; None where nobody earns by it, or it doesn't stand.

    Nor does what fraud rules stop, until somebody approves it; touches that they refuse earn nothing.
    """
    if not facts.stands:
        return None
    terms, path, found = _own_path(facts, versions, policy)
    if terms is None or not path.earns or any(check.stops for check in found):
        return None
    return Claim(facts.effective.order_id, facts.effective.occurred_at, terms, path)


def tenure_of(facts: Facts) -> Tenure:
    """What is known of the customer of the order."""
    event, at = facts.effective.event, facts.effective.occurred_at
    first = next((e for e in facts.earlier if e.stands and e.effective.event == event), None)
    return Tenure(at, facts.customer is not None, first.effective.occurred_at if first else None)


def arms_for(facts: Facts, policy: Policy) -> Arms:
    """The fraud rules that look at the order: those in force when it occurred, or when it was first told."""
    return policy.arms(min(facts.effective.occurred_at, facts.report.received_at))


def _own_path(
    facts: Facts, versions: Sequence[Terms], policy: Policy
) -> tuple[Terms | None, Path, tuple[Check, ...]]:
    """The order's own path, without touches that fraud rules refuse, and what they found of it."""
    coupon = _earning_coupon(facts)
    terms, path = _apply_terms(facts, coupon, versions)
    if not path.earns or facts.report.is_opening:
        return terms, path, ()
    found, refused = _examined(facts, path, policy)
    if refused:
        terms, path = _apply_terms(facts, coupon, versions, refused)
    return terms, path, found


def _examined(facts: Facts, earning: Path, policy: Policy) -> tuple[tuple[Check, ...], dict[str, str]]:
    """What the fraud rules find where this path earns, and the touches that they refuse."""
    case, arms = _case(facts, earning), arms_for(facts, policy)
    found = examine(case, arms, facts.approved_at)
    return found, refused_touches(case, arms)


def _holding(facts: Facts, versions: Sequence[Terms], policy: Policy) -> Claim | None:
    claims = (claim_of(earlier, versions, policy) for earlier in facts.earlier)
    return holder((claim for claim in claims if claim), facts.effective.occurred_at)


def _given_away(path: Path) -> Path:
    """The path of an order whose customer is somebody's already: nothing in it earns."""
    free = {"credited", "model_gives_none", "coupon_beats_click"}
    return Path(
        tuple(
            Considered(step.touch, False, "customer_locked" if step.reason in free else step.reason)
            for step in path.steps
        )
    )


def case_of(facts: Facts, versions: Sequence[Terms], policy: Policy) -> Case | None:
    """What the fraud rules look at; None where nobody would earn."""
    if facts.report.is_opening:
        return None
    claim = _holding(facts, versions, policy)
    path = claim.path if claim else _apply_terms(facts, _earning_coupon(facts), versions)[1]
    return _case(facts, path) if path.earns else None


def _case(facts: Facts, path: Path) -> Case:
    signals = tuple(sorted(facts.signals, key=lambda s: (s.name, s.partner or "", s.detail)))
    return Case.of(facts.report, facts.effective, path, signals)


def _outcome(checks: Sequence[Check], model: str) -> tuple[Outcome, str]:
    """What the checks leave of it: refused by one, waiting for one, or recorded by the model."""
    stopping = [check for check in checks if check.stops]
    if not stopping:
        return Outcome.RECORDED, model
    first = next((check for check in stopping if check.action is Action.REJECT), stopping[0])
    reason = first.name if first.version is not None else first.detail.split(":")[0]
    return (Outcome.REJECTED if first.action is Action.REJECT else Outcome.HELD), reason


def _apply_terms(
    facts: Facts,
    coupon: CouponMatch | None,
    versions: Sequence[Terms],
    refused: Mapping[str, str] = NOTHING_REFUSED,
) -> tuple[Terms | None, Path]:
    """The newest version that was in force when what it credits happened.

    That is its first credited touch, or the sale itself where its coupon wins. Where no version agrees with
    itself so, because nothing earns or the versions' models point at one another, it is the newest that
    began before. `refused` are touches that may not earn.
    """
    versions = _known_to(facts.effective, versions)
    weighed = []
    for terms in reversed(versions):
        path = weigh(facts.touches, coupon, facts.effective, terms, refused)
        earned_at = facts.effective.occurred_at if path.coupon else path.first_credited_at
        if earned_at is not None and in_force(versions, earned_at) is terms:
            return terms, path
        weighed.append((terms, path))
    for terms, path in weighed:
        if (path.first_credited_at or facts.effective.occurred_at) >= terms.starts_at or terms is versions[0]:
            return terms, path
    return None, Path(tuple(Considered(touch, False, "terms_missing") for touch in in_order(facts.touches)))


def _known_to(report: Report, versions: Sequence[Terms]) -> Sequence[Terms]:
    """The versions that were there when the order was recorded: what is published later never prices it.

    By their numbers, because clocks that differ, or one instant, could tell it otherwise. An order that came
    before all terms waits for the first that come.
    """
    if not report.terms_known:
        return versions
    return [terms for terms in versions if terms.version <= report.terms_known]


def _earning_coupon(facts: Facts) -> CouponMatch | None:
    return None if facts.is_over_limit else facts.coupon


def _why_nobody(facts: Facts, path: Path) -> str:
    if facts.is_over_limit:
        return "coupon_used_up"
    if any(step.reason == "model_gives_none" for step in path.steps):
        return "model_gives_none"
    return "no_touch_in_window" if path.steps else "no_click_or_coupon"


def _confirmation_check(facts: Facts) -> Check:
    if facts.confirmed_at is not None:
        return Check("confirmation", True, "confirmed")
    return Check("confirmation", False, "confirmation_missing: reported by a browser, not yet confirmed")


def _limit_checks(facts: Facts) -> list[Check]:
    """That the limit of its promo code was reached before it, which stops nothing else that earns."""
    if facts.use is None or not facts.is_over_limit:
        return []
    uses = "1 use" if facts.use.limit == 1 else f"{facts.use.limit} uses"
    words = f"coupon_used_up: this coupon's limit of {uses} was reached by orders that occurred before"
    return [Check(LIMIT_CHECK, False, words, Action.FLAG)]


def _credits(path: Path, weights: dict[str, int], worth: Worth, since: str) -> tuple[Credit, ...]:
    """The credits; `since` stands before what earned them."""
    parts = list(weights.values())
    whole = sum(parts)
    sales = allot(worth.sale_minor, parts)
    earned = allot(round_half_away(worth.exact), worth.parts) if worth.exact else [0] * len(parts)
    touches = path.earning
    credited = []
    for (partner, weight), sale, commission in zip(weights.items(), sales, earned, strict=True):
        basis, code = _basis(path, touches.get(partner, ()))
        share = Fraction(weight, whole)
        credited.append(
            Credit(partner, share, sale, commission, since + basis, code, worth.prices.get(partner))
        )
    return tuple(credited)


def _basis(path: Path, touches: Sequence[Touch]) -> tuple[str, str | None]:
    """What earned it, a code or one partner's touches, and the code of the newest link that did."""
    if path.coupon:
        return f"coupon {path.coupon.code}", None
    more = f" and {len(touches) - 1} more" if len(touches) > 1 else ""
    return f"click {touches[0].click_id}{more}", touches[-1].code


def _nobody(facts: Facts, path: Path, reason: str, terms: Terms | None) -> Decision:
    return Decision(
        outcome=Outcome.UNATTRIBUTED,
        reason=reason,
        model=terms.attribution.model if terms else None,
        terms_version=terms.version if terms else None,
        hold_days=terms.hold_days if terms else 0,
        path=path.steps,
        credits=(),
        checks=tuple(_limit_checks(facts)),
        currency=facts.effective.content.currency,
        rate="no rule",
        commission_exact=Fraction(0),
    )
