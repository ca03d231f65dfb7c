"""Direct links: whom they name, and what is kept of the click."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.click import Verdict
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.program import Consent
from chalicelib.domain.screening import Hit
from chalicelib.services import direct_clicks
from tests.visiting import BROWSER, NOW, a_link, a_program, stored_clicks

HEADERS = {"user-agent": BROWSER, "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}


def direct(stage: Any, ref: str, program: Any, **more: Any) -> Any:
    headers = HEADERS | more.pop("headers", {})
    query = more.pop("query", {})
    return direct_clicks.record(stage.stores, program, ref, query, Hit("POST", headers, NOW), **more)


@pytest.mark.parametrize("ref", ["summer", "SUMMER", " summer ", "anna"])
def test_a_direct_link_names_a_code_or_a_partner(stage: Any, ref: str) -> None:
    program = a_program(stage.stores)
    link = a_link(stage.stores, program, code="summer")
    stage.stores.catalogue.add_enrollment_once(Enrollment("acme", "anna", "summer", NOW))
    click = direct(stage, ref, program, query={"sub1": ["blog"]})
    assert (click.partner, click.link_id, click.verdict) == ("anna", link.id, Verdict.HUMAN)
    assert (click.sub, click.flags) == ({"sub1": "blog"}, ("direct",))
    assert stored_clicks(stage.stores) == [click]


@pytest.mark.parametrize("ref", ["", "nobody", "other-programs", "a/b", "é", "x" * 500])
def test_a_direct_link_of_nobody_makes_no_click(stage: Any, ref: str) -> None:
    program = a_program(stage.stores)
    a_link(stage.stores, replace(program, id="else"), code="other-programs")
    assert direct(stage, ref, program) is None
    assert stored_clicks(stage.stores) == []


def test_a_direct_link_goes_on_with_the_journey_of_a_known_click(stage: Any) -> None:
    program = a_program(stage.stores)
    a_link(stage.stores, program, code="summer")
    first = direct(stage, "summer", program)
    assert direct(stage, "summer", program, known=first.token).visitor == first.visitor
    assert direct(stage, "summer", program, known="forged").visitor != first.visitor


@pytest.mark.parametrize(
    ("consent", "headers", "query"),
    [
        (Consent.GRANTED, {"sec-gpc": "1"}, {}),
        (Consent.REQUIRED, {}, {}),
        (Consent.GRANTED, {}, {"ll_consent": ["denied"]}),
    ],
)
def test_a_direct_link_without_consent_is_counted_without_an_identifier(
    stage: Any, consent: Consent, headers: dict[str, str], query: dict[str, list[str]]
) -> None:
    program = a_program(stage.stores, consent=consent)
    a_link(stage.stores, program, code="summer")
    click = direct(stage, "summer", program, headers=headers, query=query)
    assert (click.token, click.verdict) == (None, Verdict.HUMAN)
