"""`/console/{program}/orders`: a shop's order export, or a partner's own list, against our records."""

from chalice import Blueprint

from chalicelib.domain.errors import Invalid, LinkledgerError
from chalicelib.domain.job import JobKind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import pairs_of, program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import reconciliations
from chalicelib.services.order_matching import Wanted

bp = Blueprint(__name__)


@bp.route("/console/{program}/orders", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_reconciliations(visit: Visit) -> Shown:
    """What was reconciled, and a form that takes a file."""
    return _list(visit, program_of(visit), {}, {})


@bp.route("/console/{program}/orders", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def reconcile(visit: Visit) -> Shown | See:
    """Start reconciling a file."""
    program, form = program_of(visit), visit.form
    sent = {name: form.get(name) for name in ("partner", "month", "event", "columns")}
    try:
        csv = form.files.get("csv", "")
        if not csv:
            raise Invalid("file_missing", "choose a file", "csv")
        wanted = Wanted(
            program=program,
            partner=sent["partner"] or None,
            event=sent["event"] or None,
            month=Month.parse(sent["month"]) if sent["month"] else None,
            columns=pairs_of(sent["columns"], "columns"),
        )
        job = reconciliations.ask(visit.stores, wanted, csv.encode(), visit.now)
    except LinkledgerError as error:
        return _list(visit, program, sent, problems(error), status_of(error))
    return see(program, f"jobs/{job.id}")


def _list(
    visit: Visit, program: Program, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    found, next_key = visit.stores.jobs.page(program.id, JobKind.RECONCILIATION, ROWS, start(visit))
    return shown(
        "orders", program, status, rows=found, next=cursor(visit, next_key), sent=sent, problems=wrong
    )
