"""`/console`: the programs that the caller runs."""

from chalice import Blueprint

from chalicelib.domain.session import Area
from chalicelib.portal.page import Shown, Visit, page

bp = Blueprint(__name__)


@bp.route("/console", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def home(visit: Visit) -> Shown:
    """The first page of the console."""
    caller, catalogue = visit.caller, visit.stores.catalogue
    ids = list(catalogue.programs()) if caller.is_admin else [caller.program or ""]
    return Shown("console/home.html", {"programs": [catalogue.program(one) for one in ids]})
