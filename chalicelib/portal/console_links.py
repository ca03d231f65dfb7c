"""`/console/{program}/links` and `/coupons`: what partners share."""

from chalice import Blueprint

from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.link import Link, LinkState
from chalicelib.domain.partner import Coupon
from chalicelib.domain.period import local_day
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import instant_or_none, lines_of, pairs_of, program_of, see, shown, whole
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import coupons, links

bp = Blueprint(__name__)

_FIELDS = ("partner", "code", "destination", "campaign", "utm", "sub", "tags", "expires")


@bp.route("/console/{program}/links", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_links(visit: Visit) -> Shown:
    """Every link, or one partner's, and a form for a new one."""
    return _links(visit, program_of(visit), {"partner": visit.query.get("partner", "")}, {})


@bp.route("/console/{program}/links", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def add_link(visit: Visit) -> Shown | See:
    """Make a link."""
    program = program_of(visit)
    sent = {name: visit.form.get(name) for name in _FIELDS}
    try:
        if visit.stores.catalogue.find_enrollment(program.id, sent["partner"]) is None:
            raise links.not_enrolled()
        made = links.create(
            visit.stores,
            program,
            sent["partner"],
            destination=sent["destination"] or None,
            code=sent["code"] or None,
            campaign=sent["campaign"] or None,
            utm=pairs_of(sent["utm"], "utm") or None,
            sub=pairs_of(sent["sub"], "sub") or None,
            tags=sent["tags"].replace(",", " ").split() or None,
            expires_at=instant_or_none(program, sent["expires"], "expires"),
            now=visit.now,
        )
    except LinkledgerError as error:
        return _links(visit, program, sent, problems(error), status_of(error))
    return see(program, f"links/{made.code}", "link_made")


@bp.route("/console/{program}/links/{link}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_link(visit: Visit) -> Shown:
    """One link, what it was before, and a form that changes it."""
    program = program_of(visit)
    link = _link(visit, program)
    return _one(visit, program, link, _as_sent(program, link), {})


@bp.route("/console/{program}/links/{link}", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def change_link(visit: Visit) -> Shown | See:
    """Re-point, pause, resume or delete a link."""
    program = program_of(visit)
    link = _link(visit, program)
    if visit.form.get("do") == "delete":
        links.delete(visit.stores, link, visit.now)
        return see(program, "links", "link_deleted")
    sent = {name: visit.form.get(name) for name in _FIELDS}
    try:
        wanted = links.Wanted(
            destination=sent["destination"],
            campaign=sent["campaign"],
            utm=pairs_of(sent["utm"], "utm"),
            sub=pairs_of(sent["sub"], "sub"),
            tags=sent["tags"].replace(",", " ").split(),
            expires_at=instant_or_none(program, sent["expires"], "expires"),
            never_expires=not sent["expires"],
            state=LinkState.PAUSED if visit.form.has("paused") else LinkState.ACTIVE,
        )
        links.change(visit.stores, program, link, wanted, visit.now)
    except LinkledgerError as error:
        return _one(visit, program, link, sent, problems(error), status_of(error))
    return see(program, f"links/{link.code}", "link_changed")


@bp.route("/console/{program}/coupons", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_coupons(visit: Visit) -> Shown:
    """Every promo code, and a form for a new one."""
    return _coupons(visit, program_of(visit), {"partner": visit.query.get("partner", "")}, {})


@bp.route("/console/{program}/coupons", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def change_coupons(visit: Visit) -> Shown | See:
    """Give a partner a promo code, or end one."""
    program, form = program_of(visit), visit.form
    if form.get("do") == "end":
        coupons.end(visit.stores, program.id, form.get("code"), visit.now)
        return see(program, "coupons", "coupon_ended")
    sent = {name: form.get(name) for name in ("partner", "code", "starts", "ends", "max_uses")}
    try:
        bounds = (
            instant_or_none(program, sent["starts"], "starts"),
            instant_or_none(program, sent["ends"], "ends"),
        )
        limit = whole(sent["max_uses"], "max_uses") if sent["max_uses"] else None
        wanted = Coupon(program.id, sent["partner"], sent["code"], visit.now, *bounds, limit)
        coupons.create(visit.stores, wanted, visit.now)
    except LinkledgerError as error:
        return _coupons(visit, program, sent, problems(error), status_of(error))
    return see(program, "coupons", "coupon_made")


def _links(
    visit: Visit, program: Program, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    partner = visit.query.get("partner") or None
    found, next_key = visit.stores.links.of_program(program.id, ROWS, start(visit), partner)
    rows = [(link, links.link_urls(visit.stores.settings, link)[0]) for link in found]
    return shown(
        "links",
        program,
        status,
        rows=rows,
        partner=partner,
        next=cursor(visit, next_key),
        sent=sent,
        problems=wrong,
    )


def _one(
    visit: Visit, program: Program, link: Link, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    url, qr_url = links.link_urls(visit.stores.settings, link)
    return shown(
        "link",
        program,
        status,
        link=link,
        url=url,
        qr_url=qr_url,
        history=visit.stores.links.history(link.code)[::-1],
        sent=sent,
        problems=wrong,
    )


def _coupons(
    visit: Visit, program: Program, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    found, next_key = visit.stores.catalogue.coupons_page(program.id, ROWS, start(visit))
    return shown(
        "coupons", program, status, rows=found, next=cursor(visit, next_key), sent=sent, problems=wrong
    )


def _link(visit: Visit, program: Program) -> Link:
    link = links.get(visit.stores, visit.path["link"])
    if link.program != program.id:
        raise links.link_unknown()
    return link


def _as_sent(program: Program, link: Link) -> dict[str, str]:
    return {
        "destination": link.destination or "",
        "campaign": link.campaign or "",
        "utm": lines_of(link.utm),
        "sub": lines_of(link.sub),
        "tags": " ".join(link.tags),
        "expires": local_day(link.expires_at, program.timezone).isoformat() if link.expires_at else "",
    }
