"""The clients make calls that the API has, with fields that it knows; a running stack answers them."""

import inspect
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from clients.python.linkledger import ApiError, Linkledger, Order
from tests.contract.outside import NOVEMBER_10, Shop, Stack
from tests.node import node

CALLS = Path(__file__).parent / "calls.mjs"
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
        "occurred_at": "t",
        "items": [{"sku": "s", "quantity": 1, "amount": 1, "category": "c"}],
    }  # type: ignore[typeddict-item]
    ledger.convert(**order)
    ledger.convert_many([order])
    list(ledger.conversions("p", state="held", partner="a"))
    ledger.conversion("c")
    ledger.receipt("c")
    ledger.refund("c", "r", 1, "r")
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
