"""Direct links, and clicks whose row was lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.click import Verdict
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.program import Consent
from chalicelib.domain.screening import Hit
from chalicelib.services import redirect
from chalicelib.storage import aws
from tests.visiting import BROWSER, NOW, Visitor, a_link, a_program, stored_clicks

HEADERS = {"user-agent": BROWSER, "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}


def direct(stage: Any, ref: str, program: Any, **more: Any) -> Any:
    headers = HEADERS | more.pop("headers", {})
    query = more.pop("query", {})
    return redirect.record_direct(stage.stores, program, ref, query, Hit("POST", headers, NOW), **more)


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


def forget_clicks(stage: Any) -> None:
    client, name = aws.client("dynamodb"), stage.settings.table("clicks")
    for item in client.scan(TableName=name)["Items"]:
        client.delete_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})


def a_lost_click(stage: Any, clock: Any, **settings: Any) -> str:
    clock.set(NOW)
    link = a_link(stage.stores, a_program(stage.stores, **settings), campaign="spring")
    token = Visitor().follow(link.code).token
    assert token
    forget_clicks(stage)
    return token


def test_a_lost_click_is_written_again_from_its_token(stage: Any, clock: Any) -> None:
    token = a_lost_click(stage, clock)
    restored = redirect.restore(stage.stores, token, NOW + timedelta(days=1))
    assert restored is not None
    assert (restored.token, restored.partner, restored.at) == (token, "anna", NOW)
    assert (restored.verdict, restored.campaign, restored.flags) == (Verdict.HUMAN, "spring", ("restored",))
    assert stored_clicks(stage.stores) == [restored]
    assert redirect.restore(stage.stores, token, NOW + timedelta(days=2)) == restored


def test_a_click_that_is_there_is_not_overwritten(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    link = a_link(stage.stores, a_program(stage.stores))
    token = Visitor().follow(link.code).token
    (kept,) = stored_clicks(stage.stores)
    assert token
    assert redirect.restore(stage.stores, token, NOW) == kept
    assert stored_clicks(stage.stores) == [kept]


def test_a_click_that_is_over_is_told_but_not_written(stage: Any, clock: Any) -> None:
    token = a_lost_click(stage, clock, window_days=10, late_days=1)
    restored = redirect.restore(stage.stores, token, NOW + timedelta(days=50))
    assert restored is not None
    assert restored.at == NOW
    assert stored_clicks(stage.stores) == []


@pytest.mark.parametrize("text", ["", "x", "A" * 59])
def test_what_is_no_token_restores_nothing(stage: Any, text: str) -> None:
    assert redirect.restore(stage.stores, text, NOW) is None
    assert stored_clicks(stage.stores) == []
