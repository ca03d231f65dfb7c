"""`/v1/clicks/{click_id}`: looking at a click, and judging it anew."""

from typing import Any

import pytest

from tests.routes.api import Api
from tests.visiting import Visitor


@pytest.fixture
def click_id(api: Api) -> str:
    for program in ("acme", "other"):
        api.program(program)
    api.partner("anna")
    code = api.enroll().json["link"]["code"]
    token = Visitor().follow(code).token
    assert token
    return token


def review(api: Api, click_id: str, key: str | None = None, **body: Any) -> Any:
    wanted = {"verdict": "bot", "reason": "click_farm"} | body
    return api.post(f"/v1/clicks/{click_id}", wanted, key, method="PATCH")


def test_a_click_is_judged_anew(api: Api, click_id: str) -> None:
    assert api.get(f"/v1/clicks/{click_id}").json["verdict"] == "human"
    assert review(api, click_id).json["verdict"] == "bot"
    read = api.get(f"/v1/clicks/{click_id}").json
    assert (read["verdict"], read["reason"], read["partner"]) == ("bot", "click_farm", "anna")
    assert review(api, click_id).json == read


def test_somebody_elses_click_is_unknown(api: Api, click_id: str) -> None:
    other = api.key("merchant", program="other")
    api.get(f"/v1/clicks/{click_id}", other).refused(404, "click_unknown", "click_id")
    review(api, click_id, other).refused(404, "click_unknown", "click_id")
    assert api.get(f"/v1/clicks/{click_id}").json["verdict"] == "human"


def test_what_is_no_click_is_unknown(api: Api, click_id: str) -> None:
    api.get("/v1/clicks/forged").refused(404, "click_unknown", "click_id")


def test_a_reason_is_a_plain_word(api: Api, click_id: str) -> None:
    review(api, click_id, reason="<b>").refused(422, "reason_invalid", "reason")
    assert review(api, click_id, verdict="unknown_code").status == 422
