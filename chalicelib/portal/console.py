"""What the console's pages share: the program they are about, and how its job or list is shown."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.job import JobKind
from chalicelib.domain.period import Month, local_day, parse_instant, start_of_day
from chalicelib.domain.program import Program
from chalicelib.portal.page import See, Shown, Visit
from chalicelib.services import access

JOB_TITLES = {
    JobKind.RECONCILIATION: "Reconciliation",
    JobKind.RECOVERY: "Recovery of orders",
    JobKind.SIMULATION: "Simulation of terms",
    JobKind.TRIAL: "Trial of fraud rules",
    JobKind.WORTH: "Report of what partners are worth",
    JobKind.CLOSE: "Close",
    JobKind.VERIFY: "Verification",
}
"""What a job is called on its page."""


def program_of(visit: Visit) -> Program:
    """The program in the address.

    Raises:
        NotFound: `program_unknown`, also for somebody else's.
    """
    return access.program_of(visit.stores, visit.caller, visit.path["program"])


def shown(name: str, program: Program, status: int = 200, **values: Any) -> Shown:
    """A page of the program, with its navigation."""
    return Shown(f"console/{name}.html", {"program": program, "problems": {}, **values}, status)


def see(program: Program, page: str, done: str | None = None) -> See:
    """Go on to a page of the program."""
    return See(f"/console/{program.id}/{page}" if page else f"/console/{program.id}", done)


def last_days(program: Program, now: datetime, days: int) -> list[str]:
    """Dates in the program's time zone, as reports count by, oldest first; the last is today."""
    today = local_day(now, program.timezone)
    return [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(days))]


def month_or(text: str, otherwise: Month) -> Month:
    """The month that was asked for.

    Raises:
        Invalid: `month_invalid`.
    """
    return Month.parse(text) if text else otherwise


def whole(text: str, field: str) -> int:
    """A whole number from a form.

    Raises:
        Invalid: `number_invalid`.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Invalid("number_invalid", "give a whole number", field)
    return int(text)


def instant_or_none(program: Program, text: str, field: str) -> datetime | None:
    """The start of a day, in the program's time zone, that a form names; none where it names none.

    Raises:
        Invalid: `time_invalid`.
    """
    if not text:
        return None
    # Read as an instant first, which bounds the years.
    return start_of_day(parse_instant(f"{text}T00:00:00Z", field).date(), program.timezone)


def pairs_of(text: str, field: str) -> dict[str, str]:
    """Lines of `name=value`.

    Raises:
        Invalid: `line_invalid`.
    """
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise Invalid("line_invalid", "write one name=value in a line", field)
        found[name.strip()] = value.strip()
    return found


def lines_of(values: Mapping[str, str]) -> str:
    """The values as lines of `name=value`."""
    return "\n".join(f"{name}={value}" for name, value in values.items())
