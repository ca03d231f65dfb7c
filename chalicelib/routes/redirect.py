"""`GET /{code}` and `HEAD`: follow a link; `GET /{code}+`: look where it goes."""

from typing import Any

from chalice import Blueprint, Response

from chalicelib import bootstrap, observe
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.screening import Hit
from chalicelib.routes import notices
from chalicelib.services import bot_lists, redirect
from chalicelib.services.redirect import Answer, Outcome

bp = Blueprint(__name__)

_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


@bp.route("/{code}", methods=["GET", "HEAD"], content_types=["*/*"])
def follow(code: str) -> Response:
    """Send the visitor on, and keep the hit."""
    request = bp.current_request
    try:
        if code.endswith(("+", "%2B", "%2b")):
            return _preview(code.removesuffix("+").removesuffix("%2B").removesuffix("%2b"))
        hit = Hit(request.method, request.headers, bootstrap.now(), bot_lists.current())
        answer = redirect.follow(bootstrap.stores(), code, _query(request), hit)
        return _response(answer, request.method)
    except Unavailable:
        observe.count("redirect_unavailable")
        return _page(notices.UNAVAILABLE, 503, {"Retry-After": "1"})
    except Exception:
        observe.error("redirect_failed")
        observe.count("redirect_failed")
        return _page(notices.UNAVAILABLE, 503, {"Retry-After": "1"})
    finally:
        observe.flush()


def _response(answer: Answer, method: str) -> Response:
    if answer.location is not None:
        headers: dict[str, Any] = {**_HEADERS, "Location": answer.location}
        if answer.cookie is not None:
            headers["Set-Cookie"] = answer.cookie
        return Response(b"", headers, 302)
    if answer.outcome is Outcome.LATER:
        observe.count("prefetch_put_off")
        return Response(b"", {**_HEADERS, "Content-Type": "text/plain"}, 503)
    page = notices.RESTING if answer.outcome is Outcome.RESTING else notices.UNKNOWN
    return _page(b"" if method == "HEAD" else page, 404)


def _preview(code: str) -> Response:
    location = redirect.preview(bootstrap.stores(), code, bootstrap.now())
    if location is None:
        return _page(notices.UNKNOWN, 404)
    return _page(notices.preview(location), 200)


def _page(page: bytes, status: int, extra: dict[str, str] | None = None) -> Response:
    headers: dict[str, Any] = {
        **_HEADERS,
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        **(extra or {}),
    }
    return Response(page, headers, status)


def _query(request: Any) -> dict[str, list[str]]:
    given = request.query_params
    return {name: given.getlist(name) for name in given} if given else {}
