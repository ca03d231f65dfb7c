"""Signing in to the console, and out of everywhere."""

from chalice import Blueprint

from chalicelib.domain.errors import RateLimited, Unauthenticated
from chalicelib.domain.session import Area
from chalicelib.portal.addresses import inside
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.services import sessions

bp = Blueprint(__name__)


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
        status = 429 if isinstance(error, RateLimited) else 401
        return Shown("console/sign-in.html", {"next": wanted, "problems": problems(error)}, status)
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
