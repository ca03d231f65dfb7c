"""What API Gateway does between HTTP and the function: find the route, make the event, read the answer.

Follows the Lambda proxy integration of a REST API with `*/*` as binary type: bodies travel in base64, headers
and query come singly (the last value) and as lists, path parameters stay as they were sent.
"""

import base64
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

Headers = Sequence[tuple[str, str]]

ANSWER_LIMIT_BYTES = 6 * 1024 * 1024
"""What a function may answer, in base64 where it is binary (Lambda's own limit)."""


class BadAnswer(Exception):
    """The function answered something that API Gateway would turn into a 502."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, its body complete; `target` is the path and query as sent."""

    method: str
    target: str
    headers: Headers
    body: bytes
    source_ip: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Match:
    """The resource that a path leads to, and its parameters as sent."""

    resource: str
    parameters: Mapping[str, str]


class Resources:
    """The paths of an API; at each level a literal part goes before a variable one, and is final."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._root: dict[str, Any] = {}
        for path in paths:
            level = self._root
            for part in _parts(path):
                level = level.setdefault(part, {})
            level[""] = path

    def match(self, path: str) -> Match | None:
        """The resource of this path (one slash at its end is ignored), or None."""
        if not path.startswith("/"):
            return None
        parts = _parts(path[:-1] if path.endswith("/") and path.strip("/") else path)
        found: dict[str, str] = {}
        resource = _descend(self._root, parts, found)
        return Match(resource, found) if resource is not None else None


def _parts(path: str) -> list[str]:
    return path.split("/")[1:] if path != "/" else []


def _descend(level: Mapping[str, Any], parts: Sequence[str], found: dict[str, str]) -> str | None:
    if not parts:
        resource = level.get("")
        return resource if isinstance(resource, str) else None
    first, rest = parts[0], parts[1:]
    if not first:
        return None
    if first in level and not first.startswith("{"):
        return _descend(level[first], rest, found)
    for name, below in level.items():
        if name.startswith("{"):
            resource = _descend(below, rest, found)
            if resource is not None:
                found[name[1:-1]] = first
                return resource
    return None


def split_target(target: str) -> tuple[str, str]:
    """Path and query of a request target in origin or absolute form."""
    if not target.startswith("/") and "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    return path, query


def event_of(request: Request, match: Match) -> dict[str, Any]:
    """The event that the function gets for this request."""
    path, query = split_target(request.target)
    headers = _with_forwarding(request)
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    return {
        "resource": match.resource,
        "path": unquote(path, errors="replace"),
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _gathered(headers),
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": _gathered(pairs) or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
        "requestContext": _context(request, match, path),
        "body": base64.b64encode(request.body).decode() if request.body else None,
        "isBase64Encoded": bool(request.body),
    }


def _with_forwarding(request: Request) -> Headers:
    """The headers, with those that API Gateway sets itself."""
    own = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"}
    before = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    host = next((value for name, value in request.headers if name.lower() == "host"), "")
    kept = [(name, value) for name, value in request.headers if name.lower() not in own]
    return [
        *kept,
        ("X-Forwarded-For", ", ".join([*before, request.source_ip])),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", host.rpartition(":")[2] if ":" in host else "80"),
    ]


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    return gathered


def _context(request: Request, match: Match, path: str) -> dict[str, Any]:
    now = time.time()
    agent = next((value for name, value in request.headers if name.lower() == "user-agent"), None)
    return {
        "accountId": "000000000000",
        "apiId": "local",
        "stage": "api",
        "protocol": "HTTP/1.1",
        "resourcePath": match.resource,
        "path": path,
        "httpMethod": request.method,
        "requestId": str(uuid.uuid4()),
        "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now * 1000),
        "identity": {"sourceIp": request.source_ip, "userAgent": agent},
    }


def answer_of(result: Mapping[str, Any]) -> Answer:
    """The answer that the function's result stands for.

    Raises:
        BadAnswer: no status, a header with a line break, bytes without base64, or too much.
    """
    try:
        status = int(result["statusCode"])
        text = result.get("body") or ""
        if len(text) > ANSWER_LIMIT_BYTES:
            raise BadAnswer("the answer is larger than a function may give")
        body = base64.b64decode(text, validate=True) if result.get("isBase64Encoded") else text.encode()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer(f"not the answer of a proxy function: {error!r}") from error
    many = result.get("multiValueHeaders") or {}
    headers = [(name, str(value)) for name, values in many.items() for value in values]
    listed = {name.lower() for name in many}
    for name, value in (result.get("headers") or {}).items():
        if name.lower() not in listed:
            headers.append((name, str(value)))
    if any(character in name + value for name, value in headers for character in "\r\n\0"):
        raise BadAnswer("a header holds a line break")
    return Answer(status, headers, body)
