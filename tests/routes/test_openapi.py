"""The document says what the routes do."""

from typing import Any

import pytest

from app import app
from tests.routes.api import Api


@pytest.fixture
def document(api: Api) -> Any:
    answer = api.get("/v1/openapi.json", key="")
    assert answer.status == 200
    return answer.json


def test_it_describes_every_json_route(document: Any) -> None:
    routed = {
        (path, method.lower())
        for path, methods in app.routes.items()
        for method in methods
        if path.startswith("/v1/") and path != "/v1/docs" and method != "OPTIONS"
    }
    described = {(path, method) for path, operations in document["paths"].items() for method in operations}
    assert described == routed
    assert document["openapi"] == "3.1.0"


def test_every_operation_has_a_name_of_its_own_and_a_summary(document: Any) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for operation in operations)


def test_every_reference_leads_somewhere(document: Any) -> None:
    def references(value: Any) -> Any:
        if isinstance(value, dict):
            yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    found = set(references(document))
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found
    assert found <= schemas


def test_bodies_answers_and_keys_are_those_of_the_routes(document: Any) -> None:
    operation = document["paths"]["/v1/programs/{program}/terms"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    schema = document["components"]["schemas"][body]
    assert schema["required"] == ["commissions"]
    assert schema["additionalProperties"] is False
    assert operation["security"] == [{"key": []}]
    assert {"200", "201", "401", "403", "404", "409", "415", "422", "503"} <= set(operation["responses"])
    assert document["paths"]["/v1/conversions"]["post"]["security"] == [{"key": []}, {"signature": []}]
    assert document["paths"]["/v1/openapi.json"]["get"]["security"] == []
    assert [p["name"] for p in document["paths"]["/v1/coupons"]["get"]["parameters"]] == [
        "program",
        "limit",
        "cursor",
    ]


def test_what_answers_without_a_body_is_described_so(document: Any) -> None:
    deletions = [operations["delete"] for operations in document["paths"].values() if "delete" in operations]
    assert deletions
    for operation in deletions:
        assert "200" not in operation["responses"]
        assert "content" not in operation["responses"]["204"]


def test_a_csv_is_described_as_text(document: Any) -> None:
    content = document["paths"]["/v1/reconciliations"]["post"]["requestBody"]["content"]
    assert content["text/csv"]["schema"] == {"type": "string"}
    assert "$ref" in content["application/json"]["schema"]
    beacon = document["paths"]["/v1/collect"]["post"]["requestBody"]["content"]
    assert beacon["text/plain"] == beacon["application/json"]
