"""What lists are filtered by, as fields of a form send it."""

from datetime import date, datetime, timedelta

from chalicelib.domain.period import start_of_day
from chalicelib.domain.program import Program


def day_or_none(program: Program, text: str, plus: int = 0) -> datetime | None:
    """The start, in the program's zone, of the day that a date field sent, `plus` days later; else None."""
    try:
        return start_of_day(date.fromisoformat(text) + timedelta(days=plus), program.timezone)
    except (ValueError, OverflowError):
        return None
