"""The clients make calls that the API has, with fields that it knows; a running stack answers them."""

import inspect
import json
import re
import subprocess
import tomllib
import typing
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib import VERSION
from clients.python.linkledger import AdjustmentKind, ApiError, Item, Linkledger, NewLink, Order, ReturnedItem
from tests.contract.outside import NOVEMBER_10, Shop, Stack
from tests.node import node, tsc

HERE = Path(__file__).parent
CALLS, REFUSED = HERE / "calls.mjs", HERE / "refused.mts"
TYPES = (HERE.parents[1] / "clients/node/linkledger.d.ts").read_text()
SHAPES = {"Order": "NewConversion", "Item": "NewItem", "ReturnedItem": "ReturnedItem", "NewLink": "NewLink"}
"""What the clients call a body, or a part of one, and what the document does."""
EMPTY = b'{"data": [], "next_cursor": null}'


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("clients") / "data")
    running.at(NOVEMBER_10)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def told(stack: Stack) -> Any:
    return stack.http("GET", "/v1/openapi.json").expect(200).json


def python_calls() -> tuple[list[dict[str, Any]], set[str]]:
    """What every method of the Python client sends, and the methods."""
    sent = []

    def record(request: urllib.request.Request) -> tuple[int, Mapping[str, str], bytes]:
        body = json.loads(request.data) if isinstance(request.data, bytes) else None
        sent.append({"method": request.get_method(), "url": request.full_url, "body": body})
        return 200, {}, EMPTY

    ledger = Linkledger("http://x/", "k", transport=record)
    order: Order = {
        "program": "p",
        "event": "e",
        "order_id": "o",
        "amount": 1,
        "currency": "EUR",
        "click_id": "c",
        "coupon": "c",
        "customer_id": "c",
        "customer_email": "e",
        "customer_ip": "i",
        "occurred_at": "t",
        "items": [{"sku": "s", "quantity": 1, "amount": 1, "category": "c"}],
    }
    ledger.convert(**order)
    ledger.convert_many([order])
    list(ledger.conversions("p", state="held", partner="a"))
    ledger.conversion("c")
    ledger.receipt("c")
    ledger.refund("c", "r", 1, "r", items=[{"line": 0, "sku": "s", "quantity": 1, "amount": 1}])
    ledger.adjust("c", "a", "void")
    ledger.identify("p", "c", "k")
    ledger.add_partner("n", "e", "i")
    ledger.enroll("p", "a")
    list(ledger.applications("p", decision="waiting"))
    ledger.approve_application("p", "a")
    ledger.decline_application("p", "a")
    ledger.add_link(
        program="p",
        partner="a",
        destination="d",
        code="c",
        campaign="c",
        utm={},
        sub={},
        tags=[],
        expires_at="t",
        carry_query=True,
    )
    list(ledger.links("p", partner="a"))
    ledger.add_coupon("p", "a", "c")
    ledger.stats("p", since="d", until="d", by="day")
    ledger.ledger("p", "m")
    methods = {name for name, _ in inspect.getmembers(Linkledger, inspect.isfunction) if name[0] != "_"}
    return sent, methods


def node_calls() -> tuple[list[dict[str, Any]], set[str]]:
    """What every method of the Node client sends, and the methods."""
    found = json.loads(subprocess.check_output([node(), str(CALLS), "record"], text=True, timeout=60))
    return found["sent"], set(found["methods"])


def mistakes(document: Any, call: Mapping[str, Any]) -> Iterator[str]:
    """What of the call the document doesn't know."""
    parts = urlsplit(call["url"])
    matching = [
        operations[call["method"].lower()]
        for path, operations in document["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), parts.path)
        and call["method"].lower() in operations
    ]
    if not matching:
        yield f"there is no {call['method']} {parts.path}"
        return
    known = {parameter["name"] for operation in matching for parameter in operation["parameters"]}
    yield from (f"no parameter {name}" for name in parse_qs(parts.query) if name not in known)
    yield from _wrong_fields(document, matching[0], call["body"])


def _wrong_fields(document: Any, operation: Any, body: Any) -> Iterator[str]:
    if body is None:
        return
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    schema = document["components"]["schemas"][name]
    yield from (f"{name} has no {field}" for field in body if field not in schema["properties"])
    yield from (f"{name} needs {field}" for field in schema.get("required", ()) if field not in body)


@pytest.mark.parametrize("calls", [python_calls, node_calls])
def test_every_call_is_one_of_the_document(told: Any, calls: Any) -> None:
    sent, methods = calls()
    assert len(sent) == len(methods)
    assert [mistake for call in sent for mistake in mistakes(told, call)] == []


def test_a_call_that_the_document_lacks_is_noticed(told: Any) -> None:
    call = {"method": "POST", "url": "http://x/v1/coupons", "body": {"program": "p", "promo": "c"}}
    assert list(mistakes(told, call)) == [
        "NewCoupon has no promo",
        "NewCoupon needs partner",
        "NewCoupon needs code",
    ]
    assert list(mistakes(told, {"method": "GET", "url": "http://x/v1/nothing", "body": None}))


def fields(document: Any, shape: str, spell: Any) -> dict[str, tuple[bool, Any]]:
    """Each field of the document's shape: whether it is needed, and its type as the language spells it."""
    schema = document["components"]["schemas"][SHAPES[shape]]
    needed = set(schema.get("required", ()))
    return {name: (name in needed, spell(one)) for name, one in schema["properties"].items()}


def in_python(schema: Any) -> Any:
    schema = schema.get("anyOf", [schema])[0]
    if "$ref" in schema:
        return {"NewItem": Item}[schema["$ref"].rsplit("/", 1)[1]]
    if schema["type"] == "array":
        return Sequence[in_python(schema["items"])]  # type: ignore[misc]
    return {"string": str, "integer": int, "boolean": bool, "object": Mapping[str, str]}[schema["type"]]


def in_typescript(schema: Any) -> str:
    schema = schema.get("anyOf", [schema])[0]
    if "$ref" in schema:
        return {"NewItem": "Item"}[schema["$ref"].rsplit("/", 1)[1]]
    if schema["type"] == "array":
        return in_typescript(schema["items"]) + "[]"
    named = {
        "string": "string",
        "integer": "number",
        "boolean": "boolean",
        "object": "Record<string, string>",
    }
    return named[schema["type"]]


@pytest.mark.parametrize("shape", [Order, Item, ReturnedItem, NewLink])
def test_the_types_of_python_are_those_of_the_document(told: Any, shape: Any) -> None:
    typed = {
        name: (name in shape.__required_keys__, hint) for name, hint in typing.get_type_hints(shape).items()
    }
    assert typed == fields(told, shape.__name__, in_python)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_types_of_node_are_those_of_the_document(told: Any, shape: str) -> None:
    body = TYPES.split(f"interface {shape} {{")[1].split("}")[0]
    found = re.findall(r"(\w+)(\??): ([^;}]+?)\s*(?:;|$)", body)
    assert {name: (not may_lack, kind) for name, may_lack, kind in found} == fields(
        told, shape, in_typescript
    )


def test_both_are_of_the_version_of_the_whole() -> None:
    node = json.loads((HERE.parents[1] / "clients/node/package.json").read_text())
    python = tomllib.loads((HERE.parents[1] / "clients/python/pyproject.toml").read_text())
    assert (node["version"], python["project"]["version"]) == (VERSION, VERSION)


def test_both_know_every_kind_of_adjustment(told: Any) -> None:
    kinds = sorted(told["components"]["schemas"]["AdjustmentKind"]["enum"])
    assert sorted(typing.get_args(AdjustmentKind)) == kinds
    assert sorted(re.findall(r"'(\w+)'", TYPES.split("type AdjustmentKind =")[1].split(";")[0])) == kinds


def test_the_compiler_takes_every_call_and_refuses_what_is_wrong() -> None:
    """Each line of refused.mts gets the error that it names; calls.mjs, which makes every call, gets none."""
    language = ["--module", "node16", "--target", "es2022", "--lib", "es2022,dom"]
    read = [str(HERE / "node.d.ts"), str(CALLS), str(REFUSED)]
    checked = [
        tsc(),
        "--noEmit",
        "--strict",
        "--skipDefaultLibCheck",
        "--allowJs",
        "--checkJs",
        *language,
        *read,
    ]
    said = subprocess.run(checked, cwd=HERE, capture_output=True, text=True, timeout=600, check=False).stdout
    found = re.findall(r"^(\S+)\((\d+),\d+\): error (\w+)", said, re.MULTILINE)
    lines = enumerate(REFUSED.read_text().splitlines(), 1)
    expected = [(REFUSED.name, str(at), line.split("// ")[1]) for at, line in lines if "; // TS" in line]
    assert found == expected, said


def test_python_against_a_running_stack(stack: Stack) -> None:
    shop = Shop(stack)
    ledger = Linkledger(f"http://127.0.0.1:{stack.port}", stack.admin_key)
    partner = ledger.add_partner("Nora", "nora@example.com", f"nora-{shop.id}")
    assert ledger.enroll(shop.id, partner["id"])["link"]["code"]
    ledger.add_coupon(shop.id, partner["id"], "NORA")
    order: Order = {"program": shop.id, "event": "sale", "order_id": "P-1", "amount": 4990, "currency": "EUR"}
    order["coupon"] = "NORA"
    told = ledger.convert(**order)
    assert told["outcome"] == "recorded"
    assert ledger.refund(told["id"], "r-1", 990)["kind"] == "refund"
    assert [credit["partner"] for credit in ledger.receipt(told["id"])["credits"]] == [partner["id"]]
    assert [one["id"] for one in ledger.conversions(shop.id)] == [told["id"]]
    with pytest.raises(ApiError) as refused:
        ledger.convert(**{**order, "amount": 1})
    assert (refused.value.status, refused.value.code) == (409, "order_conflict")


def test_node_against_a_running_stack(stack: Stack) -> None:
    shop = Shop(stack)
    asked = [node(), str(CALLS), "run", f"http://127.0.0.1:{stack.port}", stack.admin_key, shop.id]
    told = json.loads(subprocess.check_output(asked, text=True, timeout=60))
    assert told == {
        "outcome": "recorded",
        "credited": [f"nora-{shop.id}"],
        "links": 1,
        "refused": [409, "order_conflict"],
    }


def test_what_is_busy_is_asked_again_and_a_refusal_is_not() -> None:
    answers = [(503, {"Retry-After": "3"}, b"{}"), (429, {}, b"{}"), (200, {}, b'{"id": "cnv_1"}')]
    slept: list[float] = []
    ledger = Linkledger("http://x", "k", transport=lambda _: answers.pop(0), sleep=slept.append)
    assert ledger.conversion("c") == {"id": "cnv_1"}
    assert slept == [3, 0.5]
    answers.append((422, {}, b'{"error": {"code": "c", "message": "m", "field": "f"}}'))
    with pytest.raises(ApiError, match="c: m") as refused:
        ledger.conversion("c")
    assert (refused.value.status, refused.value.field) == (422, "f")
