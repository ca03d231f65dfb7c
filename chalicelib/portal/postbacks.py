"""The partner's own postbacks: addresses of its systems that are called when a sale of its changes."""

from chalice import Blueprint

from chalicelib.domain.errors import LinkledgerError, NotFound
from chalicelib.domain.outbound import FOR_PARTNERS, MACROS, MAX_OF_PARTNER, EventType, Webhook
from chalicelib.domain.session import Area
from chalicelib.portal.enrolled import program_of, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import webhooks

bp = Blueprint(__name__)

NEWEST = 10
"""Calls of each postback that the page shows."""


@bp.route("/portal/programs/{program}/postbacks", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def list_postbacks(visit: Visit) -> Shown:
    """The postbacks with their newest calls, and the form for another one."""
    return _shown(visit, "", {}, 200)


@bp.route("/portal/programs/{program}/postbacks", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL)
def change_postbacks(visit: Visit) -> Shown | See:
    """Add a postback; or try one out, remove it, or repeat one of its calls."""
    program, form, url = program_of(visit), visit.form, visit.form.get("url")
    here = f"/portal/programs/{program.id}/postbacks"
    try:
        if form.has("remove"):
            visit.stores.webhooks.remove(_own(visit, form.get("remove")))
            return See(here, done="postback_removed")
        if form.has("test"):
            webhooks.try_out(visit.stores, _own(visit, form.get("test")), visit.now)
            return See(here, done="postback_tried")
        if form.has("repeat"):
            webhooks.replay(visit.stores, _own(visit, form.get("webhook")), form.get("repeat"), visit.now)
            return See(here, done="postback_repeated")
        events = [EventType(name) for name in form.all("events") if name in set(FOR_PARTNERS)]
        webhooks.create(visit.stores, visit.caller, program.id, url, events or None, None, visit.now)
    except LinkledgerError as error:
        return _shown(visit, url, problems(error), status_of(error))
    return See(here, done="postback_added")


def _own(visit: Visit, webhook_id: str) -> Webhook:
    """The partner's own postback of the program in the address."""
    found = webhooks.find(visit.stores, visit.caller, webhook_id)
    if found.program != visit.path["program"]:
        raise NotFound("webhook_unknown", "there is no such postback")
    return found


def _shown(visit: Visit, url: str, wrong: dict[str, str], status: int) -> Shown:
    program = program_of(visit)
    own = webhooks.of_program(visit.stores, visit.caller, program.id)
    values = {
        "postbacks": [(one, visit.stores.outbox.page(one.id, NEWEST, None, visit.now)[0]) for one in own],
        "url": url,
        "problems": wrong,
        "events": sorted(str(event) for event in FOR_PARTNERS),
        "macros": MACROS,
        "most": MAX_OF_PARTNER,
    }
    return shown(program, "postbacks.html", values, status)
