"""The decorator under which every page lives: who is it, is it our own form, what to show.

    bp = Blueprint(__name__)

    @bp.route("/portal/links", methods=["GET"], content_types=["*/*"])
    @page(Area.PORTAL)
    def links(visit: Visit) -> Shown:
        return Shown("portal/links.html", {"links": ...})

A view returns `Shown`, `See` (after a form: another page, by 303) or `File`. What it raises becomes a page
that says so. docs/decisions/0030-pages.md tells why it is as it is.
"""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from chalice import Response

from chalicelib import bootstrap, observe
from chalicelib.domain.audit import Actor
from chalicelib.domain.credentials import Caller
from chalicelib.domain.errors import Forbidden, Invalid, LinkledgerError, NotFound, RateLimited
from chalicelib.domain.session import Area, Session
from chalicelib.portal import cookies, forms, locales, messages
from chalicelib.portal.forms import Form
from chalicelib.portal.locales import Locale
from chalicelib.portal.rendering import render
from chalicelib.routes.replies import source_ip_of, status_of
from chalicelib.services import addresses, own_addresses, sessions
from chalicelib.storage.stores import Stores
from chalicelib.storage.trail import acting

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a page. `session` is None where nobody is signed in, which only open pages allow."""

    stores: Stores
    now: datetime
    area: Area
    session: Session | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    locale: Locale
    method: str
    address: str
    headers: Mapping[str, str]
    source_ip: str

    @property
    def caller(self) -> Caller:
        """Who is signed in, as the API would know it: services judge by this what may be seen."""
        return self._signed_in.caller

    @property
    def partner(self) -> str:
        """The id of the partner that is signed in to the portal."""
        return self.caller.partner or ""

    @property
    def source(self) -> str:
        """Where the request comes from, as a digest, for counting tries."""
        return addresses.source_of(self.stores, self.headers, self.source_ip, self.now)

    @property
    def _signed_in(self) -> Session:
        if self.session is None:
            raise ValueError("an open page asks who is signed in")
        return self.session

    def end_session(self) -> None:
        """Sign out here."""
        sessions.end(self.stores, self._signed_in)

    def end_all_sessions(self) -> None:
        """Sign out everywhere."""
        sessions.end_all(self.stores, self._signed_in)


@dataclass(frozen=True, slots=True)
class Shown:
    """A template and its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class See:
    """Go on to another page, a path with a slash; `done` names what `messages.DONE` says there.

    `token` is that of a session that begins with this answer; an empty one ends it.
    """

    path: str
    done: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file to download under this name."""

    body: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Data:
    """JSON for a script of the page that asks for it."""

    value: Any


Answer = Shown | See | File | Data


def page(
    area: Area, *, is_open: bool = False
) -> Callable[[Callable[[Visit], Answer]], Callable[..., Response]]:
    """Make a page of a function from `Visit` to its answer.

    Args:
        area: whose session opens it; whoever has none is led to sign in, and from there back.
        is_open: whether it is there for those who are not signed in, too.
    """

    def decorate(view: Callable[[Visit], Answer]) -> Callable[..., Response]:
        @functools.wraps(view)
        def answer(**path: str) -> Response:
            return _answer(area, is_open, view, view.__globals__["bp"].current_request, path)

        return answer

    return decorate


def _answer(
    area: Area, is_open: bool, view: Callable[[Visit], Answer], request: Any, path: Mapping[str, str]
) -> Response:
    locale = locales.preferred(request.headers.get("accept-language", ""))
    try:
        try:
            visit = _visit(area, request, path, locale)
            if visit.session is None and not is_open:
                return _lead_to_sign_in(visit)
            if visit.session is not None and visit.caller.partner:
                partner = visit.caller.partner
                own_addresses.note_partner(visit.stores, partner, visit.headers, visit.source_ip, visit.now)
            with acting(Actor(visit.caller.name if visit.session else "anonymous", visit.now)):
                answer = view(visit)
            response = _response(visit, answer)
            observe.count("page_shown")
            return response
        except LinkledgerError as error:
            observe.count("page_refused" if status_of(error) < 500 else "page_failed")
            return _refusal(area, error, locale)
        except Exception:
            observe.error("page_failed", view=view.__name__)
            observe.count("page_failed")
            return _html("error.html", {"area": area, "error": None}, locale, 500)
    finally:
        observe.flush()


def _visit(area: Area, request: Any, path: Mapping[str, str], locale: Locale) -> Visit:
    stores, now = bootstrap.stores(), bootstrap.now()
    headers = request.headers
    form = Form()
    if request.method != "GET":
        _check_origin(stores, headers)
        form = forms.read(headers.get("content-type", ""), request.raw_body)
    token = cookies.read(headers.get("cookie", ""), area)
    return Visit(
        stores=stores,
        now=now,
        area=area,
        session=sessions.find(stores, area, token, now) if token else None,
        path=dict(path),
        query=_query(request),
        form=form,
        locale=locale,
        method=request.method,
        address=str(request.context.get("resourcePath", "")).format(**path),
        headers=headers,
        source_ip=source_ip_of(request),
    )


def _check_origin(stores: Stores, headers: Mapping[str, str]) -> None:
    """Let a form on that comes from a page of ours.

    Every browser of today says so in `Sec-Fetch-Site`, older ones in `Origin`; what sends neither is no
    browser, and has no cookies that others could misuse (after Go's net/http CrossOriginProtection, and
    F. Valsorda, https://words.filippo.io/csrf). The cookie itself is SameSite=Lax.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        fine = site in {"same-origin", "none"}
    else:
        fine = origin is None or origin == stores.settings.base_url
    if not fine:
        raise Forbidden(
            "form_foreign", "this form came from another site; open our page and send it from there"
        )


def _query(request: Any) -> dict[str, str]:
    """The query's first values; pages ignore what they do not know."""
    found: dict[str, str] = {}
    given: Any = request.query_params
    for name in given or ():
        value = str(given.getlist(name)[0])
        if len(value) > 4096 or "\x00" in value or not value.isprintable():
            raise Invalid("query_invalid", "the address holds what it should not", None)
        found[name] = value
    return found


def _lead_to_sign_in(visit: Visit) -> Response:
    wanted = visit.address if visit.method == "GET" else f"/{visit.area}"
    if visit.method == "GET" and visit.query:
        wanted += f"?{urlencode(visit.query)}"
    return _seen(visit.area, f"/{visit.area}/sign-in?{urlencode({'next': wanted})}", None)


def _response(visit: Visit, answer: Answer) -> Response:
    if isinstance(answer, See):
        path = answer.path
        if answer.done is not None:
            path += ("&" if "?" in path else "?") + urlencode({"done": answer.done})
        return _seen(visit.area, path, answer.token)
    if isinstance(answer, Data):
        body = json.dumps(answer.value).encode()
        return Response(body, dict[str, Any](_HEADERS) | {"Content-Type": "application/json"}, 200)
    if isinstance(answer, File):
        headers = {
            **_HEADERS,
            "Content-Type": answer.media_type,
            "Content-Disposition": f'attachment; filename="{answer.name}"',
        }
        return Response(answer.body, dict[str, Any](headers), 200)
    values = {
        "area": visit.area,
        "session": visit.session,
        "address": visit.address,
        "query": visit.query,
        "now": visit.now,
        "done": messages.DONE.get(visit.query.get("done", "")),
        "base_url": visit.stores.settings.base_url,
        **answer.values,
    }
    response = _html(answer.template, values, visit.locale, answer.status)
    if visit.session is not None and visit.session.is_due(visit.now):
        session, token = sessions.renew(visit.stores, visit.session, visit.now)
        response.headers["Set-Cookie"] = cookies.write(visit.area, token, session.expires_at - visit.now)
    return response


def _seen(area: Area, path: str, token: str | None) -> Response:
    headers: dict[str, Any] = {**_HEADERS, "Location": path}
    if token is not None:
        headers["Set-Cookie"] = cookies.write(area, token, None)
    return Response(b"", headers, 303)


def _refusal(area: Area, error: LinkledgerError, locale: Locale) -> Response:
    if isinstance(error, NotFound):
        error = NotFound(error.code, "There is nothing here, or nothing that is yours to see.")
    response = _html("error.html", {"area": area, "error": error}, locale, status_of(error))
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _html(template: str, values: Mapping[str, Any], locale: Locale, status: int) -> Response:
    headers = dict[str, Any](_HEADERS) | {"Content-Type": "text/html; charset=utf-8"}
    return Response(render(template, locale, values), headers, status)
