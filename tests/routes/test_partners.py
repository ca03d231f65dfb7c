"""Partners and their enrolment, as their routes answer."""

import pytest

from tests.routes.api import Api


@pytest.fixture(autouse=True)
def _programs(api: Api) -> None:
    api.program("acme")
    api.program("other")


def test_a_partner_is_created_and_again_is_the_same(api: Api) -> None:
    first, again = api.partner(), api.partner()
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert first.json["id"] == "anna"


def test_a_partner_without_an_id_gets_one(api: Api) -> None:
    answer = api.post("/v1/partners", {"name": "Ben", "email": "ben@example.com"})
    assert answer.json["id"].startswith("ptn_")
    assert api.get(f"/v1/partners/{answer.json['id']}").json == answer.json


def test_other_details_under_the_same_id_are_a_conflict(api: Api) -> None:
    api.partner()
    body = {"id": "anna", "name": "Somebody", "email": "anna@example.com"}
    api.post("/v1/partners", body).refused(409, "partner_exists", "id")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"email": "a@b\r\nBcc: c@d"}, "email_invalid", "email"),
        ({"id": "../x"}, "id_invalid", "id"),
        ({"id": ""}, "id_invalid", "id"),
        ({"name": " "}, "name_invalid", "name"),
        ({"name": "a\u202eb"}, "name_invalid", "name"),
        ({"owner": "acme"}, "field_unknown", "owner"),
    ],
)
def test_a_partner_that_cannot_be_right_is_refused(
    api: Api, change: dict[str, str], code: str, field: str
) -> None:
    body = {"id": "zoe", "name": "Zoe", "email": "zoe@example.com"}
    api.post("/v1/partners", body | change).refused(422, code, field)


def test_enrolling_gives_a_default_link_and_again_the_same_one(api: Api) -> None:
    api.partner()
    first, again = api.enroll(), api.enroll()
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    code = first.json["link"]["code"]
    assert first.json["link"] == {
        "code": code,
        "url": f"https://go.example.com/{code}",
        "qr_url": f"https://go.example.com/qr/{code}.png",
    }
    link = api.stores.links.find(code)
    assert link is not None
    assert (link.program, link.partner) == ("acme", "anna")


def test_only_who_exists_is_enrolled_and_only_where_there_is_a_program(api: Api) -> None:
    api.partner()
    api.enroll(partner="nobody").refused(404, "partner_unknown", "partner")
    api.enroll(program="nobodys").refused(404, "program_unknown", "program")
    api.enroll(partner="x" * 2000).refused(404, "partner_unknown", "partner")


def test_enrolments_are_listed_page_by_page(api: Api) -> None:
    for name in ("anna", "ben", "cleo"):
        api.partner(name)
        api.enroll(partner=name)
    first = api.get("/v1/programs/acme/enrollments?limit=2").json
    second = api.get(f"/v1/programs/acme/enrollments?limit=2&cursor={first['next_cursor']}").json
    assert [row["partner"] for row in first["data"] + second["data"]] == ["anna", "ben", "cleo"]


def test_partners_are_listed_page_by_page(api: Api) -> None:
    for name in ("cleo", "anna", "ben"):
        api.partner(name)
    first = api.get("/v1/partners?limit=2").json
    second = api.get(f"/v1/partners?limit=2&cursor={first['next_cursor']}").json
    assert [row["id"] for row in first["data"] + second["data"]] == ["anna", "ben", "cleo"]


class TestTenancy:
    def test_a_merchant_brings_in_and_enrols_its_own_partners(self, api: Api) -> None:
        key = api.key("merchant", program="acme")
        assert api.partner("anna", key).status == 201
        assert api.enroll(key=key).status == 201
        assert [row["id"] for row in api.get("/v1/partners", key).json["data"]] == ["anna"]

    def test_a_merchant_sees_no_other_programs_partner(self, api: Api) -> None:
        api.partner()
        api.enroll("other")
        key = api.key("merchant", program="acme")
        missing, others = api.get("/v1/partners/nobody", key), api.get("/v1/partners/anna", key)
        assert (missing.status, missing.raw) == (others.status, others.raw)
        assert api.get("/v1/partners", key).json["data"] == []
        api.enroll(key=key).refused(404, "partner_unknown", "partner")
        api.enroll("other", key=key).refused(404, "program_unknown", "program")
        api.get("/v1/programs/other/enrollments", key).refused(404, "program_unknown", "program")

    def test_another_merchants_partner_of_the_same_details_is_not_taken_over(self, api: Api) -> None:
        api.partner("anna", api.key("merchant", program="other"))
        api.partner("anna", api.key("merchant", program="acme")).refused(409, "partner_exists", "id")

    def test_a_merchant_sees_a_partner_that_is_enrolled_with_it(self, api: Api) -> None:
        api.partner()
        api.enroll()
        assert api.get("/v1/partners/anna", api.key("merchant", program="acme")).status == 200

    def test_a_partner_sees_itself_alone(self, api: Api) -> None:
        api.partner("anna")
        api.partner("ben")
        key = api.key("partner", partner="anna")
        assert api.get("/v1/partners/anna", key).status == 200
        missing, others = api.get("/v1/partners/nobody", key), api.get("/v1/partners/ben", key)
        assert (missing.status, missing.raw) == (others.status, others.raw)
        api.get("/v1/partners", key).refused(403, "scope_missing")
        api.partner("cleo", key).refused(403, "scope_missing")
        api.enroll(key=key).refused(403, "scope_missing")
