"""`/portal/apply/{program}`: the form for whoever wants to become a partner."""

from chalice import Blueprint

from chalicelib.domain.application import Application
from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.session import Area
from chalicelib.portal.page import Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import applications

bp = Blueprint(__name__)

_FIELDS = ("name", "email", "site", "note")


@bp.route("/portal/apply/{program}", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL, is_open=True)
def ask(visit: Visit) -> Shown:
    """The form; there is one for every program."""
    return _shown(visit, {}, {}, 200)


@bp.route("/portal/apply/{program}", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL, is_open=True)
def apply(visit: Visit) -> Shown:
    """Take the application, and say the same to everybody."""
    program = visit.stores.catalogue.program(visit.path["program"])
    form = {name: visit.form.get(name) for name in _FIELDS}
    application = Application(
        "", program.id, form["name"], form["email"], form["site"], form["note"], visit.now
    )
    try:
        applications.apply(visit.stores, application, visit.source)
    except LinkledgerError as error:
        return _shown(visit, form, problems(error), status_of(error))
    return Shown("portal/applied.html", {"about": program})


def _shown(visit: Visit, form: dict[str, str], wrong: dict[str, str], status: int) -> Shown:
    program = visit.stores.catalogue.program(visit.path["program"])
    values = {"about": program, "form": {**dict.fromkeys(_FIELDS, ""), **form}, "problems": wrong}
    return Shown("portal/apply.html", values, status)
