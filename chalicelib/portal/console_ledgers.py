"""`/console/{program}/ledgers`: months, their files, closing, verifying and paying."""

import secrets

from chalice import Blueprint

from chalicelib.domain.booking import Manual, ManualKind
from chalicelib.domain.errors import Invalid, LinkledgerError, NotFound
from chalicelib.domain.money import parse_major
from chalicelib.domain.payout import FORMATS
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, part
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import ledger_jobs, ledgers, manual, operating, payouts
from chalicelib.storage.payouts import Request

bp = Blueprint(__name__)


@bp.route("/console/{program}/ledgers", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_ledgers(visit: Visit) -> Shown:
    """Every month, and what keeps the next one open."""
    return _list(visit, program_of(visit), {}, {})


@bp.route("/console/{program}/ledgers", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def close_or_book(visit: Visit) -> Shown | See:
    """Close what is over, or book a bonus or correction by hand."""
    program, form = program_of(visit), visit.form
    if form.get("do") == "close":
        return see(program, f"jobs/{ledger_jobs.ask_close(visit.stores, program, visit.now).id}")
    sent = {name: form.get(name) for name in ("id", "partner", "kind", "amount", "currency", "reason")}
    try:
        if sent["kind"] not in set(ManualKind):
            raise Invalid("kind_unknown", "choose what it is", "kind")
        currency = sent["currency"].upper()
        is_less = sent["amount"].startswith("-")
        amount = parse_major(sent["amount"].removeprefix("-"), currency) * (-1 if is_less else 1)
        kind, actor = ManualKind(sent["kind"]), visit.caller.name
        wanted = Manual(sent["id"], sent["partner"], kind, amount, currency, sent["reason"], actor, None)
        manual.book(visit.stores, program, wanted, visit.now)
    except LinkledgerError as error:
        return _list(visit, program, sent, problems(error), status_of(error))
    return see(program, "ledgers", "entry_booked")


@bp.route("/console/{program}/ledgers/{month}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_ledger(visit: Visit) -> Shown:
    """One month: balances by partner, files, and how far it is paid; all of it, or one partner's."""
    program, month = program_of(visit), Month.parse(visit.path["month"])
    partner = visit.query.get("partner", "").strip()

    def is_shown(name: str) -> bool:
        return not name.startswith("statements/") or bool(
            partner and name.startswith(f"statements/{partner}.")
        )

    found = ledgers.contents(visit.stores, program, month, visit.now, is_shown)
    is_published = found.ledger.status is ledgers.Status.PUBLISHED
    every = ledgers.summary(visit.stores, program, month)
    rows, next_key = part(visit, [row for row in every if partner in {"", row["partner"]}])
    batch = payouts.batch_states(visit.stores, program, month) if is_published else []
    batch = [(due, mark) for due, mark in batch if partner in {"", due.partner}]
    return shown(
        "ledger",
        program,
        month=month,
        standing=found.ledger.status,
        manifest=found.manifest,
        hashes={part["name"]: part["sha256"] for part in found.manifest["parts"]},
        files=found.links,
        partner=partner,
        rows=rows,
        next=cursor(visit, next_key),
        batch=sorted(batch, key=lambda one: one[1] is not None)[:ROWS],
        more=max(len(batch) - ROWS, 0),
        methods=sorted(FORMATS),
        payout_id=f"console-{secrets.token_hex(8)}",
    )


@bp.route("/console/{program}/ledgers/{month}", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def verify_or_pay(visit: Visit) -> See:
    """Verify a published month, or mark its batch as paid."""
    program, month, form = program_of(visit), Month.parse(visit.path["month"]), visit.form
    if form.get("do") == "verify":
        job = ledger_jobs.ask_verify(visit.stores, program, month, visit.now)
        return see(program, f"jobs/{job.id}")
    if form.get("do") != "paid":
        raise NotFound("action_unknown", "there is no such action")
    method = form.get("method") or None
    if method is not None and method not in FORMATS:
        raise Invalid("method_unknown", f"must be one of {', '.join(FORMATS)}", "method")
    manual.check_id(form.get("id"))
    wanted = Request(form.get("id"), month, method, visit.caller.name, visit.now)
    progress = payouts.mark_paid(visit.stores, program, wanted, visit.now)
    return see(program, f"ledgers/{month}", "paying" if progress.waiting else "paid")


def _list(
    visit: Visit, program: Program, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    return shown(
        "ledgers",
        program,
        status,
        rows=ledgers.of_program(visit.stores, program)[::-1],
        state=operating.program_state(visit.stores, program, visit.now),
        sent={"id": f"console-{secrets.token_hex(8)}"} | sent,
        problems=wrong,
    )
