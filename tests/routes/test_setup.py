"""What a program's shop is offered to paste works as it stands: each snippet makes a conversion."""

import html
import io
import json
import re
import shlex
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.domain.conversion import Outcome, Report
from chalicelib.domain.program import Method
from tests.capturing import NOW, a_click, a_program, known
from tests.routes.api import Api


@pytest.fixture
def acme(api: Api, clock: Any) -> Api:
    """An administrator of `acme`."""
    clock.set(NOW)
    a_program(bootstrap.stores())
    return api


def snippet(api: Api, method: str, containing: str = "") -> str:
    found = api.get("/v1/programs/acme/setup").json["snippets"]
    (text,) = [one["text"] for one in found if one["method"] == method and containing in one["text"]]
    return str(text)


def base_of(api: Api) -> str:
    return str(api.stores.settings.base_url)


def target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def sent_by_curl(api: Api, command: str, **variables: str) -> Any:
    """What curl would send, sent."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command)
    assert words[:3] == ["curl", "-X", "POST"]
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    named = {name.lower(): value for name, value in headers.items()}
    return api.send("POST", urlsplit(words[3]).path, body.encode(), named, key="")


def report_of(order: str = "A-1001") -> Report:
    report = known(order).report
    assert (report.content.amount_minor, report.content.currency) == (4990, "EUR")
    return report


def test_the_api_by_key(acme: Api) -> None:
    click = a_click(acme.stores)
    answer = sent_by_curl(acme, snippet(acme, "api", "curl"), KEY=acme.admin_key, LL_CLICK=click)
    assert (answer.status, answer.json["outcome"]) == (201, Outcome.RECORDED)
    assert (report_of().method, report_of().click_id) == (Method.API, click)


def test_the_api_by_signature(acme: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, click = acme.post("/v1/programs/acme/secrets", {}).json["secret"], a_click(acme.stores)
    found = acme.get("/v1/programs/acme/setup").json["snippets"]
    (signed,) = [one for one in found if "def tell" in one["text"]]
    (call,) = [match[1] for step in signed["steps"] if (match := re.search(r"(tell\(.*\))", step))]
    monkeypatch.setattr("time.time", NOW.timestamp)

    def deliver(request: Any, timeout: float) -> io.BytesIO:
        assert request.full_url == f"{base_of(acme)}/v1/conversions"
        answer = acme.send(
            "POST", "/v1/conversions", request.data, {k.lower(): v for k, v in request.header_items()}, key=""
        )
        assert answer.status == 201, answer.raw
        return io.BytesIO(answer.raw)

    monkeypatch.setattr(urllib.request, "urlopen", deliver)
    names: dict[str, Any] = {"secret": secret, "click": click}
    exec(signed["text"], names)
    assert eval(call, names)["outcome"] == Outcome.RECORDED
    assert report_of().click_id == click


def test_the_pixel(acme: Api) -> None:
    (source,) = re.findall(r'src="([^"]+)"', snippet(acme, "pixel"))
    assert source.startswith(base_of(acme))
    acme.send("GET", target(html.unescape(source)), headers={"accept": "image/*"}, key="")
    assert report_of().method is Method.PIXEL


def test_the_postback(acme: Api) -> None:
    click = a_click(acme.stores)
    url = snippet(acme, "postback").replace("{click_id}", click)
    answer = acme.send("GET", target(url), key="")
    assert (answer.status, answer.raw) == (200, b"OK")
    assert (report_of().method, report_of().click_id) == (Method.POSTBACK, click)


def test_the_tags_call(acme: Api) -> None:
    """As the tag would send what the confirmation page hands to it; a browser runs it in tests/browser."""
    (given,) = re.findall(r"linkledger\('convert', (\{.*?\})\)", snippet(acme, "tag", "convert"))
    order = json.loads(re.sub(r"(\w+):", r'"\1":', given).replace("'", '"'))
    told = {"program": "acme", "type": "convert", **order}
    assert acme.send("POST", "/v1/collect", json.dumps(told).encode(), {"content-type": "text/plain"}, key="")
    assert (report_of().method, known("A-1001").coupons[0].partner) == (Method.TAG, "anna")


def test_a_promo_code(acme: Api) -> None:
    answer = sent_by_curl(acme, snippet(acme, "coupon"), KEY=acme.admin_key)
    assert (answer.status, answer.json["code"]) == (200, "ANNA10")


def test_hooks_lead_to_their_routes(acme: Api) -> None:
    for source in ("woocommerce", "appsflyer", "adjust", "branch"):
        url = snippet(acme, source)
        assert url.startswith(f"{base_of(acme)}/hooks/{source}/acme")
        assert (
            acme.send("POST", target(url), b"{}", {"content-type": "application/json"}, key="").status == 401
        )
    steps = {
        one["method"]: " ".join(one["steps"]) for one in acme.get("/v1/programs/acme/setup").json["snippets"]
    }
    assert f"{base_of(acme)}/hooks/shopify/acme" in steps["shopify"]
    assert f"{base_of(acme)}/hooks/stripe/acme" in steps["stripe"]


def test_a_program_with_a_host_of_its_own_is_told_that_host(
    acme: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROGRAM_DOMAINS", "acme=go.acme.example")
    bootstrap.stores.cache_clear()
    assert 'src="https://go.acme.example/tag.js"' in snippet(acme, "tag", "async")


def test_the_token_is_its_own_merchants_alone(acme: Api) -> None:
    acme.program("other")
    own = acme.get("/v1/programs/acme/setup", acme.key("merchant", program="acme"))
    assert "postback-token-of-acme" in own.raw.decode()
    foreign = acme.get("/v1/programs/acme/setup", acme.key("merchant", program="other"))
    foreign.refused(404, "program_unknown", "program")
    partner = acme.get("/v1/programs/acme/setup", acme.key("partner", program="acme", partner="anna"))
    assert partner.status == 403
    assert acme.get("/v1/programs/acme/setup", key="").status == 401
