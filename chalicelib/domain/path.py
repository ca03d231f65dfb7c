"""The path to a conversion: which of its touches count, which share each earns, and why others don't."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import gcd

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.conversion import Report, Touch
from chalicelib.domain.terms import Terms

MAX_PARTNERS = 20
"""Partners that one conversion can credit: what a transaction of 100 actions carries with room to spare.

Past it the partners of the newest touches earn, and the other touches say so.
"""


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
    """Oldest first, each click once; the better evidence of a click told twice stands."""
    by_click: dict[str, Touch] = {}
    for touch in sorted(touches, key=_preference):
        by_click.setdefault(touch.click_id, touch)
    return tuple(sorted(by_click.values(), key=lambda touch: (touch.at, touch.click_id)))


def weigh(
    touches: Sequence[Touch], report: Report, terms: Terms, beaten_by: str | None = None
) -> tuple[Considered, ...]:
    """Every touch with its share, or with the reason why it has none.

    `beaten_by` is the reason of those that would have counted, where something else earns the whole.
    """
    ordered = in_order(touches)
    refusals = _refusals(ordered, report, terms)
    eligible = [touch for touch in ordered if touch.click_id not in refusals]
    if beaten_by is not None:
        return tuple(Considered(t, False, refusals.get(t.click_id, beaten_by)) for t in ordered)
    if not eligible:
        return tuple(Considered(touch, False, refusals[touch.click_id]) for touch in ordered)
    model = MODELS[terms.attribution.model]
    weights = model(eligible, report.occurred_at, terms.attribution)
    whole = sum(weights)
    left = iter(weights)
    return tuple(
        Considered(touch, False, refusals[touch.click_id])
        if touch.click_id in refusals
        else _weighed(touch, next(left), whole)
        for touch in ordered
    )


def first_credited(path: Sequence[Considered]) -> datetime | None:
    """When the oldest touch that earns happened; None where none does."""
    return next((step.touch.at for step in path if step.weight), None)


def weights_of(path: Sequence[Considered]) -> dict[str, int]:
    """Weights by partner, in the order of their first credited touch."""
    weights: dict[str, int] = {}
    for step in path:
        partner = step.touch.partner
        if step.weight and partner:
            weights[partner] = weights.get(partner, 0) + step.weight
    return weights


def share_text(weight: int, whole: int) -> str:
    """The share as the shortest fraction, such as `1/3`; `1` for the whole and `0` for nothing."""
    common = gcd(weight, whole)
    weight, whole = weight // common, whole // common
    return f"{weight}/{whole}" if whole > 1 else str(weight)


def _preference(touch: Touch) -> tuple[bool, bool, str, datetime, str, str, str]:
    """Total, so that the order in which touches were told decides nothing."""
    worse = (not touch.trusted, touch.evidence != "click_id", touch.evidence)
    return (*worse, touch.at, touch.partner or "", touch.code or "", touch.channel)


def _weighed(touch: Touch, weight: int, whole: int) -> Considered:
    return Considered(touch, weight > 0, "credited" if weight else "model_gives_none", weight, whole)


def _refusals(touches: Sequence[Touch], report: Report, terms: Terms) -> dict[str, str]:
    """Why a touch can't count, by click id. Both ends of the window belong to it, to the second."""
    occurred = _second(report.occurred_at)
    opens = occurred - timedelta(days=terms.attribution.window_days_for(report.method))
    vouched = any(touch.trusted and touch.evidence == "click_id" for touch in touches)
    refusals = {}
    for touch in touches:
        at = _second(touch.at)
        if touch.partner is None:
            refusals[touch.click_id] = "other_channel"
        elif at > occurred:
            refusals[touch.click_id] = "after_conversion"
        elif at < opens:
            refusals[touch.click_id] = "outside_window"
        elif vouched and not touch.trusted:
            refusals[touch.click_id] = "untrusted_evidence"
    eligible = [touch for touch in touches if touch.click_id not in refusals]
    partners = list(dict.fromkeys(touch.partner for touch in reversed(eligible)))
    if len(partners) > MAX_PARTNERS:
        earning = set(partners[:MAX_PARTNERS])
        refusals |= {t.click_id: "too_many_partners" for t in eligible if t.partner not in earning}
    return refusals


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
