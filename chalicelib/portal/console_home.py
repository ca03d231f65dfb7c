"""`/console`: the programs that the caller runs; `/console/{program}`: one of them at a glance."""

from datetime import date

from chalice import Blueprint

from chalicelib.domain.credentials import Caller
from chalicelib.domain.errors import Forbidden, LinkledgerError
from chalicelib.domain.program import Consent, Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import last_days, program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import operating, programs, stats
from chalicelib.storage.stores import Stores

bp = Blueprint(__name__)

DAYS = 60
"""Days that the first page of a program looks back."""


@bp.route("/console", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def home(visit: Visit) -> Shown:
    """The programs, and a form for a new one."""
    return _home(visit, {}, {})


@bp.route("/console", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def add_program(visit: Visit) -> Shown | See:
    """Create a program."""
    if not visit.caller.is_admin:
        raise Forbidden("scope_missing", "only an administrator creates programs")
    form = visit.form
    sent = {name: form.get(name) for name in ("id", "name", "domains", "currency", "timezone", "consent")}
    wanted = Program(
        id=sent["id"],
        name=sent["name"],
        domains=tuple(sent["domains"].replace(",", " ").split()),
        currency=sent["currency"].upper(),
        default_url="",
        created_at=visit.now,
        postback_token="",
        timezone=sent["timezone"] or "UTC",
        consent=Consent(sent["consent"]) if sent["consent"] in set(Consent) else Consent.REQUIRED,
    )
    try:
        program, _ = programs.create(visit.stores, wanted)
    except LinkledgerError as error:
        return _home(visit, sent, problems(error), status_of(error))
    return see(program, "terms", "program_created")


@bp.route("/console/{program}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def overview(visit: Visit) -> Shown:
    """What was clicked, sold and earned lately, and what waits for somebody."""
    program = program_of(visit)
    days = last_days(program, visit.now, DAYS)
    found = stats.report(visit.stores, program.id, since=days[0], until=days[-1], by="day")
    by_partner = stats.report(visit.stores, program.id, since=days[0], until=days[-1], by="partner")
    best = sorted(
        ((name, sums) for name, sums in by_partner.rows.items() if name),
        key=lambda row: (-row[1].commission.get(program.currency, 0), row[0]),
    )
    clicks = [(day, found.rows[day].clicks if day in found.rows else 0) for day in days]
    return shown(
        "overview",
        program,
        totals=found.totals,
        clicks=[(_label(visit, day), count, visit.locale.number(count)) for day, count in clicks],
        best=best[:10],
        names=_names(visit, [name for name, _ in best[:10]]),
        state=operating.program_state(visit.stores, program, visit.now),
        days=DAYS,
        has_terms=bool(visit.stores.catalogue.terms(program.id)),
        has_partners=next(visit.stores.catalogue.enrollments(program.id), None) is not None,
    )


def _label(visit: Visit, day: str) -> str:
    return visit.locale.short_day(date.fromisoformat(day))


def _names(visit: Visit, partners: list[str]) -> dict[str, str]:
    found = (visit.stores.catalogue.find_partner(partner) for partner in partners)
    return {partner.id: partner.name for partner in found if partner is not None}


def _home(visit: Visit, sent: dict[str, str], wrong: dict[str, str], status: int = 200) -> Shown:
    found, next_key = _programs(visit, visit.caller, visit.stores)
    return Shown(
        "console/home.html",
        {
            "programs": found,
            "next": cursor(visit, next_key),
            "may_create": visit.caller.is_admin,
            "sent": sent,
            "problems": wrong,
            "consents": [(one.value, one.value) for one in Consent],
        },
        status,
    )


def _programs(visit: Visit, caller: Caller, stores: Stores) -> tuple[list[Program], dict[str, str] | None]:
    if caller.is_admin:
        return stores.catalogue.programs_page(ROWS, start(visit))
    return [stores.catalogue.program(caller.program or "")], None
