"""Sales that a partner misses: entered here, each becomes a case with its answer."""

from chalice import Blueprint

from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.session import Area
from chalicelib.portal.enrolled import program_of, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import claims
from chalicelib.services.claims import Told

bp = Blueprint(__name__)

_FIELDS = ("order_id", "amount", "currency", "note")


@bp.route("/portal/programs/{program}/missing", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def list_cases(visit: Visit) -> Shown:
    """The form, and the cases so far with their answers."""
    return _shown(visit, {}, {}, 200)


@bp.route("/portal/programs/{program}/missing", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL)
def open_case(visit: Visit) -> Shown | See:
    """Open a case."""
    program, form = program_of(visit), {name: visit.form.get(name) for name in _FIELDS}
    try:
        claims.tell(visit.stores, program, visit.partner, Told(**form), visit.now)
    except LinkledgerError as error:
        return _shown(visit, form, problems(error), status_of(error))
    return See(f"/portal/programs/{program.id}/missing", done="case_opened")


def _shown(visit: Visit, form: dict[str, str], wrong: dict[str, str], status: int) -> Shown:
    program = program_of(visit)
    cases = claims.of_partner(visit.stores, program, visit.partner)
    values = {
        "form": {**dict.fromkeys(_FIELDS, ""), "currency": program.currency, **form},
        "problems": wrong,
        "cases": cases,
        "waits": any(not one.text for one in cases),
    }
    return shown(program, "missing.html", values, status)
