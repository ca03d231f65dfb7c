"""Whatever the served OpenAPI document allows, and what it doesn't, never gets a 5xx.

Schemathesis makes the requests from the document: values that fit it, and values that break it in one place.
Names of things that there are stand in for half of the made-up ones, so that requests get past the first
question.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.routes.api import TERMS, Api

EXAMPLES = 4
"""Requests to each operation, for each of the two kinds."""


@dataclass(frozen=True)
class Request:
    """A request that the document led to."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body[:300]!r} {self.headers}"


@pytest.fixture
def things(api: Api) -> dict[str, str]:
    """A program with all that it may have; what each of it is called."""
    api.program()
    api.partner()
    api.post("/v1/programs/acme/terms", TERMS)
    code = api.enroll().json["link"]["code"]
    api.post("/v1/coupons", {"program": "acme", "partner": "anna", "code": "ANNA10"})
    sale = {"program": "acme", "event": "sale", "order_id": "1", "amount": 100, "currency": "EUR"}
    sold = api.post("/v1/conversions", {**sale, "coupon": "ANNA10", "customer_id": "jane"}).json["id"]
    return {
        "program": "acme",
        "partner": "anna",
        "code": code,
        "conversion": sold,
        "coupon": "ANNA10",
        "month": "2026-10",
        "source": "shopify",
        "key": "key_x",
    }


def request_of(case: Any, things: dict[str, str], real: bool) -> Request:
    """The case as a request; `real` puts names of things that there are in the place of made-up ones."""
    path = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        text = things.get(name, str(value)) if real else str(value)
        path = path.replace("{" + name + "}", quote(text, safe="") or "-")
    query = dict(case.query or {})
    body = case.body
    if real:
        query = {name: things.get(name, value) for name, value in query.items()}
        if isinstance(body, dict):
            body = {name: things.get(name, value) for name, value in body.items()}
    raw = b"" if type(body).__name__ == "NotSet" else json.dumps(body, default=str).encode()
    if isinstance(body, str) and case.media_type == "text/csv":
        raw = body.encode("utf-8", "surrogatepass")
    headers = {"content-type": case.media_type} if case.media_type else {}
    target = path + (f"?{urlencode(query, doseq=True, errors='replace')}" if query else "")
    return Request(case.method, target, raw, headers)


def test_no_request_that_the_document_leads_to_gets_a_5xx(api: Api, things: dict[str, str]) -> None:
    document = api.get("/v1/openapi.json", key="").json
    schema = schemathesis.openapi.from_dict(document)
    failed: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @hypothesis.settings(
                max_examples=EXAMPLES,
                derandomize=True,
                deadline=None,
                database=None,
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            @hypothesis.given(operation.as_strategy(generation_mode=mode), st.booleans())
            def ask(case: Any, real: bool) -> None:
                request = request_of(case, things, real)
                answer = api.send(request.method, request.path, request.body, request.headers)
                if answer.status >= 500:
                    failed.append(f"{answer.status} {answer.raw[:200]!r} for {request}")

            try:
                ask()
            except hypothesis.errors.Unsatisfiable:
                continue
    assert failed == []
