"""`/console/{program}/review`: conversions that wait for a person, with what was seen of them."""

from chalice import Blueprint

from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.errors import Invalid, LinkledgerError
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import reviews

bp = Blueprint(__name__)


@bp.route("/console/{program}/review", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def queue(visit: Visit) -> Shown:
    """What is held, each with its checks."""
    return _queue(visit, program_of(visit), {})


@bp.route("/console/{program}/review", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def decide(visit: Visit) -> Shown | See:
    """Approve or reject what was ticked, with a reason."""
    program, form = program_of(visit), visit.form
    chosen = form.all("conversion")
    try:
        if form.get("do") not in reviews.DECISIONS or not chosen:
            raise Invalid("nothing_chosen", "tick what is to be decided")
        kind, reason = AdjustmentKind(form.get("do")), form.get("reason")
        decided = reviews.decide_all(visit.stores, program, kind, chosen, reason, visit.now)
    except LinkledgerError as error:
        return _queue(visit, program, problems(error), status_of(error))
    refused = [one for one in decided if one.error is not None]
    if refused:
        wrong = {"": "; ".join(f"{one.conversion}: {one.error.message}" for one in refused if one.error)}
        return _queue(visit, program, wrong, 409)
    return see(program, "review", "reviewed")


def _queue(visit: Visit, program: Program, wrong: dict[str, str], status: int = 200) -> Shown:
    found, next_key = reviews.queue_page(visit.stores, program, ROWS, start(visit))
    return shown(
        "review",
        program,
        status,
        rows=found,
        next=cursor(visit, next_key),
        reason=visit.form.get("reason"),
        chosen=visit.form.all("conversion"),
        problems=wrong,
    )
