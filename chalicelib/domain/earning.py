"""Which path earns an order, under which terms, and what the fraud rules find of it.

An order's own path is weighed under the terms that were in force when what it credits happened; where the
terms hold customers, the path of the order that won the customer earns instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.conversion import CouponMatch, Report
from chalicelib.domain.customer import Win, holder
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.checks import Check, examine, refused_touches
from chalicelib.domain.fraud.settings import Arms, Policy
from chalicelib.domain.path import NOTHING_REFUSED, Considered, Path, in_order, weigh
from chalicelib.domain.terms import Terms, in_force


@dataclass(frozen=True, slots=True)
class Earning:
    """What earns an order: the `terms` that apply, and the `path` by which partners are credited.

    `own` is the order's own path, which is another one where a `win` holds its customer; `found` is what
    the fraud rules found.
    """

    terms: Terms | None
    path: Path
    own: Path
    found: tuple[Check, ...]
    win: Win | None = None


def earning_of(facts: Facts, versions: Sequence[Terms], policy: Policy) -> Earning:
    """What earns this order; an opening order, which nobody is paid for, is nobody's customer's."""
    win = None if facts.report.is_opening else _holding(facts, versions, policy)
    if win is None:
        terms, path, found = _own_path(facts, versions, policy)
        return Earning(terms, path, path, found)
    own = _apply_terms(facts, _earning_coupon(facts), versions)[1]
    found, _ = _examined(facts, win.path, policy)
    return Earning(win.terms, win.path, _given_away(own), found, win)


def win_of(facts: Facts, versions: Sequence[Terms], policy: Policy) -> Win | None:
    """What the order's own path says of its customer; None where nobody earns by it, or it doesn't stand.

    Nor does what fraud rules stop, until somebody approves it; touches that they refuse earn nothing.
    """
    if not facts.stands:
        return None
    terms, path, found = _own_path(facts, versions, policy)
    if terms is None or not path.earns or any(check.stops for check in found):
        return None
    return Win(facts.effective.order_id, facts.effective.occurred_at, terms, path)


def case_of(facts: Facts, versions: Sequence[Terms], policy: Policy) -> Case | None:
    """What the fraud rules look at; None where nobody would earn."""
    if facts.report.is_opening:
        return None
    win = _holding(facts, versions, policy)
    path = win.path if win else _apply_terms(facts, _earning_coupon(facts), versions)[1]
    return _case(facts, path) if path.earns else None


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


def _holding(facts: Facts, versions: Sequence[Terms], policy: Policy) -> Win | None:
    wins = (win_of(earlier, versions, policy) for earlier in facts.earlier)
    return holder((win for win in wins if win), facts.effective.occurred_at)


def _given_away(path: Path) -> Path:
    """The path of an order whose customer is somebody's already: nothing in it earns."""
    free = {"credited", "model_gives_none", "coupon_beats_click"}
    return Path(
        tuple(
            Considered(step.touch, False, "customer_locked" if step.reason in free else step.reason)
            for step in path.steps
        )
    )


def _case(facts: Facts, path: Path) -> Case:
    signals = tuple(sorted(facts.signals, key=lambda s: (s.name, s.partner or "", s.detail)))
    return Case.of(facts.report, facts.effective, path, signals)


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
