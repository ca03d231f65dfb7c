"""`/console/{program}/requests`: who wants to become a partner, and which sales partners miss."""

from chalice import Blueprint

from chalicelib.domain.errors import Invalid
from chalicelib.domain.session import Area
from chalicelib.portal.console import program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.services import applications, claims

bp = Blueprint(__name__)

NEWEST_CASES = 25


@bp.route("/console/{program}/requests", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_requests(visit: Visit) -> Shown:
    """Applications, and the newest cases of missing sales with the answers that they got."""
    program = program_of(visit)
    found, next_key = visit.stores.applications.page(program.id, ROWS, start(visit))
    cases, _ = visit.stores.claims.of_program(program.id, NEWEST_CASES, None)
    return shown(
        "requests",
        program,
        applications=found,
        next=cursor(visit, next_key),
        cases=[claims.answered(visit.stores, one) for one in cases],
    )


@bp.route("/console/{program}/requests", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def decide(visit: Visit) -> See:
    """Approve or decline an application."""
    program, application = program_of(visit), visit.form.get("application")
    if visit.form.get("decision") == "approve":
        made = applications.approve(visit.stores, program, application, visit.now)
        return see(program, f"partners/{made.partner}", "partner_enrolled")
    if visit.form.get("decision") != "decline":
        raise Invalid("field_invalid", "an application is approved or declined", "decision")
    applications.decline(visit.stores, program, application)
    return see(program, "requests", "application_declined")
