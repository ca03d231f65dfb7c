"""Answers: how results and failures look on the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from chalice import Response

from chalicelib.domain import errors

STATUS: dict[type[errors.LinkledgerError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.Invalid: 422,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
}

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_EXTRA_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A view's result where its status or headers are not the declared ones."""

    value: T
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text:
    """A view's result that is no JSON: what a file is made of."""

    text: str
    media: str
    headers: Mapping[str, str] = field(default_factory=dict)


def text_response(result: Text) -> Response:
    """The answer whose body is this text."""
    headers: dict[str, Any] = {
        "Content-Type": f"{result.media}; charset=utf-8",
        **SECURITY_HEADERS,
        **result.headers,
    }
    return Response(body=result.text.encode(), status_code=200, headers=headers)


def json_response(body: bytes, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. The body is bytes, because every type is declared binary (`binary_types`)."""
    return Response(
        body=body,
        status_code=status,
        headers={"Content-Type": "application/json", **SECURITY_HEADERS, **(headers or {})},
    )


def error_response(error: errors.LinkledgerError) -> Response:
    """The answer for an expected failure."""
    status = status_of(error)
    headers = _EXTRA_HEADERS.get(status, {})
    headers = headers | retry_after_of(error)
    return json_response(json.dumps({"error": error_object(error)}).encode(), status, headers)


def retry_after_of(error: errors.LinkledgerError) -> dict[str, str]:
    """The header that says when to come again, where that is known."""
    return {"Retry-After": str(error.retry_after_s)} if isinstance(error, errors.RateLimited) else {}


def error_object(error: errors.LinkledgerError) -> dict[str, Any]:
    """The `error` member; `field` names the input to blame, where there is one."""
    named = {"code": error.code, "message": error.message}
    return named if error.field is None else named | {"field": error.field}


def internal_error() -> Response:
    """The answer for a failure that nobody expected; it says nothing about the cause."""
    return _failure(500, "internal", "something went wrong on our side; the same request may be retried")


def method_not_allowed(allowed: str) -> Response:
    """The answer where a path has routes, but none for this method."""
    response = _failure(405, "method_not_allowed", f"this path takes {allowed}")
    response.headers["Allow"] = allowed
    return response


def status_of(error: errors.LinkledgerError) -> int:
    """The HTTP status of the error's class."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def source_ip_of(request: Any) -> str:
    """Who called API Gateway, by its own word; empty where it says nothing."""
    return str(request.context.get("identity", {}).get("sourceIp", ""))


def _failure(status: int, code: str, message: str) -> Response:
    return json_response(json.dumps({"error": {"code": code, "message": message}}).encode(), status)
