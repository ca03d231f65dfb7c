"""Instants and months. Every instant belongs to exactly one month of a program, in its time zone.

Months are half-open, `[start, end)`, and named `YYYY-MM`. Inside the system an instant is an aware
datetime in UTC with milliseconds; outside it is RFC 3339 with a `Z`.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Invalid

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII | re.IGNORECASE,
)
"""Section 5.6; Python alone reads far more, and not the same in every version."""


_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; ordered by time."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str, field: str = "month") -> "Month":
        """The month that `YYYY-MM` names.

        Raises:
            Invalid: `month_invalid`.
        """
        if len(text) == 7 and text.isascii() and text[4] == "-":
            year, number = text[:4], text[5:]
            if year.isdigit() and number.isdigit() and 1 <= int(number) <= 12 and int(year) >= 1970:
                return cls(int(year), int(number))
        raise Invalid("month_invalid", "month must be written YYYY-MM", field)

    @classmethod
    def of(cls, instant: datetime, timezone: str) -> "Month":
        """The month to which the instant belongs in that time zone.

        A clock that is set back over midnight shows the old month again: the new one has begun, and stays.
        """
        local = instant.astimezone(_zone(timezone))
        shown = cls(local.year, local.month)
        return shown.next() if local.fold and instant >= shown.end(timezone) else shown

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    def next(self) -> "Month":
        """The month after this one."""
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    def previous(self) -> "Month":
        """The month before this one."""
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    def start(self, timezone: str) -> datetime:
        """The month's first instant, in UTC; of a midnight that a clock change repeats, the first."""
        return datetime(self.year, self.number, 1, tzinfo=_zone(timezone)).astimezone(UTC)

    def end(self, timezone: str) -> datetime:
        """The first instant that no longer belongs to the month, in UTC."""
        return self.next().start(timezone)

    def day_of(self, instant: datetime, timezone: str) -> str:
        """The instant's local date, `YYYY-MM-DD`; the month's nearest day for an instant outside of it."""
        last = self.end(timezone) - timedelta(milliseconds=1)
        within = min(max(instant, self.start(timezone)), last)
        return max(within.astimezone(_zone(timezone)).date().isoformat(), f"{self}-01")


def local_day(instant: datetime, timezone: str) -> date:
    """The day that the calendar shows there at that instant."""
    return instant.astimezone(_zone(timezone)).date()


def start_of_day(day: date, timezone: str) -> datetime:
    """The day's first instant there, in UTC; of a midnight that a clock change repeats, the first."""
    return datetime(day.year, day.month, day.day, tzinfo=_zone(timezone)).astimezone(UTC)


def months_later(instant: datetime, months: int) -> datetime:
    """The same day and time so many months later, in UTC; the last day of a month that has no such day."""
    at = instant.astimezone(UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def check_timezone(name: str, field: str = "timezone") -> str:
    """The name itself, where it is a zone of the IANA database.

    Raises:
        Invalid: `timezone_unknown`.
    """
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(
            "timezone_unknown", "timezone must be an IANA name such as Europe/Berlin", field
        ) from None
    return name


def parse_instant(text: str, field: str) -> datetime:
    """The instant, in UTC and whole milliseconds, that an RFC 3339 text names (years 1970 to 9998).

    Raises:
        Invalid: `time_invalid`.
    """
    try:
        if not _RFC_3339.fullmatch(text):
            raise ValueError
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
        if not 1970 <= instant.year <= 9998:
            raise ValueError
    except (ValueError, OverflowError):
        raise Invalid("time_invalid", "time must be RFC 3339, such as 2026-11-01T00:00:00Z", field) from None
    return whole_milliseconds(instant)


def format_instant(instant: datetime) -> str:
    """RFC 3339 UTC with milliseconds, always 24 characters, so that text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def whole_milliseconds(instant: datetime) -> datetime:
    """The instant cut to whole milliseconds, the precision that every key and token keeps."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_epoch_ms(value: int) -> datetime:
    """The instant that many milliseconds after 1970-01-01T00:00:00Z."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)


@lru_cache(maxsize=64)
def _zone(name: str) -> "ZoneInfo":
    """The zone from the `tzdata` package: pinned, so that every machine draws a month's bounds alike."""
    # Imported here because a redirect, which draws no month's bounds, starts a tenth sooner without them.
    from importlib.resources import files
    from zoneinfo import ZoneInfo

    if not _ZONE_NAME.fullmatch(name):
        raise ValueError(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
