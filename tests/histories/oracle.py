"""What an order is worth to whom, worked out from what was acknowledged, without the project's own code.

After docs/credit.md and docs/ledgers.md: whole numbers and fractions, and the plainest method for each rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.histories.actors import History
from tests.histories.facts import Click, Evidence, Order, Visitor

LATE = timedelta(days=3)
_MARGIN = timedelta(minutes=15)
"""More than the servers' clocks differ."""


@dataclass(frozen=True)
class Expected:
    """Where an order stands, and what stands for each partner: sale and commission, in minor units."""

    state: str
    stands: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Version:
    """A version of the terms, as the API lists it."""

    starts_at: datetime
    rate_bp: int
    flat_minor: int

    @classmethod
    def of(cls, view: dict[str, Any]) -> "Version":
        by_event = {rule["event"]: rule for rule in view["commissions"]}
        starts_at = datetime.fromisoformat(view["starts_at"])
        return cls(starts_at, by_event["sale"]["rate_bp"], by_event["lead"]["amount"])


@dataclass(frozen=True)
class Touch:
    """A step of the path that a receipt shows."""

    token: str
    partner: str
    at: datetime


def wrong_path(history: History, order: Order, path: Sequence[Touch], spilled: set[str]) -> list[str]:
    """What must stand in the path and doesn't, or stands there and can't."""
    shown = {touch.token for touch in path}
    certain, possible, unanswered = _clicks(history, order, spilled)
    problems = [f"{order.id} lacks the click {token[:30]}" for token in sorted(certain - shown)]
    if len(shown - certain - possible) > unanswered:
        problems.append(f"{order.id} has clicks that nobody made for it")
    if len(shown) < len(path) or [t.at for t in path] != sorted(t.at for t in path):
        problems.append(f"the path of {order.id} is in no order, or has a click twice")
    return problems


def _clicks(history: History, order: Order, spilled: set[str]) -> tuple[set[str], set[str], int]:
    """The clicks that must be in the path, those that may be, and how many nobody was told of."""
    certain, possible, visitors = set(), set(), []
    for evidence in order.evidence:
        if evidence.token:
            certain.add(evidence.token)
        for visitor, sequence, at in _devices(history, evidence):
            visitors.append(visitor)
            for click in visitor.clicks:
                known = click.sequence < sequence and click.token not in spilled
                if known and _readable(history, order, click, at):
                    certain.add(click.token)
                possible.add(click.token)
    return certain, possible, sum(visitor.unanswered for visitor in visitors)


def _devices(history: History, evidence: Evidence) -> list[tuple[Visitor, int, datetime]]:
    """The visitors to whom the evidence leads, and when their clicks were read."""
    kept = timedelta(days=history.window_days) + LATE - _MARGIN
    found = [(evidence.visitor, evidence.sequence, evidence.at)] if evidence.visitor else []
    for login in history.logins.get(evidence.customer or "", []):
        forgotten = login.sequence < evidence.sequence and login.at + kept < evidence.at
        sequence = -1 if forgotten else max(login.sequence, evidence.sequence)
        found.append((login.visitor, sequence, max(login.at, evidence.at)))
    return found


def _readable(history: History, order: Order, click: Click, at: datetime) -> bool:
    window = timedelta(days=history.window_days)
    return _in_window(history, order, click.at) and click.at + window + LATE - _MARGIN > at


def _in_window(history: History, order: Order, at: datetime) -> bool:
    """Both ends belong to the window, to the second."""
    sold, clicked = order.occurred_at.replace(microsecond=0), at.replace(microsecond=0)
    return sold - timedelta(days=history.window_days) <= clicked <= sold


def expected(history: History, order: Order, path: Sequence[Touch], versions: Sequence[Version]) -> Expected:
    """Where the order stands once its hold is over, given the touches that its receipt shows."""
    amount = order.amount_minor if order.confirmed_minor is None else order.confirmed_minor
    part = _taken_part(order, amount)
    weights, earned_at = _weights(history, order, path)
    state = _state(order, part, weights)
    if state in {"unattributed", "held"} or not weights:
        return Expected(state, {})
    terms = _in_force(versions, earned_at)
    exact = Fraction(amount * terms.rate_bp, 10_000) if order.event == "sale" else Fraction(terms.flat_minor)
    shares = list(weights.values())
    sales, commissions = _split(amount, shares), _split(_rounded(exact), shares)
    back = sum(commissions) if part == 1 else min(_rounded(part * exact), sum(commissions))
    sales_back, commissions_back = _webster(int(part * amount), sales), _webster(back, commissions)
    stands = {
        partner: (sales[i] - sales_back[i], commissions[i] - commissions_back[i])
        for i, partner in enumerate(weights)
    }
    return Expected(state, stands)


def _state(order: Order, part: Fraction, weights: dict[str, int]) -> str:
    if any(kind == "reject" for kind, _ in order.adjustments.values()):
        return "rejected"
    if part == 1:
        return "reversed"
    if not weights:
        return "unattributed"
    return "approved" if order.confirmed else "held"


def _taken_part(order: Order, amount: int) -> Fraction:
    taken = 0
    for kind, minor in order.adjustments.values():
        if kind in {"void", "reject"} or (kind == "refund" and minor is None):
            return Fraction(1)
        taken += (minor or 0) if kind == "refund" else 0
    return Fraction(taken, max(amount, taken)) if taken else Fraction(0)


def _weights(history: History, order: Order, path: Sequence[Touch]) -> tuple[dict[str, int], datetime]:
    """Weights by partner in the order of their first credited touch, and when the first of those was."""
    counted = [touch for touch in path if _in_window(history, order, touch.at)]
    owner = next(iter(history.codes)) if any(_is_save(e.coupon) for e in order.evidence) else None
    rule = history.coupon_rule
    if owner and (rule == "beats_click" or (rule == "if_no_click" and not counted)):
        return {owner: 1}, order.occurred_at
    n = len(counted)
    match history.model:
        case "last":
            given = [0] * (n - 1) + [1]
        case "first":
            given = [1] + [0] * (n - 1)
        case "linear":
            given = [1] * n
        case _ if n > 2:
            given = [40 * (n - 2), *[20] * (n - 2), 40 * (n - 2)]
        case _:
            given = [1] * n
    weights: dict[str, int] = {}
    times = []
    for touch, weight in zip(counted, given[:n], strict=True):
        if weight:
            weights[touch.partner] = weights.get(touch.partner, 0) + weight
            times.append(touch.at)
    return weights, times[0] if times else order.occurred_at


def _is_save(coupon: str | None) -> bool:
    return coupon is not None and coupon != "UNKNOWN"


def _in_force(versions: Sequence[Version], at: datetime) -> Version:
    begun = [version for version in versions if version.starts_at <= at]
    return begun[-1] if begun else versions[0]


def _rounded(value: Fraction) -> int:
    """Half up: nothing here is negative."""
    return int(value + Fraction(1, 2))


def _split(amount: int, weights: Sequence[int]) -> list[int]:
    """Largest remainder: whole parts first, then one each by what is left over, the earlier one first."""
    quotas = [Fraction(amount * weight, sum(weights)) for weight in weights]
    parts = [int(quota) for quota in quotas]
    left = sorted(range(len(parts)), key=lambda i: (parts[i] - quotas[i], i))
    for i in left[: amount - sum(parts)]:
        parts[i] += 1
    return parts


def _webster(total: int, weights: Sequence[int]) -> list[int]:
    """Sainte-Laguë, unit by unit: each goes to who has the greatest weight over (2 x got + 1)."""
    if total == sum(weights):
        return list(weights)
    if len([weight for weight in weights if weight]) == 1:
        return [total if weight else 0 for weight in weights]
    got = [0] * len(weights)
    for _ in range(total):
        best = max(range(len(weights)), key=lambda i: (Fraction(weights[i], 2 * got[i] + 1), -i))
        got[best] += 1
    return got
