"""`/v1/programs/{program}/rates`: daily exchange rates."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Malformed
from chalicelib.routes.endpoint import Call, Reply, View, endpoint
from chalicelib.routes.wire import check_text, check_transfer
from chalicelib.services import rates

bp = Blueprint(__name__)


class RatesView(View):
    """What a file came to. `woken` conversions waited for a rate, and are decided again."""

    added: int
    known: int
    woken: int


@bp.route("/v1/programs/{program}/rates", methods=["POST"], content_types=["*/*"])
@endpoint(returns=RatesView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT}, query=("source",))
def publish_rates(call: Call[None]) -> Reply[RatesView]:
    """Add daily exchange rates from a CSV with the columns date, base, quote, rate and perhaps source."""
    call.caller.require_program(call.path["program"])
    check_transfer(call.headers, call.raw, media=("text/csv",))
    try:
        text = call.raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("text_invalid", "the file is not UTF-8") from None
    check_text(text, "file")
    added = rates.publish(call.stores, call.path["program"], text, call.query.get("source", "file"), call.now)
    view = RatesView(added=added.added, known=added.known, woken=added.woken)
    return Reply(view, 201 if added.added else 200)
