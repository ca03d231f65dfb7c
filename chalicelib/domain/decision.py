"""What a conversion is worth to whom: facts in, a decision out, the same for the same facts for ever.

The steps: choose the terms; sort the touches into those that count and those that don't, each with its
reason; let the coupon rule decide, or whoever holds the customer; share by the model; price each partner's
share by the rules that are for it; exchange into the currency that is booked; round once; split.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from chalicelib.domain.commission.pricing import Price
from chalicelib.domain.commission.sale import Waiting
from chalicelib.domain.commission.worth import Worth, reckon, unknown
from chalicelib.domain.conversion import Outcome, Touch
from chalicelib.domain.customer import Tenure
from chalicelib.domain.earning import earning_of
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.checks import Check
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import NO_POLICY, Policy
from chalicelib.domain.money import allot, round_half_away
from chalicelib.domain.path import Considered, Path
from chalicelib.domain.program import Program
from chalicelib.domain.rates import NO_RATES, Rates
from chalicelib.domain.terms import Terms

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
    earning = earning_of(facts, versions, policy)
    terms, win, found = earning.terms, earning.win, earning.found
    if facts.report.is_opening:
        return replace(_nobody(facts, earning.own, "opening", terms), outcome=Outcome.RECORDED)
    if terms is None:
        return _nobody(facts, earning.own, "terms_missing", None)
    if not earning.path.earns:
        return _nobody(facts, earning.own, _why_nobody(facts, earning.own), terms)
    checks = [_confirmation_check(facts), *_limit_checks(facts), *found]
    weights = earning.path.weights
    try:
        worth = reckon(facts.effective, program, terms, weights, rates, tenure_of(facts))
    except Waiting as waiting:
        checks.append(Check("commission", False, f"{waiting.code}: {waiting.message}"))
        worth = unknown(facts.effective)
    model = "lock" if win else "coupon" if earning.own.coupon else terms.attribution.model
    outcome, reason = _outcome(checks, model)
    return Decision(
        outcome=outcome,
        reason=reason,
        model=model,
        terms_version=terms.version,
        hold_days=terms.hold_days,
        path=earning.own.steps,
        credits=_credits(earning.path, weights, worth, f"customer of order {win.order_id}: " if win else ""),
        checks=tuple(checks),
        currency=worth.currency,
        rate=worth.text,
        commission_exact=worth.exact,
        exchanged=worth.exchanged,
        cleared_at=max((check.lifted_at for check in found if check.lifted_at), default=None),
    )


def tenure_of(facts: Facts) -> Tenure:
    """What is known of the customer of the order."""
    event, at = facts.effective.event, facts.effective.occurred_at
    first = next((e for e in facts.earlier if e.stands and e.effective.event == event), None)
    return Tenure(at, facts.customer is not None, first.effective.occurred_at if first else None)


def _outcome(checks: Sequence[Check], model: str) -> tuple[Outcome, str]:
    """What the checks leave of it: refused by one, waiting for one, or recorded by the model."""
    stopping = [check for check in checks if check.stops]
    if not stopping:
        return Outcome.RECORDED, model
    first = next((check for check in stopping if check.action is Action.REJECT), stopping[0])
    reason = first.name if first.version is not None else first.detail.split(":")[0]
    return (Outcome.REJECTED if first.action is Action.REJECT else Outcome.HELD), reason


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
