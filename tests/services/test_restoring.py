"""Clicks whose row was lost are written again from their token."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.click import Verdict
from chalicelib.services import restoring
from chalicelib.storage import aws
from tests.visiting import NOW, Visitor, a_link, a_program, stored_clicks


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
    restored = restoring.restore(stage.stores, token, NOW + timedelta(days=1))
    assert restored is not None
    assert (restored.token, restored.partner, restored.at) == (token, "anna", NOW)
    assert (restored.verdict, restored.campaign, restored.flags) == (Verdict.HUMAN, "spring", ("restored",))
    assert stored_clicks(stage.stores) == [restored]
    assert restoring.restore(stage.stores, token, NOW + timedelta(days=2)) == restored


def test_a_click_that_is_there_is_not_overwritten(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    link = a_link(stage.stores, a_program(stage.stores))
    token = Visitor().follow(link.code).token
    (kept,) = stored_clicks(stage.stores)
    assert token
    assert restoring.restore(stage.stores, token, NOW) == kept
    assert stored_clicks(stage.stores) == [kept]


def test_a_click_that_is_over_is_told_but_not_written(stage: Any, clock: Any) -> None:
    token = a_lost_click(stage, clock, window_days=10, late_days=1)
    restored = restoring.restore(stage.stores, token, NOW + timedelta(days=50))
    assert restored is not None
    assert restored.at == NOW
    assert stored_clicks(stage.stores) == []


@pytest.mark.parametrize("text", ["", "x", "A" * 59])
def test_what_is_no_token_restores_nothing(stage: Any, text: str) -> None:
    assert restoring.restore(stage.stores, text, NOW) is None
    assert stored_clicks(stage.stores) == []
