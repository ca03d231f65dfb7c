"""`/v1/programs/{program}/rates`: daily exchange rates."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Malformed
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.routes.wire import check_text
from chalicelib.services import rates

bp = Blueprint(__name__)

DEFAULT_SOURCE = "file"


class NewRates(Body):
    """A CSV with the columns date, base, quote, rate and perhaps source, as text in `csv`.

    A `text/csv` body is the file itself: `source` then comes as a query parameter.
    """

    csv: str | None = None
    source: str | None = None


class RatesView(View):
    """What a file came to. `woken` conversions waited for a rate, and are decided again."""

    added: int
    known: int
    woken: int


@bp.route("/v1/programs/{program}/rates", methods=["POST"], content_types=["*/*"])
@endpoint(
    body=NewRates,
    returns=RatesView,
    status=201,
    scopes={Scope.ADMIN, Scope.MERCHANT},
    query=("source",),
    media=("application/json", "text/csv"),
)
def publish_rates(call: Call[NewRates]) -> Reply[RatesView]:
    """Add daily exchange rates; the same file again changes nothing."""
    call.caller.require_program(call.path["program"])
    text = _text(call.raw) if call.is_text else call.body.csv or ""
    source = call.body.source or call.query.get("source", DEFAULT_SOURCE)
    added = rates.publish(call.stores, call.path["program"], text, source, call.now)
    view = RatesView(added=added.added, known=added.known, woken=added.woken)
    return Reply(view, 201 if added.added else 200)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("text_invalid", "the file is not UTF-8") from None
    check_text(text, "csv")
    return text
