"""Snippets for a program: what is filled in, and which ways are shown."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.program import Consent, Method, Program
from chalicelib.domain.snippets import Snippet, Subject, all_of, event_for
from chalicelib.domain.terms import Attribution, CouponRule

ACME = Program(
    "acme",
    "Acme",
    ("shop.example.com",),
    "EUR",
    "https://shop.example.com/",
    datetime(2026, 1, 1, tzinfo=UTC),
    "TOKEN",
)
SUBJECT = Subject(ACME, Attribution(), "https://go.brand.com")


def snippets_of(subject: Subject = SUBJECT, **changes: object) -> list[Snippet]:
    return all_of(replace(subject, program=replace(subject.program, **changes)))


def words(snippets: list[Snippet]) -> str:
    return "\n".join(one.text + "\n" + "\n".join(one.steps) for one in snippets)


def test_every_method_has_a_snippet_with_nothing_left_blank() -> None:
    found = snippets_of()
    assert {one.method for one in found} == {*Method, "coupon", "cookie", "install", "device"}
    assert re.search(r"\[\[|\]\]", words(found).replace('[""])', "")) is None
    assert all(one.steps and one.title and one.text for one in found)


@pytest.mark.parametrize("method", list(Method))
def test_only_the_methods_that_the_program_uses_are_shown(method: Method) -> None:
    found = {one.method for one in snippets_of(methods=frozenset({method}))}
    server = {"cookie", "install"} if method in {Method.API, Method.POSTBACK} else set()
    devices = {"device"} if method in {Method.API, Method.TAG} else set()
    assert found == {method, "coupon"} | server | devices


def test_where_promo_codes_do_not_count_none_are_offered() -> None:
    subject = replace(SUBJECT, attribution=Attribution(coupon=CouponRule.OFF))
    assert "coupon" not in {one.method for one in all_of(subject)}


@pytest.mark.parametrize(("currency", "major"), [("EUR", "49.90"), ("JPY", "4990"), ("KWD", "4.990")])
def test_amounts_are_in_the_programs_currency(currency: str, major: str) -> None:
    found = snippets_of(currency=currency)
    told = [one.text.replace("&amp;", "&") for one in found if one.method in {"pixel", "postback"}]
    assert all(f"amount={major}&currency={currency}" in text for text in told)
    assert f"amount: 4990, currency: '{currency}'" in words(found)


def test_a_program_with_another_click_parameter_reads_that_one() -> None:
    found = snippets_of(click_param="clk")
    assert ' data-param="clk"' in words(found)
    for one in found:
        assert "get('ll_click')" not in one.text
        assert "['ll_click']" not in one.text


def test_a_tag_that_needs_a_consent_says_so() -> None:
    assert "data-consent" not in words(snippets_of())
    assert 'data-consent="required"' in words(snippets_of(consent=Consent.REQUIRED))


def test_the_token_is_fit_for_a_url() -> None:
    assert "token=a%26b%3Dc&" in words(snippets_of(postback_token="a&b=c"))


def test_the_servers_cookie_stays_for_the_window() -> None:
    found = words(all_of(replace(SUBJECT, attribution=Attribution(window_days=7))))
    assert "Max-Age=604800;" in found
    assert "7 * 86400" in found


def test_the_event_is_one_that_the_terms_name() -> None:
    assert [event_for(events) for events in ([], ["lead", "sale"], ["sign up"])] == [
        "sale",
        "sale",
        "sign up",
    ]
    found = words(all_of(replace(SUBJECT, event="sign up")))
    assert "event=sign%20up" in found
    assert "/hooks/stripe/acme?event=sign%20up" in found
