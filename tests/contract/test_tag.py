"""`GET /tag.js` and `POST /v1/collect`, where it sends."""

import json

import pytest

from tests.contract.outside import BROWSER, wait_for


def send(stack, body, content_type="text/plain", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return stack.http(
        "POST",
        "/v1/collect",
        raw,
        {
            "Content-Type": content_type,
            "Origin": "https://shop.example",
            "User-Agent": BROWSER,
            **headers,
        },
    )


def a_conversion(shop, **fields):
    return {
        "program": shop.id,
        "type": "convert",
        "event": "sale",
        "order_id": "T-1",
        "amount": "19.90",
        "currency": "EUR",
        **fields,
    }


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8", "application/json"])
def test_it_takes_beacons_from_any_origin_and_trusts_them_as_the_pixel(shop, content_type):
    anna = shop.partner()
    body = a_conversion(shop, click_id=shop.clicked(anna))
    answer = send(shop.stack, body, content_type).expect(202)
    assert answer.header("Access-Control-Allow-Origin") in {"*", "https://shop.example"}
    wait_for(lambda: len(shop.conversions()) == 1)
    (conversion,) = shop.conversions()
    assert shop.state(conversion["id"]) == "held"
    assert list(shop.credits(conversion["id"])) == [anna.id]


def test_a_consent_is_taken(shop):
    send(shop.stack, {"program": shop.id, "type": "consent", "consent": "granted"}).expect(202, 422)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"program": "x", "program": "y"}', b"[" * 5000]
)
def test_nonsense_is_no_servers_fault(stack, body):
    assert send(stack, body).status < 500


def test_the_tag_is_a_small_cacheable_script(stack):
    answer = stack.http("GET", "/tag.js", None, {"User-Agent": BROWSER, "Accept": "*/*"}).expect(200)
    assert "javascript" in answer.header("Content-Type")
    assert "max-age" in answer.header("Cache-Control")
    assert len(answer.body) < 20_000
