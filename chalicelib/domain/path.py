"""The path to a conversion: which of its touches count, which share each earns, and why others don't."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import gcd

from chalicelib.domain.attribution import ALL_CHANNELS, MODELS
from chalicelib.domain.conversion import CouponMatch, Report, Touch
from chalicelib.domain.terms import Attribution, CouponRule, Terms
from chalicelib.domain.token import order_in_instant

MAX_TOUCHES = 100
"""Touches of one path: the oldest and the newest ninety-nine of all that were told, in whatever order."""

MAX_PARTNERS = 10
"""Partners that one conversion can credit.

What a transaction of 100 actions carries, and with `settlement.MAX_ADJUSTMENTS` what one item of 400 KB
holds, both with room to spare.

Past it the partners of the newest touches earn, and the other touches say so.
"""


NOTHING_REFUSED: Mapping[str, str] = {}
"""No touch may not count."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A touch of the path, and what became of it: `reason` is a stable word.

    `weight` is what the model gives it, `whole` what it gives all touches together.
    """

    touch: Touch
    counted: bool
    reason: str
    weight: int = 0
    whole: int = 1

    @property
    def share(self) -> Fraction:
        """The part of the conversion that this touch earns."""
        return Fraction(self.weight, self.whole)


def in_order(touches: Sequence[Touch]) -> tuple[Touch, ...]:
    """Oldest first, each click once; the better evidence of a click told twice stands.

    Clicks of the same millisecond stand as they were made, so far as their nonces tell. Past `MAX_TOUCHES`
    the oldest and the newest stay, which are the same however the touches were told in parts.
    """
    by_click = {touch.click_id: touch for touch in touches}
    if len(by_click) < len(touches):
        by_click = {}
        for touch in sorted(touches, key=_preference):
            by_click.setdefault(touch.click_id, touch)
    ordered = sorted(by_click.values(), key=lambda touch: touch.at)
    if any(one.at == other.at for one, other in pairwise(ordered)):
        ordered.sort(key=lambda touch: (touch.at, order_in_instant(touch.click_id)))
    return tuple([*ordered[:1], *ordered[1 - MAX_TOUCHES :]] if len(ordered) > MAX_TOUCHES else ordered)


@dataclass(frozen=True, slots=True)
class Path:
    """What became of every touch, and the promo code that earns the whole where one does."""

    steps: tuple[Considered, ...]
    coupon: CouponMatch | None = None

    @property
    def earns(self) -> bool:
        """Whether anybody earns."""
        return self.coupon is not None or any(step.weight for step in self.steps)

    @property
    def first_credited_at(self) -> datetime | None:
        """When the oldest touch that earns happened; None where none does."""
        return next((step.touch.at for step in self.steps if step.weight), None)

    @property
    def earning(self) -> dict[str, list[Touch]]:
        """The touches that earn, by partner."""
        touches: dict[str, list[Touch]] = {}
        for step in self.steps:
            if step.weight and step.touch.partner:
                touches.setdefault(step.touch.partner, []).append(step.touch)
        return touches

    @property
    def weights(self) -> dict[str, int]:
        """Weights by partner, in the order of their first credited touch."""
        if self.coupon and self.coupon.partner:
            return {self.coupon.partner: 1}
        weights: dict[str, int] = {}
        for step in self.steps:
            partner = step.touch.partner
            if step.weight and partner:
                weights[partner] = weights.get(partner, 0) + step.weight
        return weights


def weigh(
    touches: Sequence[Touch],
    coupon: CouponMatch | None,
    report: Report,
    terms: Terms,
    refused: Mapping[str, str] = NOTHING_REFUSED,
) -> Path:
    """Every touch with its weight, or with the reason why it has none, and the code that beats them all.

    `coupon` is the code that was told and belongs to a partner; `refused` says by click id why a touch may
    not count.
    """
    ordered = in_order(touches)
    refusals = _refusals(ordered, report, terms, refused)
    eligible = [touch for touch in ordered if touch.click_id not in refusals]
    if coupon and _beats(coupon, eligible, terms.attribution):
        steps = (Considered(t, False, refusals.get(t.click_id, "coupon_beats_click")) for t in ordered)
        return Path(tuple(steps), coupon)
    if not eligible:
        alone = coupon if terms.attribution.coupon is CouponRule.IF_NO_CLICK else None
        return Path(tuple(Considered(t, False, refusals[t.click_id]) for t in ordered), alone)
    weights = _weights(ordered, eligible, refusals, report, terms.attribution)
    whole = sum(weights.values()) or 1
    return Path(tuple([_weighed(touch, weights, whole, refusals) for touch in ordered]))


def _beats(coupon: CouponMatch, eligible: Sequence[Touch], rules: Attribution) -> bool:
    """Whether the code earns the whole whatever the model says; never before partners of a higher rank."""
    if rules.coupon not in {CouponRule.BEATS_CLICK, CouponRule.IF_IN_PATH}:
        return False
    if not coupon.trusted and any(_is_vouched(touch) for touch in eligible):
        return False
    if rules.coupon is CouponRule.IF_IN_PATH and all(t.partner != coupon.partner for t in eligible):
        return False
    return not eligible or rules.rank_of(coupon.partner) <= rules.rank_of(eligible[0].partner)


def _weights(
    ordered: Sequence[Touch],
    eligible: list[Touch],
    refusals: dict[str, str],
    report: Report,
    rules: Attribution,
) -> dict[str, int]:
    """What the model gives, by click id. All who are eligible have one rank."""
    shown = eligible
    if rules.model in ALL_CHANNELS:
        shown = [t for t in ordered if refusals.get(t.click_id, "other_channel") == "other_channel"]
    weights = MODELS[rules.model](shown, report.occurred_at, rules)
    return {touch.click_id: weight for touch, weight in zip(shown, weights, strict=True)}


@lru_cache(maxsize=1024)
def share_text(weight: int, whole: int) -> str:
    """The share as the shortest fraction, such as `1/3`; `1` for the whole and `0` for nothing."""
    common = gcd(weight, whole)
    weight, whole = weight // common, whole // common
    return f"{weight}/{whole}" if whole > 1 else str(weight)


def _preference(touch: Touch) -> tuple[bool, bool, str, datetime, str, str, str, tuple[str, ...]]:
    """Total, so that the order in which touches were told decides nothing."""
    worse = (not touch.trusted, touch.evidence != "click_id", touch.evidence)
    return (*worse, touch.at, touch.partner or "", touch.code or "", touch.channel, touch.marks)


def _weighed(touch: Touch, weights: Mapping[str, int], whole: int, refusals: Mapping[str, str]) -> Considered:
    if touch.click_id in refusals:
        return Considered(touch, False, refusals[touch.click_id])
    weight = weights[touch.click_id]
    return Considered(touch, weight > 0, "credited" if weight else "model_gives_none", weight, whole)


def _refusals(
    touches: Sequence[Touch], report: Report, terms: Terms, refused: Mapping[str, str]
) -> dict[str, str]:
    """Why a touch can't count, by click id. Both ends of the window belong to it, to the second."""
    occurred = report.occurred_at.replace(microsecond=0)
    opens = occurred - timedelta(days=terms.attribution.window_days_for(report.method, report.event))
    closes = occurred + timedelta(seconds=1)
    vouched = any(_is_vouched(touch) and opens <= touch.at < closes for touch in touches)
    refusals = {}
    for touch in touches:
        if touch.at >= closes:
            refusals[touch.click_id] = "after_conversion"
        elif touch.at < opens:
            refusals[touch.click_id] = "outside_window"
        elif vouched and not touch.trusted:
            refusals[touch.click_id] = "untrusted_evidence"
        elif touch.partner is None:
            refusals[touch.click_id] = "other_channel"
        elif terms.attribution.stands_down(touch.origin):
            refusals[touch.click_id] = "stood_down"
        elif touch.click_id in refused:
            refusals[touch.click_id] = refused[touch.click_id]
    eligible = [touch for touch in touches if touch.click_id not in refusals]
    if terms.attribution.priority and eligible:
        refusals |= _outranked(eligible, terms.attribution)
        eligible = [touch for touch in eligible if touch.click_id not in refusals]
    partners = list(dict.fromkeys(touch.partner for touch in reversed(eligible)))
    if len(partners) > MAX_PARTNERS:
        earning = set(partners[:MAX_PARTNERS])
        refusals |= {t.click_id: "too_many_partners" for t in eligible if t.partner not in earning}
    return refusals


def _is_vouched(touch: Touch) -> bool:
    """Whether somebody authenticated named this very click; a browser's word doesn't outweigh it."""
    return touch.trusted and touch.evidence == "click_id"


def _outranked(eligible: Sequence[Touch], rules: Attribution) -> dict[str, str]:
    ranks = [rules.rank_of(touch.partner) for touch in eligible]
    best = min(ranks)
    pairs = zip(eligible, ranks, strict=True)
    return {touch.click_id: "outranked" for touch, rank in pairs if rank > best}
