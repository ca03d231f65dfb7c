"""What the documents offer to paste works as it stands."""

import io
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.program import Program
from chalicelib.domain.snippets import Subject, all_of
from chalicelib.domain.terms import Attribution
from chalicelib.services import signatures
from tests.capturing import NOW, a_click, a_program, known
from tests.docs.blocks import ROOT, snippet

CLICK = "A" * 59


def names_of(code: str) -> dict[str, Any]:
    """What a block of Python defines."""
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def cookies_set(query: str) -> list[str]:
    def shop(environ: dict[str, str], start_response: Callable[..., None]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"hello"]

    answered: list[list[tuple[str, str]]] = []
    wrapped = names_of(snippet("docs/tag.md", "python", "keep_click"))["keep_click"](shop)
    assert wrapped({"QUERY_STRING": query}, lambda _, headers, exc_info=None: answered.append(headers)) == [
        b"hello"
    ]
    return [value for name, value in answered[0] if name == "Set-Cookie"]


def test_the_servers_cookie_is_host_only_and_out_of_reach_of_scripts() -> None:
    (cookie,) = cookies_set(f"utm_source=x&ll_click={CLICK}")
    assert cookie.startswith(f"__Host-ll_click={CLICK}; Path=/;")
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert (
        names_of(snippet("docs/tag.md", "python", "click_of"))["click_of"](
            {"HTTP_COOKIE": f"a=1; {cookie.split(';')[0]}"}
        )
        == CLICK
    )


@pytest.mark.parametrize("query", ["", "ll_click=", "ll_click=a%0d%0aSet-Cookie:x=1", f"ll_click={CLICK}x"])
def test_the_servers_cookie_holds_nothing_but_a_click(query: str) -> None:
    assert cookies_set(query) == []


def test_a_signed_call_is_taken(api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.set(NOW)
    a_program(bootstrap.stores())
    secret = api.post("/v1/programs/acme/secrets", {}).json["secret"]
    monkeypatch.setattr("time.time", NOW.timestamp)

    def deliver(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        path = request.full_url.removeprefix("https://go.brand.com")
        answer = api.send("POST", path, request.data, dict(request.header_items()), key="")
        assert answer.status == 201, answer.raw
        return io.BytesIO(answer.raw)

    monkeypatch.setattr(urllib.request, "urlopen", deliver)
    order = {"program": "acme", "event": "sale", "order_id": "A-1001", "amount": 4990, "currency": "EUR"}
    click = a_click(bootstrap.stores())
    told = names_of(snippet("docs/api.md", "python", "webhook-signature"))["tell"](
        order | {"click_id": click}, secret
    )
    assert told["outcome"] == "recorded"
    assert known("A-1001").report.click_id == click


def test_a_webhook_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, body = signatures.new_secret(), b'{"type":"test"}'
    sent = int(NOW.timestamp())
    monkeypatch.setattr("time.time", lambda: sent + 299)
    verify = names_of(snippet("docs/webhooks.md", "python", "is_genuine"))["is_genuine"]
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(sent)}
    old = signatures.sign(signatures.new_secret(), "evt_1", sent, body)
    signed = headers | {"webhook-signature": f"{old} {signatures.sign(secret, 'evt_1', sent, body)}"}
    assert verify(secret, signed, body)
    assert not verify(secret, signed, body + b" ")
    assert not verify(signatures.new_secret(), signed, body)
    monkeypatch.setattr("time.time", lambda: sent + 301)
    assert not verify(secret, signed, body)


@pytest.mark.parametrize(
    ("page", "method"),
    [
        ("tag.md", "tag"),
        ("tag.md", "cookie"),
        ("pixel.md", "pixel"),
        ("postback.md", "postback"),
        ("api.md", "api"),
        ("coupons.md", "coupon"),
        ("carts.md", "shopify"),
        ("carts.md", "stripe"),
        ("carts.md", "appsflyer"),
        ("carts.md", "adjust"),
        ("carts.md", "branch"),
        ("carts.md", "woocommerce"),
        ("carts.md", "install"),
        ("tag.md", "device"),
        ("api.md", "device"),
    ],
)
def test_the_documents_show_what_the_setup_route_answers(page: str, method: str) -> None:
    acme = Program("acme", "Acme", ("x.example",), "EUR", "https://x.example/", NOW, "TOKEN")
    offered = all_of(Subject(acme, Attribution(), "https://go.brand.com"))
    told = [one for one in offered if one.method == method]
    texts = [one.text for one in told if one.document == f"docs/{page}" or method != "device"]
    assert texts
    for text in texts:
        assert text in (ROOT / "docs" / page).read_text()
