"""Ledgers over the API: what is draft, what is published, and where the files are."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import NotFound
from chalicelib.domain.period import Month, format_instant
from chalicelib.domain.program import Program
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Call, View, endpoint
from chalicelib.services import ledgers

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class LedgerView(View, frozen=True, kw_only=True):
    """A month of a program; `status` is `draft` or `published`."""

    program: str
    month: str
    status: str


class FileView(View, frozen=True, kw_only=True):
    """A file of the ledger, and a link that reads it without a key for a short while."""

    name: str
    url: str


class LedgerContentsView(LedgerView, frozen=True, kw_only=True):
    """A month with its manifest and files."""

    manifest: dict[str, Any]
    files: list[FileView]
    expires_at: str


@bp.route("/v1/ledgers", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[LedgerView], scopes=_MERCHANTS, query=("program", *paging.QUERY))
def list_ledgers(call: Call[None]) -> paging.Listing[LedgerView]:
    """The months of a program, or of every program of the caller, oldest first."""
    limit, start = paging.wanted(call)
    found = [ledger for program in _programs(call) for ledger in ledgers.of_program(call.stores, program)]
    first = start["at"] if start else 0
    rows = [
        LedgerView(program=ledger.program, month=str(ledger.month), status=ledger.status)
        for ledger in found[first : first + limit]
    ]
    more = first + limit < len(found)
    return paging.listing(call, rows, {"at": first + limit} if more else None)


@bp.route("/v1/ledgers/{program}/{month}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=LedgerContentsView, scopes=_MERCHANTS)
def get_ledger(call: Call[None]) -> LedgerContentsView:
    """A month's manifest, and short-lived links to its files."""
    call.caller.require_program(call.path["program"])
    program = call.stores.catalogue.program(call.path["program"])
    found = ledgers.contents(call.stores, program, Month.parse(call.path["month"]), call.now)
    return LedgerContentsView(
        program=program.id,
        month=str(found.ledger.month),
        status=found.ledger.status,
        manifest=found.manifest,
        files=[FileView(name=name, url=url) for name, url in found.links.items()],
        expires_at=format_instant(found.expires_at),
    )


def _programs(call: Call[Any]) -> list[Program]:
    wanted = call.query.get("program") or call.caller.program
    if wanted:
        call.caller.require_program(wanted)
        return [call.stores.catalogue.program(wanted)]
    if not call.caller.is_admin:
        raise NotFound("program_unknown", "there is no such program", "program")
    return [call.stores.catalogue.program(program) for program in call.stores.catalogue.programs()]
