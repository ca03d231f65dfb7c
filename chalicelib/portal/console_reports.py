"""`/console/{program}/reports`: what partners and channels are worth; clicks and sales by what one likes."""

from chalice import Blueprint

from chalicelib.domain.counts import By
from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.job import JobKind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import last_days, month_or, program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import stats, worth

bp = Blueprint(__name__)

MOST_JOBS = 10


@bp.route("/console/{program}/reports", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_reports(visit: Visit) -> Shown:
    """Counts by a dimension, and reports that were made."""
    return _reports(visit, program_of(visit), {}, {})


@bp.route("/console/{program}/reports", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def make_report(visit: Visit) -> Shown | See:
    """Start a report of what partners and channels are worth."""
    program = program_of(visit)
    sent = {name: visit.form.get(name) for name in ("from", "to")}
    try:
        running = Month.of(visit.now, program.timezone)
        first = month_or(sent["from"], running)
        job = worth.ask(visit.stores, program.id, first, month_or(sent["to"], first), visit.now)
    except LinkledgerError as error:
        return _reports(visit, program, sent, problems(error), status_of(error))
    return see(program, f"jobs/{job.id}")


def _reports(
    visit: Visit, program: Program, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    days = last_days(program, visit.now, 30)
    since, until = visit.query.get("since") or days[0], visit.query.get("until") or days[-1]
    by = visit.query.get("by") or By.PARTNER.value
    counted = stats.report(visit.stores, program.id, since=since, until=until, by=by)
    found, next_key = visit.stores.jobs.page(program.id, JobKind.WORTH, MOST_JOBS, start(visit))
    running = str(Month.of(visit.now, program.timezone))
    return shown(
        "reports",
        program,
        status,
        counted=counted,
        by=by,
        since=since,
        until=until,
        dimensions=[(one.value, one.value) for one in By],
        jobs=found,
        next=cursor(visit, next_key),
        sent={"from": running, "to": running} | sent,
        problems=wrong,
    )
