"""Days, weeks and months in a row, ending today: what a chart over time is drawn over."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Every(StrEnum):
    """How long each stretch of a chart is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


SHOWN = {Every.DAY: 30, Every.WEEK: 13, Every.MONTH: 12}
"""How many stretches a chart has."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last, both included. Weeks begin on Monday (ISO 8601)."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.first <= day <= self.last


def spans(every: Every, today: date) -> list[Span]:
    """The stretches up to the one with today, oldest first."""
    found: list[Span] = []
    last = _end(every, today)
    while len(found) < SHOWN[every]:
        span = Span(_start(every, last), last)
        found.append(span)
        last = span.first - timedelta(days=1)
    return found[::-1]


def _start(every: Every, day: date) -> date:
    if every is Every.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if every is Every.WEEK else day


def _end(every: Every, day: date) -> date:
    if every is Every.MONTH:
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return day + timedelta(days=6 - day.weekday()) if every is Every.WEEK else day
