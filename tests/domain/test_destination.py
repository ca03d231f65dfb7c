"""Destinations: judged as browsers judge them, composed without loss or doubling."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import destination
from chalicelib.domain.errors import Invalid
from chalicelib.domain.link import Link
from chalicelib.domain.program import Program

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
DOMAINS = ("shop.example", "münchen.example")


def a_program(**changes: Any) -> Program:
    made = {"id": "acme", "name": "Acme", "domains": DOMAINS, "currency": "EUR", "created_at": NOW}
    return Program(**(made | {"default_url": "https://shop.example/", "postback_token": "t"} | changes))


def a_link(**changes: Any) -> Link:
    return Link(
        **({"id": "l", "code": "c", "program": "acme", "partner": "anna", "created_at": NOW} | changes)
    )


@pytest.mark.parametrize(
    ("given_url", "normal"),
    [
        ("https://shop.example", "https://shop.example/"),
        ("HTTPS://SHOP.EXAMPLE:443/a/../b?q=ü#ß", "https://shop.example/b?q=%C3%BC#%C3%9F"),
        ("http://www.shop.example:8080/", "http://www.shop.example:8080/"),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
        ("https://shop。example/", "https://shop.example/"),
    ],
)
def test_an_allowed_url_comes_in_its_normal_form(given_url: str, normal: str) -> None:
    assert destination.check_url(given_url, DOMAINS, "destination") == normal


@pytest.mark.parametrize(
    ("given_url", "code"),
    [
        ("https://evil.example/", "url_not_allowed"),
        ("https://notshop.example/", "url_not_allowed"),
        ("https://shop.example.evil.com/", "url_not_allowed"),
        ("https://shop.example./", "url_not_allowed"),
        ("https://user@shop.example/", "url_invalid"),
        ("ftp://shop.example/", "url_invalid"),
        ("//shop.example/", "url_invalid"),
        ("https://shop.example/\r\n", "url_invalid"),
        ("https://shop.example\\@evil.com/", "url_invalid"),
        ("https://shop.example/" + "a" * 2048, "url_invalid"),
        ("\ud800", "url_invalid"),
        ("", "url_invalid"),
    ],
)
def test_another_url_is_refused_with_its_reason(given_url: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        destination.check_url(given_url, DOMAINS, "destination")
    assert caught.value.code == code


def test_a_path_stays_on_the_origin_even_where_another_is_allowed() -> None:
    for path in ("//www.shop.example/p", "https://www.shop.example/p", "http://shop.example/p"):
        assert destination.deep_link(a_program(), a_link(), None, path) is None
        assert destination.deep_link(a_program(), a_link(), path if "://" in path else f"https:{path}", None)


@given(st.text(max_size=60), st.booleans())
def test_whatever_is_asked_for_the_landing_stays_inside(text: str, is_path: bool) -> None:
    program, link = a_program(), a_link()
    page = destination.deep_link(program, link, None if is_path else text, text if is_path else None)
    if page is not None:
        host = urlsplit(page).hostname or ""
        assert host == "shop.example" or host.endswith((".shop.example", "xn--mnchen-3ya.example"))
        assert page.isascii()
        assert page.isprintable()


QUERIES = st.dictionaries(
    st.text(max_size=6), st.lists(st.text(max_size=6), min_size=1, max_size=3), max_size=4
)


@given(QUERIES)
def test_whatever_comes_in_is_carried_on_whole_and_once(incoming: dict[str, list[str]]) -> None:
    base = destination.landing("https://shop.example/p?a=1&b=2#f", a_program(), a_link())
    location, complete = destination.compose(base, incoming, "ll_click", "TOKEN")
    assert complete
    assert location.isascii()
    assert location.isprintable()
    assert location.endswith("#f")
    carried = parse_qsl(urlsplit(location).query, keep_blank_values=True)
    for name, values in incoming.items():
        if name not in {"url", "path", "ll_consent", "ll_click"}:
            expected = [value.encode("utf-8", "replace").decode() for value in values]
            spelled = name.encode("utf-8", "replace").decode()
            assert [value for key, value in carried if key == spelled] == expected
    assert [value for key, value in carried if key == "ll_click"] == ["TOKEN"]
    assert [value for key, value in carried if key == "a"] == incoming.get("a", ["1"])


@pytest.mark.parametrize(
    ("query", "incoming", "referrer"),
    [
        ("?id=com.brand", {}, "ll_click=TOKEN"),
        ("?id=com.brand&referrer=utm_source%3Dmail", {}, "utm_source=mail&ll_click=TOKEN"),
        ("?id=com.brand&referrer=own", {"referrer": ["a=1&b"]}, "a=1&b&ll_click=TOKEN"),
    ],
)
def test_an_app_gets_the_token_by_what_the_store_hands_on(
    query: str, incoming: dict[str, list[str]], referrer: str
) -> None:
    program = a_program(domains=("play.google.com",))
    page = destination.landing(f"https://play.google.com/store/apps/details{query}", program, a_link(utm={}))
    location, _ = destination.compose(page, incoming, "ll_click", "TOKEN")
    told = {"id": "com.brand", "referrer": referrer, "ll_click": "TOKEN"}
    assert dict(parse_qsl(urlsplit(location).query)) == told
    assert destination.compose(page, {}, "referrer", "TOKEN")[0].endswith("&referrer=TOKEN")


def test_a_token_in_the_destinations_own_query_is_replaced() -> None:
    base = destination.landing("https://shop.example/?ll_click=old&x=1", a_program(), a_link())
    assert destination.compose(base, {}, "ll_click", None)[0] == "https://shop.example/?x=1"
    assert destination.compose(base, {}, "ll_click", "new")[0] == "https://shop.example/?x=1&ll_click=new"


def test_a_template_is_filled_for_the_link() -> None:
    link = a_link(campaign="spring sale")
    program = a_program(
        utm={"utm_source": "{partner}", "utm_campaign": "{campaign}-{code}", "utm_term": "{x}"}
    )
    base = destination.landing("https://shop.example/", program, link)
    query = dict(parse_qsl(urlsplit(destination.compose(base, {}, "ll_click", None)[0]).query))
    assert query == {"utm_source": "anna", "utm_campaign": "spring sale-c", "utm_term": "{x}"}


def test_without_an_allowed_default_the_first_domain_is_led_to() -> None:
    program = a_program(default_url="https://elsewhere.example/")
    assert destination.own_destination(program, a_link()) == "https://shop.example/"
