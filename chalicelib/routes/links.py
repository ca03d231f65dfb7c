"""`/v1/links`: making, changing, listing and deleting links."""

from datetime import datetime
from typing import Literal

from chalice import Blueprint

from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.link import Link, LinkState
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.routes import paging, whose
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import access, links
from chalicelib.services.links import RowResult, Wanted
from chalicelib.settings import Settings
from chalicelib.storage.stores import Stores

bp = Blueprint(__name__)

_EVERYBODY = frozenset({Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER})


class NewLink(Body):
    """A link of an enrolled partner. `utm` takes the five UTM parameters, `sub` takes sub1 to sub10."""

    program: str
    partner: str
    destination: str | None = None
    code: str | None = None
    campaign: str | None = None
    utm: dict[str, str] | None = None
    sub: dict[str, str] | None = None
    tags: list[str] | None = None
    expires_at: str | None = None
    carry_query: bool | None = None


class LinkChange(Body):
    """What is to change. Empty text takes a destination, campaign or expiry away; maps are replaced whole."""

    destination: str | None = None
    campaign: str | None = None
    utm: dict[str, str] | None = None
    sub: dict[str, str] | None = None
    tags: list[str] | None = None
    state: Literal["active", "paused"] | None = None
    expires_at: str | None = None
    carry_query: bool | None = None


class ManyLinks(Body):
    """A CSV of links, as text: a header line with `partner` and any of the other columns."""

    csv: str


class LinkView(View):
    """A link; `url` is what to share, `qr_url` its QR code."""

    code: str
    url: str
    qr_url: str
    id: str
    program: str
    partner: str
    destination: str | None
    campaign: str | None
    utm: dict[str, str]
    sub: dict[str, str]
    tags: list[str]
    state: str
    expires_at: str | None
    carry_query: bool
    created_at: str
    version: int


class EarlierLink(View):
    """What a link was until it was changed at `replaced_at`."""

    replaced_at: str
    link: LinkView


class History(View):
    """Every earlier state of a link, oldest first."""

    data: list[EarlierLink]


class RowProblem(View):
    """Why a row of a CSV made no link."""

    code: str
    message: str
    field: str | None


class Row(View):
    """What became of one row; the one after the header is 1."""

    row: int
    link: LinkView | None
    error: RowProblem | None


class Rows(View):
    """What became of every row."""

    data: list[Row]


@bp.route("/v1/links", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewLink, returns=LinkView, status=201, scopes=_EVERYBODY)
def create_link(call: Call[NewLink]) -> LinkView:
    """Make a link for an enrolled partner."""
    body = call.body
    program = access.program_of(call.stores, call.caller, body.program)
    call.caller.require_partner(body.partner)
    if call.stores.catalogue.find_enrollment(program.id, body.partner) is None:
        raise links.not_enrolled()
    made = links.create(
        call.stores,
        program,
        body.partner,
        destination=body.destination or None,
        code=body.code,
        campaign=body.campaign,
        utm=body.utm,
        sub=body.sub,
        tags=body.tags,
        expires_at=_instant(body.expires_at),
        carry_query=body.carry_query,
        now=call.now,
    )
    return _view(call.stores.settings, made)


@bp.route("/v1/links", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[LinkView], scopes=_EVERYBODY, query=("program", "partner", *paging.QUERY))
def list_links(call: Call[None]) -> paging.Listing[LinkView]:
    """List the links of a program, or those of one partner in it."""
    program, partner = whose.program_and_partner(call)
    limit, start = paging.wanted(call)
    found, next_key = call.stores.links.of_program(program.id, limit, start, partner)
    return paging.listing(call, [_view(call.stores.settings, link) for link in found], next_key)


@bp.route("/v1/links/{code}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=LinkView, scopes=_EVERYBODY)
def get_link(call: Call[None]) -> LinkView:
    """Get a link."""
    return _view(call.stores.settings, _link(call.stores, call.caller, call.path["code"]))


@bp.route("/v1/links/{code}", methods=["PATCH"], content_types=["*/*"])
@endpoint(body=LinkChange, returns=LinkView, scopes=_EVERYBODY)
def change_link(call: Call[LinkChange]) -> LinkView:
    """Change a link; what it was stays in its history. Clicks that were made keep their partner."""
    link = _link(call.stores, call.caller, call.path["code"])
    body = call.body
    wanted = Wanted(
        destination=body.destination,
        campaign=body.campaign,
        utm=body.utm,
        sub=body.sub,
        tags=body.tags,
        expires_at=_instant(body.expires_at),
        never_expires=body.expires_at == "",
        carry_query=body.carry_query,
        state=LinkState(body.state) if body.state else None,
    )
    program = call.stores.catalogue.program(link.program)
    return _view(call.stores.settings, links.change(call.stores, program, link, wanted, call.now))


@bp.route("/v1/links/{code}", methods=["DELETE"], content_types=["*/*"])
@endpoint(scopes=_EVERYBODY)
def delete_link(call: Call[None]) -> None:
    """Delete a link. Its code is not given out again."""
    links.delete(call.stores, _link(call.stores, call.caller, call.path["code"]), call.now)


@bp.route("/v1/links/{code}/history", methods=["GET"], content_types=["*/*"])
@endpoint(returns=History, scopes=_EVERYBODY)
def link_history(call: Call[None]) -> History:
    """List what a link was before its changes."""
    link = _link(call.stores, call.caller, call.path["code"])
    settings = call.stores.settings
    return History(
        data=[
            EarlierLink(replaced_at=at, link=_view(settings, earlier))
            for at, earlier in call.stores.links.history(link.code)
        ]
    )


@bp.route("/v1/programs/{program}/links", methods=["POST"], content_types=["*/*"])
@endpoint(body=ManyLinks, returns=Rows, scopes={Scope.ADMIN, Scope.MERCHANT})
def create_links(call: Call[ManyLinks]) -> Rows:
    """Make a link for each row of a CSV, at most 500; a wrong row does not stop the others."""
    call.caller.require_program(call.path["program"])
    program = call.stores.catalogue.program(call.path["program"])
    results = links.create_from_csv(call.stores, program, call.body.csv, call.now)
    return Rows(data=[_row(call.stores.settings, result) for result in results])


def _link(stores: Stores, caller: Caller, code: str) -> Link:
    """The caller's own link; somebody else's is as unknown as one that there isn't."""
    link = links.get(stores, code)
    is_foreign = caller.is_partner and caller.partner != link.partner
    if is_foreign or not caller.may_touch_program(link.program):
        raise links.link_unknown()
    return link


def _row(settings: Settings, result: RowResult) -> Row:
    error = result.error
    return Row(
        row=result.row,
        link=_view(settings, result.link) if result.link else None,
        error=RowProblem(code=error.code, message=error.message, field=error.field) if error else None,
    )


def _view(settings: Settings, link: Link) -> LinkView:
    url, qr_url = links.link_urls(settings, link)
    return LinkView(
        code=link.code,
        url=url,
        qr_url=qr_url,
        id=link.id,
        program=link.program,
        partner=link.partner,
        destination=link.destination,
        campaign=link.campaign,
        utm=link.utm,
        sub=link.sub,
        tags=list(link.tags),
        state=str(link.state),
        expires_at=format_instant(link.expires_at) if link.expires_at else None,
        carry_query=link.carry_query,
        created_at=format_instant(link.created_at),
        version=link.version,
    )


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text, "expires_at") if text else None
