"""`/console/{program}/partners`: who takes part; invite somebody, look at one, pause one."""

import secrets
from typing import Any

from chalice import Blueprint

from chalicelib.domain import ids
from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import LinkledgerError, NotFound
from chalicelib.domain.link import Link, LinkState
from chalicelib.domain.partner import Enrollment, Partner
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import last_days, program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import keys, links, partners, stats

bp = Blueprint(__name__)

MOST_LINKS = 200
"""Links of one partner that its page shows."""


@bp.route("/console/{program}/partners", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_partners(visit: Visit) -> Shown:
    """Everybody who is enrolled, and a form to invite somebody."""
    return _list(visit, program_of(visit), {}, {})


@bp.route("/console/{program}/partners", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def invite(visit: Visit) -> Shown | See:
    """Make a partner, or take one who is there, and enrol it: its link is made with it."""
    program, form = program_of(visit), visit.form
    sent = {name: form.get(name) for name in ("id", "name", "email")}
    owner = None if visit.caller.is_admin else program.id
    partner_id = sent["id"] or ids.from_bytes("ptn", secrets.token_bytes(10))
    try:
        if sent["id"] and not (sent["name"] or sent["email"]):
            partner = visit.stores.catalogue.partner(partner_id)
        else:
            wanted = Partner(partner_id, sent["name"], sent["email"], visit.now, owner)
            partner, _ = partners.create(visit.stores, wanted)
        if not visit.caller.is_admin:
            partners.check_visible(visit.stores, partner, program.id)
        partners.enroll(visit.stores, program.id, partner.id, visit.now)
    except LinkledgerError as error:
        return _list(visit, program, sent, problems(error), status_of(error))
    return see(program, f"partners/{partner.id}", "partner_enrolled")


@bp.route("/console/{program}/partners/{partner}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_partner(visit: Visit) -> Shown:
    """One partner: its figures, its links, and what can be done."""
    return _one(visit, program_of(visit), {})


@bp.route("/console/{program}/partners/{partner}", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def change_partner(visit: Visit) -> Shown | See:
    """Pause all its links or wake them; make a key for its own tools."""
    program = program_of(visit)
    partner = _enrolled(visit, program)
    wanted = visit.form.get("do")
    if wanted == "key":
        scopes = frozenset({Scope.PARTNER})
        _, text = keys.create(visit.stores, scopes, None, partner.id, visit.now)
        return _one(visit, program, {"new_key": text})
    if wanted not in {"pause", "resume"}:
        raise NotFound("action_unknown", "there is no such action")
    now_in, then_in = LinkState.ACTIVE, LinkState.PAUSED
    if wanted == "resume":
        now_in, then_in = then_in, now_in
    for link in _links(visit, program, partner.id):
        if link.state is now_in:
            links.change(visit.stores, program, link, links.Wanted(state=then_in), visit.now)
    return see(program, f"partners/{partner.id}", f"partner_{wanted}d")


def _list(
    visit: Visit, program: Program, sent: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Shown:
    wanted = visit.query.get("find", "").strip()
    found, next_key = _found(visit, program, wanted)
    days = last_days(program, visit.now, 30)
    counted = stats.report(visit.stores, program.id, since=days[0], until=days[-1], by="partner").rows
    rows = [
        (visit.stores.catalogue.find_partner(one.partner), one, counted.get(one.partner)) for one in found
    ]
    return shown(
        "partners",
        program,
        status,
        rows=rows,
        find=wanted,
        next=cursor(visit, next_key),
        sent=sent,
        problems=wrong,
    )


def _found(visit: Visit, program: Program, wanted: str) -> tuple[list[Enrollment], dict[str, Any] | None]:
    """Enrolments of whoever has this e-mail address, or an id that begins so."""
    catalogue = visit.stores.catalogue
    if "@" not in wanted:
        return catalogue.enrollments_page(program.id, ROWS, start(visit), wanted)
    enrolled = (catalogue.find_enrollment(program.id, one.id) for one in catalogue.partners_with(wanted))
    return [one for one in enrolled if one is not None], None


def _one(visit: Visit, program: Program, more: dict[str, Any]) -> Shown:
    partner = _enrolled(visit, program)
    days = last_days(program, visit.now, 30)
    found = stats.report(
        visit.stores, program.id, since=days[0], until=days[-1], by="link", partner=partner.id
    )
    of_partner = _links(visit, program, partner.id)
    return shown(
        "partner",
        program,
        partner=partner,
        totals=found.totals,
        links=[
            (link, links.link_urls(visit.stores.settings, link)[0], found.rows.get(link.code))
            for link in of_partner
        ],
        all_paused=bool(of_partner) and all(link.state is not LinkState.ACTIVE for link in of_partner),
        **({"new_key": None} | more),
    )


def _url(visit: Visit, link: Link) -> str:
    return links.link_urls(visit.stores.settings, link)[0]


def _links(visit: Visit, program: Program, partner: str) -> list[Link]:
    return visit.stores.links.of_program(program.id, MOST_LINKS, None, partner)[0]


def _enrolled(visit: Visit, program: Program) -> Partner:
    partner = visit.stores.catalogue.find_partner(visit.path["partner"])
    if partner is None or visit.stores.catalogue.find_enrollment(program.id, partner.id) is None:
        raise NotFound("partner_unknown", "there is no such partner in this program")
    return partner
