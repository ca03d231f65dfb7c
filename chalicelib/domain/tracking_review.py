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
ENOUGH = 10
"""Orders from which on a hint judges shares."""

RARE_PERCENT = 5
"""A currency with at most this part of the orders is no usual one."""

_CURRENCY = "in_"
_AHEAD_BY = timedelta(minutes=1)
_ZONES = (timedelta(minutes=30), timedelta(hours=14))
_ZONE_STEP = timedelta(minutes=30)
_ZONE_ERROR = timedelta(seconds=90)
SILENT_AFTER = timedelta(days=7)


class Hint(StrEnum):
    """Something about the set-up that its merchant may want to look at."""

    NOTHING_YET = "nothing_yet"
    SILENT = "silent"
    ALL_HELD = "all_held"
    ALL_UNATTRIBUTED = "all_unattributed"
    UNSIGNED_ONLY = "unsigned_only"
    MOSTLY_UNSIGNED = "mostly_unsigned"
    NEVER_CONFIRMED = "never_confirmed"
    COOKIES_BLOCKED = "cookies_blocked"
    CLOCK_AHEAD = "clock_ahead"
    TIME_ZONE = "time_zone"
    CURRENCY_UNUSUAL = "currency_unusual"
    REPEATED = "repeated"
    CONFLICTING = "conflicting"


class Mark(StrEnum):
    """What is counted of a first report beside its outcome; and reports of orders that were there: those that
    added evidence, told nothing new, or told other figures."""

    WITHOUT_CLICK = "without_click"
    AHEAD = "ahead"
    HOURS_OFF = "hours_off"
    ADDED = "added"
    REPEATED = "repeated"
    CONFLICTING = "conflicting"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one method delivered; counts are by outcome, or `confirmed`, and may be empty.

    `marks` and `currencies` count first reports of the recent days; other marks, the reports
    after those. `repeated_on` is the last day with one of an order that was there.
    """

    method: Method
    is_allowed: bool
    last_at: datetime | None = None
    today: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)
    currencies: Mapping[str, int] = field(default_factory=dict)
    repeated_on: str | None = None

    @property
    def first_reports(self) -> int:
        """The orders that this method told first, in the recent days."""
        return sum(times for outcome, times in self.recent.items() if outcome != CONFIRMED)

    def was_silent_since(self, at: datetime) -> bool:
        """Whether nothing came by it from then on; of repetitions, only the day is known."""
        is_new = self.last_at is not None and self.last_at >= at
        return not is_new and (self.repeated_on or "") < f"{at:%Y-%m-%d}"


def counters_of(
    currency: str, click_id: str | None, occurred_at: datetime, received_at: datetime
) -> list[str]:
    """The names under which a first report is counted beside its outcome: its marks, and its currency."""
    names = [f"{_CURRENCY}{currency}"]
    if not click_id:
        names.append(Mark.WITHOUT_CLICK)
    if occurred_at - received_at > _AHEAD_BY:
        names.append(Mark.AHEAD)
    if _is_hours_off(received_at - occurred_at):
        names.append(Mark.HOURS_OFF)
    return names


def marks_and_currencies(counted: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """The counts of `counters_of` apart: by mark, and by currency."""
    marks = {mark.value: counted[mark] for mark in Mark if counted.get(mark)}
    currencies = {n.removeprefix(_CURRENCY): times for n, times in counted.items() if n.startswith(_CURRENCY)}
    return marks, dict(sorted(currencies.items()))


def unsigned_bp(delivered: Sequence[Delivered]) -> int | None:
    """The part of recent orders that only a browser told, in basis points; None where there are none."""
    total, unsigned = _unsigned(delivered)
    return unsigned * 10_000 // total if total else None


def has_no_clicks(one: Delivered) -> bool:
    """Whether a browser's orders come all without a click, which is odd where links are clicked."""
    orders = one.first_reports
    return (
        one.method in BROWSER_METHODS and orders >= ENOUGH and one.marks.get(Mark.WITHOUT_CLICK, 0) == orders
    )


def hints_of_program(delivered: Sequence[Delivered]) -> list[Hint]:
    """What all methods together say.

    `unsigned_only`: whatever came lately anybody could have sent; `mostly_unsigned`: more than half.
    `never_confirmed`: browsers and servers tell orders, and never the same one: their order ids differ,
    and a sale that both tell is two.
    """
    recent = {one.method for one in delivered if one.recent}
    if recent and recent <= BROWSER_METHODS:
        return [Hint.UNSIGNED_ONLY]
    total, unsigned = _unsigned(delivered)
    hints = [Hint.MOSTLY_UNSIGNED] if total >= ENOUGH and unsigned * 2 > total else []
    confirmed = sum(one.recent.get(CONFIRMED, 0) for one in delivered)
    by_browser = sum(one.first_reports for one in delivered if one.method in BROWSER_METHODS)
    if not confirmed and by_browser >= ENOUGH and total - by_browser >= ENOUGH:
        hints.append(Hint.NEVER_CONFIRMED)
    return hints


def hints_of(
    one: Delivered, delivered: Sequence[Delivered], now: datetime, *, currency: str, is_clicked: bool
) -> list[Hint]:
    """What this method's deliveries say; one that the program does not use is not missed.

    Orders that were held when they came are no cause for a hint where confirmations come, too.

    Args:
        currency: the program's.
        is_clicked: whether people click on the program's links.
    """
    if one.last_at is None and one.repeated_on is None:
        return [Hint.NOTHING_YET] if one.is_allowed else []
    if one.was_silent_since(now - SILENT_AFTER):
        return [Hint.SILENT] if one.is_allowed else []
    hints = []
    if one.recent.keys() == {Outcome.HELD} and not any(other.recent.get(CONFIRMED) for other in delivered):
        hints.append(Hint.ALL_HELD)
    if one.recent.keys() == {Outcome.UNATTRIBUTED}:
        hints.append(Hint.ALL_UNATTRIBUTED)
    if is_clicked and has_no_clicks(one):
        hints.append(Hint.COOKIES_BLOCKED)
    for mark, hint in ((Mark.AHEAD, Hint.CLOCK_AHEAD), (Mark.HOURS_OFF, Hint.TIME_ZONE)):
        if one.first_reports >= ENOUGH and one.marks.get(mark, 0) * 2 > one.first_reports:
            hints.append(hint)
    if _is_unusual(one.currencies, currency):
        hints.append(Hint.CURRENCY_UNUSUAL)
    # Whoever tells orders that other methods told first repeats each of them once, and well.
    elsewhere = sum(other.first_reports for other in delivered) - one.first_reports
    if one.marks.get(Mark.REPEATED, 0) - elsewhere >= max(ENOUGH, one.first_reports):
        hints.append(Hint.REPEATED)
    return [*hints, Hint.CONFLICTING] if one.marks.get(Mark.CONFLICTING, 0) >= ENOUGH else hints


def _unsigned(delivered: Sequence[Delivered]) -> tuple[int, int]:
    """Recent orders, and those among them that a browser told and nobody confirmed."""
    total = sum(one.first_reports for one in delivered)
    by_browser = sum(one.first_reports for one in delivered if one.method in BROWSER_METHODS)
    confirmed = sum(one.recent.get(CONFIRMED, 0) for one in delivered)
    return total, max(0, by_browser - confirmed)


def _is_unusual(currencies: Mapping[str, int], currency: str) -> bool:
    """Whether orders come in a currency that is neither the program's nor a usual one of theirs."""
    total = sum(currencies.values())
    if total < ENOUGH:
        return False
    if currency not in currencies:
        return True
    return any(times * 100 <= total * RARE_PERCENT for code, times in currencies.items() if code != currency)


def _is_hours_off(behind: timedelta) -> bool:
    """Whether a time lies back by a difference of time zones, as a local time does that is called UTC."""
    least, most = _ZONES
    if not least - _ZONE_ERROR <= behind <= most + _ZONE_ERROR:
        return False
    rest = behind % _ZONE_STEP
    return min(rest, _ZONE_STEP - rest) <= _ZONE_ERROR
