"""What each method delivered, and what that says of a program's tracking set-up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.conversion import Outcome
from chalicelib.domain.program import BROWSER_METHODS, Method

CONFIRMED = "confirmed"
"""Counted beside the outcomes: an authenticated report of an order that a browser had told before."""

RECENT_DAYS = 30
SILENT_AFTER = timedelta(days=7)


class Hint(StrEnum):
    """Something about the set-up that its merchant may want to look at."""

    NOTHING_YET = "nothing_yet"
    SILENT = "silent"
    ALL_HELD = "all_held"
    ALL_UNATTRIBUTED = "all_unattributed"
    UNSIGNED_ONLY = "unsigned_only"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one method delivered; counts are by outcome, or `confirmed`, and may be empty."""

    method: Method
    is_allowed: bool
    last_at: datetime | None = None
    today: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, int] = field(default_factory=dict)


def hints_of_program(delivered: Sequence[Delivered]) -> list[Hint]:
    """What all methods together say: `unsigned_only`, where whatever came lately anybody could have sent."""
    recent = {one.method for one in delivered if one.recent}
    return [Hint.UNSIGNED_ONLY] if recent and recent <= BROWSER_METHODS else []


def hints_of(one: Delivered, delivered: Sequence[Delivered], now: datetime) -> list[Hint]:
    """What this method's deliveries say; one that the program does not use is not missed.

    Orders that were held when they came are no cause for a hint where confirmations come, too.
    """
    if one.last_at is None:
        return [Hint.NOTHING_YET] if one.is_allowed else []
    if now - one.last_at > SILENT_AFTER:
        return [Hint.SILENT] if one.is_allowed else []
    if one.recent.keys() == {Outcome.HELD} and not any(other.recent.get(CONFIRMED) for other in delivered):
        return [Hint.ALL_HELD]
    return [Hint.ALL_UNATTRIBUTED] if one.recent.keys() == {Outcome.UNATTRIBUTED} else []
