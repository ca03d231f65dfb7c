"""The first pages of the portal: the programs of the partner, and how one of them goes."""

from chalice import Blueprint

from chalicelib.domain.counts import Sums
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.domain.spans import Every, Span
from chalicelib.portal.charts import Point
from chalicelib.portal.enrolled import program_of, shown
from chalicelib.portal.locales import Locale
from chalicelib.portal.page import Answer, See, Shown, Visit, page
from chalicelib.services import earnings, partners, standings

bp = Blueprint(__name__)

MEASURES = {"clicks": "Clicks", "conversions": "Sales", "commission": "Commission"}
"""What the chart can show."""


@bp.route("/portal", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def home(visit: Visit) -> Answer:
    """The partner's programs; straight to the only one."""
    catalogue = visit.stores.catalogue
    found = [catalogue.program(one.program) for one in catalogue.enrollments_of(visit.partner)]
    if len(found) == 1:
        return See(f"/portal/programs/{found[0].id}")
    return Shown("portal/home.html", {"programs": found, "partner": catalogue.partner(visit.partner)})


@bp.route("/portal/programs/{program}", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def overview(visit: Visit) -> Shown:
    """Clicks, sales and earnings, in figures and over time."""
    program = program_of(visit)
    every = _chosen(visit.query.get("by", ""))
    measure = visit.query.get("show", "clicks")
    measure = measure if measure in MEASURES else "clicks"
    parts = earnings.over_time(visit.stores, program, visit.partner, every, visit.now)
    enrollment = visit.stores.catalogue.find_enrollment(program.id, visit.partner)
    link = partners.default_link(visit.stores, enrollment) if enrollment else None
    values = {
        "every": every,
        "measure": measure,
        "measures": MEASURES,
        "points": [_point(visit.locale, program, measure, every, span, sums) for span, sums in parts],
        "totals": _totals(program, [sums for _, sums in parts]),
        "money": standings.of_partner(visit.stores, program, visit.partner, visit.now),
        "minimums": visit.stores.payouts.settings(program.id).minimums,
        "link": link,
        "now": visit.now,
        "shown_money": lambda amount: visit.locale.money(amount, program.currency),
    }
    return shown(program, "overview.html", values)


def _chosen(text: str) -> Every:
    return Every(text) if text in set(Every) else Every.DAY


def _totals(program: Program, parts: list[Sums]) -> dict[str, int]:
    return {measure: sum(_value(program, measure, sums) for sums in parts) for measure in MEASURES}


def _value(program: Program, measure: str, sums: Sums) -> int:
    if measure == "commission":
        return sums.commission.get(program.currency, 0)
    return sums.clicks if measure == "clicks" else sums.conversions


def _point(locale: Locale, program: Program, measure: str, every: Every, span: Span, sums: Sums) -> Point:
    value = _value(program, measure, sums)
    text = locale.money(value, program.currency) if measure == "commission" else locale.number(value)
    return _label(locale, every, span), max(value, 0), text


def _label(locale: Locale, every: Every, span: Span) -> str:
    if every is Every.MONTH:
        return f"{span.first:%Y-%m}"
    return locale.short_day(span.first)
