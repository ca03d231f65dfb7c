"""The decorator under which every JSON route lives: authenticate, parse, call the view, answer.

    bp = Blueprint(__name__)

    @bp.route("/v1/links", methods=["POST"], content_types=["*/*"])
    @endpoint(body=NewLink, returns=LinkView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
    def create_link(call: Call[NewLink]) -> LinkView | Reply[LinkView]:
        ...

A module of routes names its blueprint `bp`: the request is read from there. Errors are mapped here
because Chalice's middleware never sees what a view raises.
"""

import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from chalice import Response

from chalicelib import bootstrap, observe
from chalicelib.domain.audit import Actor
from chalicelib.domain.credentials import NOBODY, Caller, Scope
from chalicelib.domain.errors import Invalid, LinkledgerError, NotFound, Unauthenticated
from chalicelib.routes.replies import (
    Reply,
    Text,
    error_response,
    internal_error,
    json_response,
    source_ip_of,
    status_of,
    text_response,
)
from chalicelib.routes.wire import (
    Body,
    View,
    check_text,
    check_transfer,
    encode,
    printable,
    read_object,
    shape,
)
from chalicelib.services import access, limiting
from chalicelib.storage.stores import Stores
from chalicelib.storage.trail import acting

__all__ = ["Body", "Call", "Reply", "View", "endpoint"]

B = TypeVar("B")

_PATH_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call(Generic[B]):
    """One verified, parsed request. `route` is its method and path template, `query` has single values."""

    body: B
    path: Mapping[str, str]
    query: Mapping[str, str]
    caller: Caller
    stores: Stores
    now: datetime
    raw: bytes
    headers: Mapping[str, str]
    route: str

    @property
    def is_text(self) -> bool:
        """Whether the body is text of its own kind (CSV), and `body` came as query parameters."""
        return _is_text(self.headers)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a JSON route declares; the OpenAPI document is made from these."""

    name: str
    summary: str
    body: type[Any] | None
    returns: Any
    status: int
    scopes: frozenset[Scope]
    query: tuple[str, ...]
    signed: bool
    media: tuple[str, ...]
    produces: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    one_by_one: tuple[str, ...] = ()


def endpoint(
    *,
    body: type[B] | None = None,
    returns: Any = None,
    status: int = 200,
    scopes: Collection[Scope] = frozenset(),
    query: Sequence[str] = (),
    signed: bool = False,
    media: Sequence[str] = ("application/json",),
    produces: Sequence[str] = (),
    passed_over: Sequence[str] = (),
    one_by_one: Sequence[str] = (),
) -> Callable[[Callable[[Call[Any]], Any]], Callable[..., Response]]:
    """Make a view of a function from `Call` to its answer.

    Args:
        body: a `Body`; None where the route reads none (whatever is sent is ignored). A request with
            neither body nor content type reads as `{}`.
        returns: a `View`, or `Listing[...]`; None answers without a body.
        status: of the plain answer (204 without `returns`); a view returns `Reply` for another one.
        scopes: who may call; empty means that no credential is needed.
        query: the parameters that are read; others are refused, and so are repeated ones.
        signed: whether a Standard Webhooks signature by the body's `program` will do instead of a key; where
            no body is read, it is a signature of the empty one, by the query's `program`.
        media: the content types under which the JSON body may come; with `text/csv` among them the body
            may be such a text (`raw`), and the shape's fields are then the query parameters.
        produces: content types, beside JSON, in which a view may answer with `Text`.
        passed_over: fields whose objects may hold any JSON, because nothing of them is used.
        one_by_one: lists whose elements the view reads itself (`wire.read_element`), each on its own.
    """

    def decorate(view: Callable[[Call[Any]], Any]) -> Callable[..., Response]:
        summary = (view.__doc__ or "").strip().split("\n")[0]
        declared = Endpoint(
            view.__name__,
            summary,
            body,
            returns,
            204 if returns is None and status == 200 else status,
            frozenset(scopes),
            tuple(query),
            signed,
            tuple(media),
            tuple(produces),
            tuple(passed_over),
            tuple(one_by_one),
        )

        @functools.wraps(view)
        def answer(**path: str) -> Response:
            return _answer(declared, view, view.__globals__["bp"].current_request, path)

        answer.endpoint = declared  # type: ignore[attr-defined]  # read by the document
        return answer

    return decorate


def _answer(
    declared: Endpoint, view: Callable[[Call[Any]], Any], request: Any, path: Mapping[str, str]
) -> Response:
    try:
        try:
            call = _call(declared, request, path)
            with acting(Actor(call.caller.name, call.now)):
                result = view(call)
            observe.count("api_accepted")
            return _response(declared, result)
        except LinkledgerError as error:
            observe.count("api_refused" if status_of(error) < 500 else "api_failed")
            if isinstance(error, Unauthenticated):
                observe.count("signature_refused" if access.is_signed(request.headers) else "key_refused")
            return error_response(error)
        except Exception:
            observe.error("api_failed", endpoint=declared.name)
            observe.count("api_failed")
            return internal_error()
    finally:
        observe.flush()


def _call(declared: Endpoint, request: Any, path: Mapping[str, str]) -> Call[Any]:
    stores, now = bootstrap.stores(), bootstrap.now()
    headers, raw = request.headers, request.raw_body
    content: dict[str, Any] = {}
    caller = NOBODY
    try:
        if declared.signed and access.is_signed(headers):
            caller, content = _signer(declared, request, stores, now)
        elif declared.scopes:
            caller = access.verify_key(stores, headers.get("authorization"), declared.scopes, now)
    except Unauthenticated as error:
        raise limiting.refusal(stores, error, headers, source_ip_of(request), now) from None
    if caller is NOBODY:
        limiting.check_block(stores, headers, source_ip_of(request), now)
    else:
        limiting.check_caller(stores, caller)
    _check_path(path)
    if declared.body is not None and not content and (raw or "content-type" in headers):
        check_transfer(headers, raw, media=declared.media)
        content = _query(declared, request) if _is_text(headers) else _read(declared, raw)
    return Call(
        body=shape(content, declared.body) if declared.body is not None else None,
        path=dict(path),
        query=_query(declared, request),
        caller=caller,
        stores=stores,
        now=now,
        raw=raw,
        headers=headers,
        route=f"{request.method} {request.context.get('resourcePath', '')}",
    )


def _signer(declared: Endpoint, request: Any, stores: Stores, now: datetime) -> tuple[Caller, dict[str, Any]]:
    """Who signed the request, and its body."""
    headers, raw = request.headers, request.raw_body
    if declared.body is None:
        named = _query(declared, request).get("program")
        return access.verify_signature(stores, headers, raw, named, now), {}
    check_transfer(headers, raw, media=declared.media)
    content = _read(declared, raw)
    named = content.get("program") or _program_of_all(content.get("conversions"))
    return access.verify_signature(stores, headers, raw, named, now), content


def _read(declared: Endpoint, raw: bytes) -> dict[str, Any]:
    return read_object(raw, declared.passed_over, declared.one_by_one)


def _program_of_all(conversions: object) -> str | None:
    """The program that every conversion of a batch names; None where they name several, or none."""
    rows = conversions if isinstance(conversions, list) else []
    named = [row.get("program") if isinstance(row, dict) else None for row in rows]
    first = named[0] if named else None
    return first if isinstance(first, str) and all(program == first for program in named) else None


def _is_text(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "text/csv"


def _check_path(path: Mapping[str, str]) -> None:
    for value in path.values():
        if not _PATH_VALUE.fullmatch(value):
            raise NotFound("not_found", "there is no such thing")


def _query(declared: Endpoint, request: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    given: Any = request.query_params
    for name in given or ():
        values = given.getlist(name)
        if name not in declared.query:
            raise Invalid("query_unknown", "there is no such query parameter", printable(name))
        if len(values) > 1:
            raise Invalid("query_repeated", "a query parameter may be given once", name)
        check_text(values[0], name)
        if len(values[0]) > 4096:
            raise Invalid("query_invalid", "a query parameter may have 4096 characters", name)
        found[name] = values[0]
    return found


def _response(declared: Endpoint, result: Any) -> Response:
    if isinstance(result, Text):
        return text_response(result)
    reply = result if isinstance(result, Reply) else Reply(result, declared.status)
    if reply.value is None:
        return json_response(b"", 204 if reply.status == 200 else reply.status, reply.headers)
    return json_response(encode(reply.value), reply.status, reply.headers)
