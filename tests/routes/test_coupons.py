"""Promo codes, as their routes answer."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.routes.api import Answer, Api


@pytest.fixture(autouse=True)
def _enrolled(api: Api) -> None:
    api.program("acme")
    api.program("other")
    for name in ("anna", "ben"):
        api.partner(name)
        api.enroll(partner=name)


def coupon(
    api: Api, code: str, partner: str = "anna", program: str = "acme", key: str | None = None
) -> Answer:
    return api.post("/v1/coupons", {"program": program, "partner": partner, "code": code}, key)


def test_a_code_is_trimmed_and_kept_as_it_was_given(api: Api) -> None:
    answer = coupon(api, " Anna10 ")
    assert (answer.status, answer.json["code"]) == (201, "Anna10")


@pytest.mark.parametrize("variant", ["ANNA10", " anna10", "ａｎｎａ１０", "Anna10\u2003"])
def test_a_code_is_one_whatever_its_case_and_width(api: Api, variant: str) -> None:
    coupon(api, "Anna10")
    coupon(api, variant, "ben").refused(409, "coupon_taken", "code")
    again = coupon(api, variant)
    assert (again.status, again.json["code"]) == (200, "Anna10")


def test_another_program_may_have_the_same_code(api: Api) -> None:
    coupon(api, "SAVE")
    api.enroll("other", "ben")
    assert coupon(api, "SAVE", "ben", "other").status == 201


@pytest.mark.parametrize("code", ["", "  ", "x" * 65, "a\x07b", "a\u200bb", "a\u202eb", "\ufdfa" * 64])
def test_a_code_that_cannot_be_read_is_refused(api: Api, code: str) -> None:
    coupon(api, code).refused(422, "coupon_invalid", "code")


def test_a_partner_that_is_not_enrolled_gets_none(api: Api) -> None:
    api.partner("cleo")
    stranger, nobody = coupon(api, "X", "cleo"), coupon(api, "X", "nobody")
    assert (stranger.status, stranger.raw) == (nobody.status, nobody.raw)
    stranger.refused(404, "partner_not_enrolled", "partner")


def test_codes_are_listed_page_by_page(api: Api) -> None:
    for code in ("C", "a", "B"):
        coupon(api, code)
    first = api.get("/v1/coupons?program=acme&limit=2").json
    second = api.get(f"/v1/coupons?program=acme&limit=2&cursor={first['next_cursor']}").json
    assert [row["code"] for row in first["data"] + second["data"]] == ["a", "B", "C"]


def test_a_merchant_works_in_its_own_program(api: Api) -> None:
    coupon(api, "SAVE")
    key = api.key("merchant", program="other")
    coupon(api, "SAVE", key=key).refused(404, "program_unknown", "program")
    api.get("/v1/coupons?program=acme", key).refused(404, "program_unknown", "program")
    assert api.get("/v1/coupons", key).json["data"] == []
    api.get("/v1/coupons").refused(422, "field_required", "program")


def window(answer: Answer) -> tuple[str | None, str | None]:
    return answer.json["starts_at"], answer.json["ends_at"]


def test_a_code_may_have_a_window(api: Api) -> None:
    body = {"program": "acme", "partner": "anna", "code": "SAVE"}
    starts, ends = "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"
    made = api.post("/v1/coupons", body | {"starts_at": "2026-11-01T01:00:00+01:00", "ends_at": ends})
    assert (made.status, window(made)) == (201, (starts, ends))
    assert api.get("/v1/coupons?program=acme").json["data"] == [made.json]
    other = body | {"code": "OTHER"}
    api.post("/v1/coupons", other | {"starts_at": ends, "ends_at": ends}).refused(
        422, "time_invalid", "ends_at"
    )
    api.post("/v1/coupons", other | {"starts_at": "soon"}).refused(422, "time_invalid", "starts_at")


def test_a_window_is_changed_bound_by_bound(api: Api) -> None:
    coupon(api, "Save")
    ends = "2026-12-01T00:00:00.000Z"
    change = {"program": "acme", "code": " SAVE "}
    assert window(api.post("/v1/coupons", change | {"ends_at": ends}, method="PATCH")) == (None, ends)
    started = api.post("/v1/coupons", change | {"starts_at": "2026-11-01T00:00:00Z"}, method="PATCH")
    assert window(started) == ("2026-11-01T00:00:00.000Z", ends)
    wrong = api.post("/v1/coupons", change | {"starts_at": ends}, method="PATCH")
    wrong.refused(422, "time_invalid", "ends_at")
    assert window(api.post("/v1/coupons", change | {"starts_at": ""}, method="PATCH")) == (None, ends)


def test_a_code_may_have_a_limit(api: Api) -> None:
    body = {"program": "acme", "partner": "anna", "code": "SAVE"}
    made = api.post("/v1/coupons", body | {"max_uses": 100})
    assert (made.status, made.json["max_uses"]) == (201, 100)
    change = {"program": "acme", "code": "save"}
    ended = api.post("/v1/coupons", change | {"ends_at": "2026-12-01T00:00:00Z"}, method="PATCH")
    assert ended.json["max_uses"] == 100
    assert api.post("/v1/coupons", change | {"max_uses": 7}, method="PATCH").json["max_uses"] == 7
    unlimited = api.post("/v1/coupons", change | {"max_uses": 0}, method="PATCH")
    assert unlimited.json["max_uses"] is None
    assert api.get("/v1/coupons?program=acme").json["data"] == [unlimited.json]
    api.post("/v1/coupons", change | {"max_uses": 10_001}, method="PATCH").refused(
        422, "max_uses_invalid", "max_uses"
    )
    api.post("/v1/coupons", body | {"code": "NEVER", "max_uses": 0}).refused(
        422, "max_uses_invalid", "max_uses"
    )


def test_a_code_is_ended_and_stays_its_partners(api: Api, clock: Any) -> None:
    coupon(api, "Größe")
    for _ in range(2):
        assert api.delete(f"/v1/coupons?{urlencode({'program': 'acme', 'code': 'GRÖSSE'})}").status == 204
        clock.set(clock() + timedelta(hours=1))
    (kept,) = api.get("/v1/coupons?program=acme").json["data"]
    assert kept["ends_at"] == "2026-10-15T12:00:00.000Z"
    coupon(api, "größe", "ben").refused(409, "coupon_taken", "code")


def test_a_code_that_is_not_there_cannot_be_changed(api: Api) -> None:
    coupon(api, "SAVE")
    change = {"program": "acme", "code": "NONE"}
    api.post("/v1/coupons", change, method="PATCH").refused(404, "coupon_unknown", "code")
    api.delete("/v1/coupons?program=acme&code=NONE").refused(404, "coupon_unknown", "code")
    api.delete("/v1/coupons?program=acme").refused(422, "field_required", "code")
    key = api.key("merchant", program="other")
    foreign = api.post("/v1/coupons", change | {"code": "SAVE"}, key, method="PATCH")
    foreign.refused(404, "program_unknown", "program")
    api.delete("/v1/coupons?program=acme&code=SAVE", key).refused(404, "program_unknown", "program")
