"""`/console/{program}/conversions`: what was sold, and why who is paid what."""

import secrets

from chalice import Blueprint

from chalicelib.domain.conversion import AdjustmentKind, State
from chalicelib.domain.errors import Invalid, LinkledgerError, NotFound
from chalicelib.domain.money import parse_major
from chalicelib.domain.program import Program
from chalicelib.domain.receipt import REASONS, receipt_text
from chalicelib.domain.session import Area
from chalicelib.portal.console import program_of, see, shown
from chalicelib.portal.filters import day_or_none
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import adjustments, conversions
from chalicelib.storage.conversion_records import Conversion

bp = Blueprint(__name__)

FILTERS = ("state", "partner", "from", "to", "order")


@bp.route("/console/{program}/conversions", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_conversions(visit: Visit) -> Shown:
    """Conversions, filtered on the server: what is not settled first, then the newest first."""
    program = program_of(visit)
    chosen = {name: visit.query.get(name, "").strip() for name in FILTERS}
    if chosen["state"] and chosen["state"] not in set(State):
        raise Invalid("state_unknown", "there is no such state")
    wanted = conversions.Wanted(
        program,
        State(chosen["state"]) if chosen["state"] else None,
        chosen["partner"] or None,
        day_or_none(program, chosen["from"]),
        day_or_none(program, chosen["to"], plus=1),
        chosen["order"],
    )
    found, next_key = conversions.list_page(visit.stores, wanted, ROWS, start(visit), visit.now)
    return shown(
        "conversions",
        program,
        rows=found,
        next=cursor(visit, next_key),
        chosen=chosen,
        parameters={name: value for name, value in chosen.items() if value},
        states=[("", "all states"), *((one.value, one.value) for one in State)],
    )


@bp.route("/console/{program}/conversions/{conversion}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_conversion(visit: Visit) -> Shown:
    """One conversion: its receipt, what was booked, and what can be done to it."""
    return _one(visit, program_of(visit), {}, {})


@bp.route("/console/{program}/conversions/{conversion}", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def adjust(visit: Visit) -> Shown | See:
    """Refund, charge back, void, approve or reject; sent twice it is done once."""
    program, form = program_of(visit), visit.form
    found = _find(visit, program)
    sent = {name: form.get(name) for name in ("kind", "amount", "reason", "id")}
    try:
        if sent["kind"] not in set(AdjustmentKind):
            raise Invalid("kind_unknown", "choose what is to be done", "kind")
        currency = found.facts.effective.content.currency
        amount = parse_major(sent["amount"], currency) if sent["amount"] else None
        kind = AdjustmentKind(sent["kind"])
        adjustments.adjust(visit.stores, found.facts.id, sent["id"], kind, amount, sent["reason"], visit.now)
    except LinkledgerError as error:
        return _one(visit, program, sent, problems(error), status_of(error))
    return see(program, f"conversions/{found.facts.id}", "adjusted")


def _one(
    visit: Visit, program: Program, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    found = _find(visit, program)
    decision = conversions.explain(visit.stores, found)
    return shown(
        "conversion",
        program,
        status,
        found=found,
        report=found.facts.effective,
        decision=decision,
        reasons=REASONS,
        lines=receipt_text(found.facts, decision, found.booked.entries, found.state, None).splitlines(),
        # Sent twice, a form with the same id is one adjustment.
        sent={"id": f"console-{secrets.token_hex(8)}"} | sent,
        problems=wrong,
    )


def _find(visit: Visit, program: Program) -> Conversion:
    found = visit.stores.conversions.find(visit.path["conversion"])
    if found is None or found.facts.report.program != program.id:
        raise NotFound("conversion_unknown", "there is no such conversion")
    return found
