"""`GET /v1/stats`: what was clicked, sold and earned."""

from chalice import Blueprint

from chalicelib.domain.counts import Sums
from chalicelib.domain.credentials import Scope
from chalicelib.routes import whose
from chalicelib.routes.endpoint import Call, View, endpoint
from chalicelib.services import stats

bp = Blueprint(__name__)


class Money(View):
    """Money in a currency that is not the program's, in its minor units."""

    revenue: int
    commission: int


class SumsView(View, kw_only=True, omit_defaults=True):
    """Sums; one of the names is set in a row. `revenue` and `commission` are in the program's currency, in
    minor units; what was sold in others is beside them, by currency, and never converted."""

    day: str | None = None
    partner: str | None = None
    link: str | None = None
    verdict: str | None = None
    channel: str | None = None
    campaign: str | None = None
    clicks: int
    conversions: int
    revenue: int
    commission: int
    other_currencies: dict[str, Money] | None = None


class StatsView(View):
    """A report. `clicks` counts every human one, repeats included; rows by verdict count the others too."""

    currency: str
    totals: SumsView
    rows: list[SumsView]


@bp.route("/v1/stats", methods=["GET"], content_types=["*/*"])
@endpoint(
    returns=StatsView,
    scopes={Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER},
    query=("program", "from", "to", "by", "partner"),
)
def get_stats(call: Call[None]) -> StatsView:
    """Get clicks, conversions, revenue and commission; a partner gets its own alone."""
    program, partner = whose.program_and_partner(call)
    by = call.query.get("by")
    found = stats.report(
        call.stores,
        program.id,
        since=call.query.get("from"),
        until=call.query.get("to"),
        by=by,
        partner=partner,
    )
    return StatsView(
        currency=program.currency,
        totals=_view(found.totals, program.currency, {}),
        rows=[_view(sums, program.currency, {str(by): name}) for name, sums in found.rows.items()],
    )


def _view(sums: Sums, currency: str, name: dict[str, str]) -> SumsView:
    others = (sums.revenue.keys() | sums.commission.keys()) - {currency}
    return SumsView(
        **name,
        clicks=sums.clicks,
        conversions=sums.conversions,
        revenue=sums.revenue.get(currency, 0),
        commission=sums.commission.get(currency, 0),
        other_currencies={
            other: Money(revenue=sums.revenue.get(other, 0), commission=sums.commission.get(other, 0))
            for other in sorted(others)
        }
        or None,
    )
