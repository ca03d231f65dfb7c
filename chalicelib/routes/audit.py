"""`/v1/audit`: who changed what, from what to what."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.audit import Record
from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Invalid
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Call, View, endpoint
from chalicelib.routes.replies import Text
from chalicelib.services import audit

bp = Blueprint(__name__)

NEXT_CURSOR = "Linkledger-Next-Cursor"
"""The header that names the next page of a CSV."""


class ChangeView(View, frozen=True, kw_only=True):
    """A change; of an edit, `before` and `after` hold what differs. Secrets and people are hidden."""

    id: str
    at: str
    actor: str
    action: str
    what: str
    name: str
    program: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@bp.route("/v1/audit", methods=["GET"], content_types=["*/*"])
@endpoint(
    returns=paging.Listing[ChangeView],
    scopes={Scope.ADMIN, Scope.MERCHANT},
    query=("program", "from", "to", "format", *paging.QUERY),
    produces=("text/csv",),
)
def list_changes(call: Call[None]) -> paging.Listing[ChangeView] | Text:
    """List administrative changes, newest first; an administrator names no program for the stage's own."""
    program = call.query.get("program", call.caller.program)
    audit.check_readable(call.stores, call.caller, program)
    since, until = (
        parse_instant(call.query[name], name) if name in call.query else None for name in ("from", "to")
    )
    if since and until and until < since:
        raise Invalid("period_invalid", "to must not be before from", "to")
    wanted = call.query.get("format", "json")
    if wanted not in {"json", "csv"}:
        raise Invalid("format_unknown", "format is json or csv", "format")
    limit, start = paging.wanted(call)
    records, next_key = call.stores.trail.page(program, since, until, limit, start)
    page = paging.listing(call, [_view(record) for record in records], next_key)
    if wanted == "json":
        return page
    headers = {NEXT_CURSOR: page.next_cursor} if page.next_cursor else {}
    return Text("".join(audit.csv_lines(iter(records))), "text/csv", headers)


def _view(record: Record) -> ChangeView:
    change = record.change
    return ChangeView(
        id=record.id,
        at=format_instant(record.at),
        actor=record.actor,
        action=change.action,
        what=change.what,
        name=change.name,
        program=change.program,
        before=dict(change.before) if change.before is not None else None,
        after=dict(change.after) if change.after is not None else None,
    )
