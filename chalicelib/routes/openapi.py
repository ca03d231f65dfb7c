"""`/v1/openapi.json`: the OpenAPI document, made from what the endpoints declare."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from chalice import Blueprint

from chalicelib import VERSION
from chalicelib.routes.endpoint import Call, Endpoint, Reply, endpoint
from chalicelib.routes.replies import STATUS

bp = Blueprint(__name__)

_PATH_PARAMETER = re.compile(r"\{(\w+)\}")
_CSV = "text/csv"
_REFERENCE = "#/components/schemas/{name}"

_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable; made for programs."},
                "message": {"type": "string", "description": "Made for people; lists every problem found."},
                "field": {"type": "string", "description": "The input to blame, or the first of them."},
            },
        }
    },
}
_SECURITY_SCHEMES: dict[str, Any] = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, `llk_...`."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks, with webhook-id and webhook-timestamp, by a secret of the "
        "program that the body names; 300 s of tolerance both ways.",
    },
}


@bp.route("/v1/openapi.json", methods=["GET"], content_types=["*/*"])
@endpoint(returns=dict[str, Any])
def openapi(call: Call[None]) -> Reply[dict[str, Any]]:
    """Get this document."""
    told = document(bp.current_app.routes, call.stores.settings.base_url)
    return Reply(told, headers={"Access-Control-Allow-Origin": "*"})


def document(routes: Mapping[str, Mapping[str, Any]], base_url: str) -> dict[str, Any]:
    """The OpenAPI document of these routes of the application."""
    return _document(_declared(routes), base_url)


def _declared(routes: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[str, str, Endpoint], ...]:
    """Path, method and declaration of every JSON route of the application (CORS preflights are none)."""
    return tuple(
        (path, method, entry.view_function.endpoint)
        for path, methods in sorted(routes.items())
        for method, entry in sorted(methods.items())
        if method != "OPTIONS" and hasattr(entry.view_function, "endpoint")
    )


@lru_cache(maxsize=4)
def _document(routes: tuple[tuple[str, str, Endpoint], ...], base_url: str) -> dict[str, Any]:
    shapes = [shape for _, _, declared in routes for shape in _shapes(declared)]
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REFERENCE)
    schema_of = dict(zip(map(repr, shapes), schemas, strict=True))
    paths: dict[str, Any] = {}
    for path, method, declared in routes:
        paths.setdefault(path, {})[method.lower()] = _operation(path, declared, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Linkledger", "version": VERSION},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": components | {"Error": _ERROR_SCHEMA},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _shapes(declared: Endpoint) -> Iterator[Any]:
    for shape in (declared.body, declared.returns):
        if shape is not None:
            yield shape


def _operation(path: str, declared: Endpoint, schema_of: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": declared.name,
        "summary": declared.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PATH_PARAMETER.findall(path)
        ]
        + [_query_parameter(name) for name in declared.query],
        "responses": _responses(declared, schema_of),
        "security": _security(declared),
    }
    if declared.body is not None:
        content = {media: {"schema": _body_schema(declared, media, schema_of)} for media in declared.media}
        operation["requestBody"] = {"required": True, "content": content}
    if declared.scopes:
        operation["x-scopes"] = sorted(declared.scopes)
    return operation


def _body_schema(declared: Endpoint, media: str, schema_of: dict[str, Any]) -> dict[str, Any]:
    """JSON has the declared shape under whatever name it comes; a CSV is text."""
    schema: dict[str, Any] = {"type": "string"} if media == _CSV else schema_of[repr(declared.body)]
    return schema


def _responses(declared: Endpoint, schema_of: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": declared.summary}
    if declared.returns is not None:
        texts = {media: {"schema": {"type": "string"}} for media in declared.produces}
        answer["content"] = {"application/json": {"schema": schema_of[repr(declared.returns)]}, **texts}
    responses = {str(declared.status): answer}
    if declared.status == 201:
        responses["200"] = answer | {"description": "It was there already, with the same content."}
    failure = {
        "description": "The request was refused.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for status in sorted(_failures(declared)):
        responses[str(status)] = failure
    return responses


def _failures(declared: Endpoint) -> set[int]:
    never = set()
    if declared.body is None:
        never |= {400, 413, 415}
    if not declared.scopes:
        never |= {401, 403}
    return set(STATUS.values()) - never


def _security(declared: Endpoint) -> list[dict[str, list[str]]]:
    if not declared.scopes:
        return []
    return [{"key": []}, {"signature": []}] if declared.signed else [{"key": []}]


def _query_parameter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name == "limit":
        schema = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    return {"name": name, "in": "query", "required": False, "schema": schema}
