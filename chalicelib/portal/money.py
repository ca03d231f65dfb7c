"""Statements, month by month, with their files and the hash that proves them."""

from chalice import Blueprint

from chalicelib.domain.errors import NotFound
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal import paging
from chalicelib.portal.enrolled import program_of, shown
from chalicelib.portal.page import File, Shown, Visit, page
from chalicelib.services import earnings

bp = Blueprint(__name__)

ROWS = 100
"""Lines of a statement on a page; the CSV has them all."""

_MEDIA = {"csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8"}


@bp.route("/portal/programs/{program}/statements", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def list_statements(visit: Visit) -> Shown:
    """The months, newest first."""
    program = program_of(visit)
    found = earnings.statements(visit.stores, program, visit.partner)
    return shown(program, "statements.html", {"found": found})


@bp.route("/portal/programs/{program}/statements/{month}", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def show_statement(visit: Visit) -> Shown:
    """One month, to read, print and check."""
    program = program_of(visit)
    found = earnings.statement_of(visit.stores, program, visit.partner, Month.parse(visit.path["month"]))
    entries, next_key = paging.part(visit, found.entries, ROWS)
    kinds = {kind: found.balances(kind) for kind in ("opening", "closing", "payable")}
    values = {
        "statement": found,
        "entries": entries,
        "next": paging.cursor(visit, next_key),
        "kinds": kinds,
        "drafted_at": None if found.in_manifest is not None else visit.stores.journal.drafted_at(program.id),
        "currencies": sorted({currency for amounts in kinds.values() for currency in amounts}),
    }
    return shown(program, "statement.html", values)


@bp.route("/portal/programs/{program}/statements/{month}/{file}", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def download_statement(visit: Visit) -> File:
    """A file of the statement, byte for byte as the ledger has it."""
    program = program_of(visit)
    found = earnings.statement_of(visit.stores, program, visit.partner, Month.parse(visit.path["month"]))
    kind = visit.path["file"]
    if kind not in _MEDIA:
        raise NotFound("statement_unknown", "there is no such file")
    body = earnings.file_of(visit.stores, found, visit.partner, kind)
    return File(body, _MEDIA[kind], _name(visit, program, kind))


def _name(visit: Visit, program: Program, kind: str) -> str:
    return f"{program.id}-{visit.path['month']}-{visit.partner}.{kind}"
