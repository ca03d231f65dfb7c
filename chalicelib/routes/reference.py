"""`/v1/docs` and `/v1/collection.json`: the OpenAPI document to read, and to import into Postman."""

import base64
import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalice import Blueprint, Response

from chalicelib import bootstrap
from chalicelib.routes.endpoint import Call, Reply, endpoint
from chalicelib.routes.openapi import document

bp = Blueprint(__name__)

_STYLE = (
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:auto;"
    "padding:1rem}code,pre{font:.875rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}"
    "pre{white-space:pre-wrap}section{border-top:1px solid #8888;padding:.5rem 0}th{text-align:left}"
    "td,th{padding:.1rem 1rem .1rem 0;vertical-align:top}h2{font-size:1.1rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=300",
}

Json = Mapping[str, Any]


@bp.route("/v1/docs", methods=["GET"], content_types=["*/*"])
def docs() -> Response:
    """The reference, as one page without scripts and without anything from elsewhere."""
    page = _page(document(bp.current_app.routes, bootstrap.stores().settings.base_url))
    return Response(page.encode(), dict(_HEADERS), 200)


@bp.route("/v1/collection.json", methods=["GET"], content_types=["*/*"])
@endpoint(returns=dict[str, Any])
def collection(call: Call[None]) -> Reply[dict[str, Any]]:
    """Get every request as a collection for Postman, Insomnia or Bruno (v2.1.0)."""
    told = document(bp.current_app.routes, call.stores.settings.base_url)
    return Reply(_collection(told), headers={"Access-Control-Allow-Origin": "*"})


def _operations(told: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _page(told: Json) -> str:
    base = told["servers"][0]["url"]
    listed = "".join(
        f'<li><a href="#{o["operationId"]}"><code>{method} {html.escape(path)}</code></a> '
        f"{html.escape(o['summary'])}</li>"
        for path, method, o in _operations(told)
    )
    sections = "".join(_section(told, base, *operation) for operation in _operations(told))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Linkledger API {told['info']['version']}</title><style>{_STYLE}</style></head><body>"
        f"<h1>Linkledger API {told['info']['version']}</h1>"
        f"<p>At <code>{html.escape(base)}</code>, with <code>Authorization: Bearer</code> and a key. The "
        'same as <a href="/v1/openapi.json">OpenAPI</a>, <a href="/v1/collection.json">collection</a>.</p>'
        f"<nav><ul>{listed}</ul></nav><main>{sections}</main></body></html>"
    )


def _section(told: Json, base: str, path: str, method: str, operation: Json) -> str:
    schema = _body(told, operation)
    required = set(schema.get("required", ()))
    rows = [(p["name"], p["in"], p["required"], _kind(p["schema"])) for p in operation["parameters"]] + [
        (name, "body", name in required, _kind(kind)) for name, kind in schema.get("properties", {}).items()
    ]
    cells = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{place}</td>"
        f"<td>{'required' if needed else ''}</td><td>{html.escape(kind)}</td></tr>"
        for name, place, needed, kind in rows
    )
    table = f"<table><tr><th>name</th><th>in</th><th></th><th>type</th></tr>{cells}</table>" if rows else ""
    scopes = ", ".join(operation.get("x-scopes", ())) or "nobody's: no key is needed"
    answers = ", ".join(operation["responses"])
    return (
        f'<section id="{operation["operationId"]}"><h2><code>{method} {html.escape(path)}</code></h2>'
        f"<p>{html.escape(operation['summary'])}</p><p>Keys: {scopes}. Answers: {answers}.</p>{table}"
        f"<pre>{html.escape(_curl(told, base, path, method, operation))}</pre></section>"
    )


def _body(told: Json, operation: Json) -> Json:
    """The schema of the JSON body, or an empty one."""
    content = operation.get("requestBody", {}).get("content", {})
    found: Json = content.get("application/json", {}).get("schema", {})
    return _followed(told, found)


def _followed(told: Json, schema: Json) -> Json:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    found: Json = told["components"]["schemas"][name] if name else schema
    return found


def _kind(schema: Json) -> str:
    """The type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _sample(told: Json, operation: Json) -> dict[str, Any]:
    """A body with what is required, each in the shape of its type."""
    schema = _body(told, operation)
    empty: dict[str, Any] = {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
    properties = schema.get("properties", {})
    return {
        name: empty.get(_followed(told, properties[name]).get("type", "string"), "...")
        for name in schema.get("required", ())
    }


def _curl(told: Json, base: str, path: str, method: str, operation: Json) -> str:
    parts = ["curl" + (f" -X {method}" if method != "GET" else ""), f"'{base}{path}'"]
    if operation["security"]:
        parts.append('-H "Authorization: Bearer $KEY"')
    if "requestBody" in operation:
        parts += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(_sample(told, operation))}'"]
    return " ".join(parts)


def _collection(told: Json) -> dict[str, Any]:
    """Postman's collection format 2.1.0 (schema.getpostman.com); key and address are variables of it."""
    return {
        "info": {
            "name": f"Linkledger {told['info']['version']}",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{key}}", "type": "string"}]},
        "variable": [{"key": "base", "value": told["servers"][0]["url"]}, {"key": "key", "value": ""}],
        "item": [_request(told, path, method, operation) for path, method, operation in _operations(told)],
    }


def _request(told: Json, path: str, method: str, operation: Json) -> dict[str, Any]:
    parts = [part.replace("{", ":").replace("}", "") for part in path.strip("/").split("/")]
    query = [
        {"key": p["name"], "value": "", "disabled": True}
        for p in operation["parameters"]
        if p["in"] == "query"
    ]
    url: dict[str, Any] = {"raw": "{{base}}/" + "/".join(parts), "host": ["{{base}}"], "path": parts}
    variables = [{"key": p["name"], "value": ""} for p in operation["parameters"] if p["in"] == "path"]
    request: dict[str, Any] = {
        "method": method,
        "url": url | ({"query": query} if query else {}) | ({"variable": variables} if variables else {}),
        "header": [],
    }
    if "requestBody" in operation:
        request["header"] = [{"key": "Content-Type", "value": "application/json"}]
        request["body"] = {"mode": "raw", "raw": json.dumps(_sample(told, operation), indent=2)}
    if not operation["security"]:
        request["auth"] = {"type": "noauth"}
    return {"name": operation["summary"], "request": request}
