"""Counts: what clicks and entries add to which cell, and how cells become a report."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.period import local_day


class By(StrEnum):
    """What the rows of a report are."""

    DAY = "day"
    PARTNER = "partner"
    LINK = "link"
    VERDICT = "verdict"
    CHANNEL = "channel"
    CAMPAIGN = "campaign"


DELIVERIES = "deliveries"
"""The kind of cells that count reports of orders: `channel` is the method, `verdict` the outcome."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Where something is counted: `kind` is `clicks`, `money` or `deliveries`, `day` a date in the
    program's time zone.

    `verdict` is empty for money, `currency` for all but money; `link` is a code, empty for none.
    """

    program: str
    kind: str
    day: str
    partner: str
    link: str
    channel: str
    verdict: str = ""
    currency: str = ""


Addition = tuple[Cell, dict[str, int]]


@dataclass
class Sums:
    """What was counted; money by currency, in minor units."""

    clicks: int = 0
    conversions: int = 0
    revenue: dict[str, int] = field(default_factory=dict)
    commission: dict[str, int] = field(default_factory=dict)


@dataclass
class Report:
    """The sums of a time, and of each row in it, in order of the rows' names."""

    totals: Sums
    rows: dict[str, Sums]


def of_click(click: Click, timezone: str, *, is_repeat: bool) -> list[Addition]:
    """What a new click adds, in that time zone. A quick repeat is a click, and counted beside that."""
    amounts = {"clicks": 1} | ({"repeats": 1} if is_repeat else {})
    return [(_cell(click, timezone, click.verdict), amounts)]


def of_revision(click: Click, timezone: str, before: Verdict) -> list[Addition]:
    """What a click adds whose verdict was another one before."""
    was, is_now = (_cell(click, timezone, verdict) for verdict in (before, click.verdict))
    return [(was, {"clicks": -1}), (is_now, {"clicks": 1})]


def of_delivery(
    program: str, method: str, outcome: str, day: str, also: Iterable[str] = ()
) -> list[Addition]:
    """What a report of an order adds that told something new; `also`: what it is counted as besides."""
    cell = Cell(program, DELIVERIES, day, "", "", method, verdict=outcome)
    return [(cell, {"delivered": 1, **dict.fromkeys(also, 1)})]


def add_up(additions: Iterable[Addition]) -> dict[Cell, dict[str, int]]:
    """The additions, one for each cell."""
    sums: dict[Cell, dict[str, int]] = {}
    for cell, amounts in additions:
        into = sums.setdefault(cell, {})
        for name, amount in amounts.items():
            into[name] = into.get(name, 0) + amount
    return sums


def report(
    cells: Iterable[Addition],
    by: By | None,
    campaigns: dict[str, str] | None = None,
    partner: str | None = None,
) -> Report:
    """The report over these cells; only human clicks are clicks, but for the rows by verdict.

    Args:
        by: what the rows are; None for none.
        campaigns: of links, by code, for rows by campaign.
        partner: whose alone; None for all.
    """
    totals, rows = Sums(), dict[str, Sums]()
    for cell, amounts in cells:
        if partner is not None and cell.partner != partner:
            continue
        is_person = cell.kind == "money" or cell.verdict == Verdict.HUMAN
        if is_person:
            _add(totals, cell, amounts)
        if by is not None and (is_person or by is By.VERDICT):
            _add(rows.setdefault(_name(cell, by, campaigns or {}), Sums()), cell, amounts)
    return Report(totals, dict(sorted(rows.items())))


def day_of(at: datetime, timezone: str) -> str:
    """The day to which the instant is counted: the one that calendars of that time zone show."""
    return local_day(at, timezone).isoformat()


def _cell(click: Click, timezone: str, verdict: Verdict) -> Cell:
    code = click.code if click.link_id else ""
    day = day_of(click.at, timezone)
    return Cell(click.program, "clicks", day, click.partner, code, click.channel, verdict=str(verdict))


def _name(cell: Cell, by: By, campaigns: dict[str, str]) -> str:
    match by:
        case By.DAY:
            return cell.day
        case By.PARTNER:
            return cell.partner
        case By.LINK:
            return cell.link
        case By.VERDICT:
            return cell.verdict or str(Verdict.HUMAN)
        case By.CHANNEL:
            return cell.channel
        case By.CAMPAIGN:
            return campaigns.get(cell.link, "")


def _add(sums: Sums, cell: Cell, amounts: dict[str, int]) -> None:
    sums.clicks += amounts.get("clicks", 0)
    sums.conversions += amounts.get("conversions", 0)
    for name, into in (("revenue", sums.revenue), ("commission", sums.commission)):
        if amounts.get(name):
            into[cell.currency] = into.get(cell.currency, 0) + amounts[name]
