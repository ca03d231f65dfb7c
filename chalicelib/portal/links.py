"""The partner's links: made, checked while they are typed, changed, counted."""

from collections.abc import Mapping
from typing import Any

from chalice import Blueprint

from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.link import SUB_KEYS, UTM_KEYS, Link, LinkState
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal import paging
from chalicelib.portal.enrolled import program_of, shown
from chalicelib.portal.page import Data, See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import landing_checks, links, stats
from chalicelib.services.links import Wanted

bp = Blueprint(__name__)

SUBS_SHOWN = SUB_KEYS[:5]
"""Sub-ids that the form offers; the API takes all ten."""


@bp.route("/portal/programs/{program}/links", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def list_links(visit: Visit) -> Shown:
    """The links with their numbers, and the form for a new one."""
    return _listed(visit, program_of(visit), {}, {}, 200)


@bp.route("/portal/programs/{program}/links", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL)
def make_link(visit: Visit) -> Shown | See:
    """Make a link, or with `check` only say whether it could be made."""
    program, form = program_of(visit), _fields(visit)
    if visit.form.has("check"):
        told = links.check(visit.stores, program, form["destination"], form["code"])
        looked = _look(visit, program, form["destination"])
        return _listed(visit, program, form, told.problems, 200, told.notes, looked)
    try:
        wanted = _wanted(visit)
        made = links.create(
            visit.stores,
            program,
            visit.partner,
            destination=wanted.destination or None,
            code=form["code"] or None,
            campaign=wanted.campaign or None,
            utm=wanted.utm,
            sub=wanted.sub,
            now=visit.now,
        )
    except LinkledgerError as error:
        return _listed(visit, program, form, _by_field(error), status_of(error))
    return See(f"/portal/programs/{program.id}/links/{made.code}", done="link_made")


@bp.route("/portal/programs/{program}/link-check", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def check_link(visit: Visit) -> Data:
    """What the form's script asks: may the link lead there, is the code free? And with `look`, once somebody
    has typed it: what does the page do?"""
    program = program_of(visit)
    given = {name: visit.query.get(name, "") for name in ("destination", "code")}
    told = links.check(visit.stores, program, given["destination"], given["code"])
    looked = _look(visit, program, given["destination"] if "look" in visit.query else "")
    return Data({"problems": told.problems, "notes": told.notes, "looked": looked})


@bp.route("/portal/programs/{program}/links/{code}", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def show_link(visit: Visit) -> Shown:
    """One link: to copy, to print as a QR code, to change; and how it goes."""
    program = program_of(visit)
    link = _own(visit, program)
    return _one(visit, program, link, _said(link), {}, 200)


@bp.route("/portal/programs/{program}/links/{code}", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL)
def change_link(visit: Visit) -> Shown | See:
    """Change, pause, resume or delete a link."""
    program = program_of(visit)
    link = _own(visit, program)
    root = f"/portal/programs/{program.id}/links"
    act = visit.form.get("act")
    try:
        if act == "delete":
            links.delete(visit.stores, link, visit.now)
            return See(root, done="link_deleted")
        wanted = Wanted(state=LinkState(act)) if act in {"active", "paused"} else _wanted(visit)
        links.change(visit.stores, program, link, wanted, visit.now)
    except LinkledgerError as error:
        return _one(visit, program, link, _fields(visit), _by_field(error), status_of(error))
    return See(f"{root}/{link.code}", done="link_changed")


def _listed(
    visit: Visit,
    program: Program,
    form: Mapping[str, str],
    wrong: Mapping[str, str],
    status: int,
    notes: Mapping[str, str] | None = None,
    looked: Mapping[str, Any] | None = None,
) -> Shown:
    start = paging.start(visit) if visit.method == "GET" else None
    found, next_key = visit.stores.links.of_program(program.id, paging.ROWS, start, visit.partner)
    numbers = stats.report(visit.stores, program.id, by="link", partner=visit.partner).rows
    values = {
        "links": [
            (link, links.link_urls(visit.stores.settings, link)[0], numbers.get(link.code)) for link in found
        ],
        "next": paging.cursor(visit, next_key) if visit.method == "GET" else None,
        "form": {**dict.fromkeys(_names(), ""), **form},
        "problems": wrong,
        "notes": notes or {},
        "looked": looked,
        "subs": SUBS_SHOWN,
        "utms": UTM_KEYS,
    }
    return shown(program, "links.html", values, status)


def _look(visit: Visit, program: Program, url: str) -> dict[str, Any] | None:
    """What the page does, in words; None where there is nothing to say. It stops nobody."""
    looked = landing_checks.look(visit.stores, program, visit.partner, url, visit.now) if url else None
    if looked is None:
        return None
    text = looked.text if looked.is_fine else f"{looked.text} You can make the link all the same."
    return {"text": text, "is_fine": looked.is_fine}


def _one(
    visit: Visit, program: Program, link: Link, form: Mapping[str, str], wrong: Mapping[str, str], status: int
) -> Shown:
    numbers = stats.report(visit.stores, program.id, by="link", partner=visit.partner).rows
    values: dict[str, Any] = {
        "link": link,
        "url": links.link_urls(visit.stores.settings, link)[0],
        "numbers": numbers.get(link.code),
        "form": form,
        "problems": wrong,
        "subs": SUBS_SHOWN,
        "utms": UTM_KEYS,
    }
    return shown(program, "link.html", values, status)


def _own(visit: Visit, program: Program) -> Link:
    """The partner's own link of this program; somebody else's is as unknown as one that there isn't."""
    link = links.get(visit.stores, visit.path["code"])
    if (link.program, link.partner) != (program.id, visit.partner):
        raise links.link_unknown()
    return link


def _names() -> tuple[str, ...]:
    return ("destination", "code", "campaign", *UTM_KEYS, *SUBS_SHOWN)


def _fields(visit: Visit) -> dict[str, str]:
    return {name: visit.form.get(name) for name in _names()}


def _said(link: Link) -> dict[str, str]:
    return {
        "destination": link.destination or "",
        "code": link.code,
        "campaign": link.campaign or "",
        **{name: link.utm.get(name, "") for name in UTM_KEYS},
        **{name: link.sub.get(name, "") for name in SUBS_SHOWN},
    }


def _wanted(visit: Visit) -> Wanted:
    form = _fields(visit)
    return Wanted(
        destination=form["destination"],
        campaign=form["campaign"],
        utm={name: form[name] for name in UTM_KEYS if form[name]},
        sub={name: form[name] for name in SUBS_SHOWN if form[name]},
    )


def _by_field(error: LinkledgerError) -> dict[str, str]:
    """Problems by the form's own names: `utm.utm_source` is its field `utm_source`."""
    return {name.rpartition(".")[2]: sentence for name, sentence in problems(error).items()}
