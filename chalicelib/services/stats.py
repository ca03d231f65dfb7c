"""Reports over the counters: clicks, conversions, revenue and commission of a program."""

import re
from datetime import date, timedelta

from chalicelib.domain import counts
from chalicelib.domain.counts import By, Report
from chalicelib.domain.errors import Invalid
from chalicelib.domain.period import parse_instant
from chalicelib.services.programs import timezone_of
from chalicelib.storage.stores import Stores

_FIRST_DAY = "0000-00-00"
_LAST_DAY = "9999-99-99"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def report(
    stores: Stores,
    program: str,
    *,
    since: str | None = None,
    until: str | None = None,
    by: str | None = None,
    partner: str | None = None,
) -> Report:
    """What was counted in the program, all time without bounds, of one partner or of all.

    Args:
        since, until: dates in the program's time zone, both included; or instants, of which the second is
            excluded. Counts are kept by day, so an instant stands for the day it lies in.
        by: a name of `By`; without it the report has no rows.

    Raises:
        Invalid: `by_unknown`, `time_invalid`.
    """
    dimension = _dimension(by)
    timezone = timezone_of(stores, program)
    first = _day(since, "from", timezone, is_end=False) if since is not None else _FIRST_DAY
    last = _day(until, "to", timezone, is_end=True) if until is not None else _LAST_DAY
    if first > last:
        raise Invalid("time_invalid", "from lies after to", "from")
    cells = [
        *stores.counts.cells(program, "clicks", first, last),
        *stores.counts.cells(program, "money", first, last),
    ]
    campaigns = _campaigns(stores, {cell.link for cell, _ in cells}) if dimension is By.CAMPAIGN else {}
    return counts.report(cells, dimension, campaigns, partner)


def _dimension(by: str | None) -> By | None:
    if by is None:
        return None
    try:
        return By(by)
    except ValueError:
        raise Invalid("by_unknown", f"by is one of {', '.join(By)}", "by") from None


def _day(text: str, field: str, timezone: str, *, is_end: bool) -> str:
    if not _DATE.fullmatch(text):
        instant = parse_instant(text, field)
        within = instant - timedelta(milliseconds=1) if is_end else instant
        return counts.day_of(within, timezone)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Invalid("time_invalid", "give a date (2026-11-01) or an RFC 3339 time", field) from None


def _campaigns(stores: Stores, codes: set[str]) -> dict[str, str]:
    """The campaigns that these links belong to now."""
    links = (stores.links.find(code) for code in sorted(codes) if code)
    return {link.code: link.campaign for link in links if link and link.campaign}
