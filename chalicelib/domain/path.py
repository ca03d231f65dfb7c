"""The path to a conversion: which of its touches count, which share each earns, and why others don't."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.conversion import Report, Touch
from chalicelib.domain.terms import Terms

MAX_PARTNERS = 20
"""Partners that one conversion can credit: what a transaction of 100 actions carries with room to spare.

Past it the partners of the newest touches earn, and the other touches say so.
"""


@dataclass(frozen=True, slots=True)
class Considered:
    """A touch of the path, and what became of it: `reason` is a stable word."""

    touch: Touch
    counted: bool
    reason: str
    share: Fraction = Fraction(0)


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
    model = MODELS[terms.attribution.model]
    shares = model(eligible, report.occurred_at, terms.attribution) if eligible else []
    by_click = {touch.click_id: share for touch, share in zip(eligible, shares, strict=True)}
    return tuple(_considered(touch, refusals, by_click) for touch in ordered)


def first_credited(path: Sequence[Considered]) -> datetime | None:
    """When the oldest touch that earns happened; None where none does."""
    return next((step.touch.at for step in path if step.share), None)


def shares_of(path: Sequence[Considered]) -> dict[str, Fraction]:
    """Shares by partner, in the order of their first credited touch."""
    shares: dict[str, Fraction] = {}
    for step in path:
        if step.share and step.touch.partner:
            shares[step.touch.partner] = shares.get(step.touch.partner, Fraction(0)) + step.share
    return shares


def _preference(touch: Touch) -> tuple[bool, bool, str, datetime, str, str, str]:
    """Total, so that the order in which touches were told decides nothing."""
    worse = (not touch.trusted, touch.evidence != "click_id", touch.evidence)
    return (*worse, touch.at, touch.partner or "", touch.code or "", touch.channel)


def _considered(touch: Touch, refusals: dict[str, str], shares: dict[str, Fraction]) -> Considered:
    if touch.click_id in refusals:
        return Considered(touch, False, refusals[touch.click_id])
    share = shares[touch.click_id]
    return Considered(touch, bool(share), "credited" if share else "model_gives_none", share)


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
    earning = set(list(dict.fromkeys(touch.partner for touch in reversed(eligible)))[:MAX_PARTNERS])
    return refusals | {t.click_id: "too_many_partners" for t in eligible if t.partner not in earning}


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
