"""Signing in, to the portal by a link, to the console by a key; and out of everywhere."""

from chalice import Blueprint

from chalicelib.domain.errors import Invalid, RateLimited, Unauthenticated
from chalicelib.domain.session import Area
from chalicelib.portal.addresses import inside
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import sessions, sign_in_links

bp = Blueprint(__name__)


@bp.route("/portal/sign-in", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL, is_open=True)
def portal_sign_in(visit: Visit) -> Shown | See:
    """Ask for an e-mail address, unless somebody is signed in."""
    wanted = inside(visit.query.get("next", ""), Area.PORTAL)
    if visit.session is not None:
        return See(wanted)
    return Shown("portal/sign-in.html", {"next": wanted, "email": "", "problems": {}})


@bp.route("/portal/sign-in", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL, is_open=True)
def portal_ask_for_a_link(visit: Visit) -> Shown:
    """Have a link sent, and say the same whether or not the address is a partner's."""
    wanted, email = inside(visit.form.get("next"), Area.PORTAL), visit.form.get("email")
    try:
        sign_in_links.request(visit.stores, email, wanted, visit.source, visit.now)
    except (Invalid, RateLimited) as error:
        values = {"next": wanted, "email": email, "problems": problems(error)}
        return Shown("portal/sign-in.html", values, status_of(error))
    return Shown("portal/link-sent.html", {"email": email, "minutes": sign_in_links.LIFE.seconds // 60})


@bp.route("/portal/enter", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL, is_open=True)
def portal_open_link(visit: Visit) -> Shown:
    """Ask for the press of a button: mail programs open links, too, and a link works once."""
    token = visit.query.get("token", "")
    link = sign_in_links.read(visit.stores, token, visit.now)
    return Shown("portal/enter.html", {"token": token, "partner": link.partner})


@bp.route("/portal/enter", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL, is_open=True)
def portal_enter(visit: Visit) -> See:
    """Begin a session with a link. One that was there before ends."""
    _, token, path = sign_in_links.enter(visit.stores, visit.form.get("token"), visit.now)
    if visit.session is not None:
        visit.end_session()
    return See(inside(path, Area.PORTAL), token=token)


@bp.route("/console/sign-in", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE, is_open=True)
def console_sign_in(visit: Visit) -> Shown | See:
    """Ask for a key, unless somebody is signed in."""
    wanted = inside(visit.query.get("next", ""), Area.CONSOLE)
    if visit.session is not None:
        return See(wanted)
    return Shown("console/sign-in.html", {"next": wanted, "problems": {}})


@bp.route("/console/sign-in", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE, is_open=True)
def console_key(visit: Visit) -> Shown | See:
    """Begin a session with a key."""
    wanted = inside(visit.form.get("next"), Area.CONSOLE)
    try:
        _, token = sessions.begin_by_key(visit.stores, visit.form.get("key"), visit.source, visit.now)
    except (Unauthenticated, RateLimited) as error:
        values = {"next": wanted, "problems": problems(error)}
        return Shown("console/sign-in.html", values, status_of(error))
    return See(wanted, token=token)


def _sign_out(visit: Visit) -> See:
    everywhere = visit.form.has("everywhere")
    if visit.session is not None:
        (visit.end_all_sessions if everywhere else visit.end_session)()
    done = "signed_out_everywhere" if everywhere else "signed_out"
    return See(f"/{visit.area}/sign-in", done=done, token="")


@bp.route("/portal/sign-out", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL, is_open=True)
def portal_sign_out(visit: Visit) -> See:
    """End the session, or with `everywhere` all sessions of this partner."""
    return _sign_out(visit)


@bp.route("/console/sign-out", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE, is_open=True)
def console_sign_out(visit: Visit) -> See:
    """End the session, or with `everywhere` all sessions that this key began."""
    return _sign_out(visit)
