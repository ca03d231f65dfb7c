"""The sales that a partner had a part in, and the receipt of each: why it was paid, or not."""

from chalice import Blueprint

from chalicelib.domain.conversion import State
from chalicelib.domain.errors import NotFound
from chalicelib.domain.program import Program
from chalicelib.domain.receipt import STATES
from chalicelib.domain.session import Area
from chalicelib.portal import paging
from chalicelib.portal.enrolled import program_of, shown
from chalicelib.portal.filters import day_or_none
from chalicelib.portal.page import Shown, Visit, page
from chalicelib.routes.receipts import receipt_view
from chalicelib.services import conversions
from chalicelib.services.conversions import Wanted
from chalicelib.storage.conversion_records import Conversion

bp = Blueprint(__name__)

FILTERS = ("state", "from", "to", "order")


@bp.route("/portal/programs/{program}/conversions", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def list_sales(visit: Visit) -> Shown:
    """The partner's sales, what is not settled first, then the newest first; filtered on the server."""
    program = program_of(visit)
    chosen = {name: visit.query.get(name, "").strip() for name in FILTERS}
    since, until = day_or_none(program, chosen["from"]), day_or_none(program, chosen["to"], plus=1)
    state = State(chosen["state"]) if chosen["state"] in set(State) else None
    wanted = Wanted(program, state, visit.partner, since, until, chosen["order"])
    found, next_key = conversions.list_page(visit.stores, wanted, paging.ROWS, paging.start(visit), visit.now)
    values = {
        "found": found,
        "next": paging.cursor(visit, next_key),
        "chosen": chosen,
        "parameters": {name: value for name, value in chosen.items() if value},
        "states": [("", "all"), *((str(state), str(state)) for state in State)],
    }
    return shown(program, "conversions.html", values)


@bp.route("/portal/programs/{program}/conversions/{conversion}", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def show_sale(visit: Visit) -> Shown:
    """One sale with its receipt in words: nothing in it tells who other partners are."""
    program = program_of(visit)
    found = _own(visit, program)
    receipt = receipt_view(found, conversions.explain(visit.stores, found), visit.partner)
    facts = found.facts.effective
    values = {
        "receipt": receipt,
        "facts": facts,
        "state_text": STATES[found.state],
        "sentences": receipt.text.split("\n"),
    }
    return shown(program, "conversion.html", values)


def _own(visit: Visit, program: Program) -> Conversion:
    """The conversion where the partner is credited or in its path; otherwise as if there were none."""
    found = visit.stores.conversions.find(visit.path["conversion"])
    if (
        found is None
        or found.facts.report.program != program.id
        or visit.partner not in conversions.involved(visit.stores, found)
    ):
        raise NotFound("conversion_unknown", "there is no such conversion")
    return found
