"""`/v1/links`: what its callers get, and whose links they reach."""

import pytest

from tests.routes.api import Answer, Api


@pytest.fixture(autouse=True)
def _enrolled(api: Api) -> None:
    api.program("acme")
    api.program("other")
    for name in ("anna", "ben"):
        api.partner(name)
        api.enroll(partner=name)


def link(api: Api, key: str | None = None, **fields: object) -> Answer:
    return api.post("/v1/links", {"program": "acme", "partner": "anna"} | fields, key)


def test_a_new_link_says_what_to_share(api: Api) -> None:
    answer = link(api, code="Summer-26", campaign="spring", sub={"sub1": "blog"}, utm={"source": "anna"})
    assert answer.status == 201
    assert answer.json["code"] == "summer-26"
    assert answer.json["url"] == "https://go.example.com/summer-26"
    assert answer.json["qr_url"] == "https://go.example.com/qr/summer-26.png"
    assert answer.json["utm"] == {"utm_source": "anna"}
    read = api.get("/v1/links/summer-26")
    assert read.json == answer.json


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"destination": "https://evil.example/"}, 422, "url_not_allowed"),
        ({"destination": "javascript:alert(1)"}, 422, "url_invalid"),
        ({"destination": "not a url"}, 422, "url_invalid"),
        ({"destination": 7}, 422, "field_invalid"),
        ({"code": "portal"}, 422, "code_reserved"),
        ({"code": "a/b"}, 422, "code_invalid"),
        ({"utm": {"utm_colour": "red"}}, 422, "utm_invalid"),
        ({"sub": {"sub11": "x"}}, 422, "sub_invalid"),
        ({"campaign": "x" * 101}, 422, "campaign_invalid"),
        ({"campaign": "a\r\nb"}, 422, "campaign_invalid"),
        ({"tags": ["x"] * 21}, 422, "tag_invalid"),
        ({"expires_at": "tomorrow"}, 422, "time_invalid"),
        ({"partner": "nobody"}, 404, "partner_not_enrolled"),
        ({"program": "nothing"}, 404, "program_unknown"),
    ],
)
def test_a_link_that_cannot_be_is_refused(
    api: Api, fields: dict[str, object], status: int, code: str
) -> None:
    answer = link(api, **fields)
    assert (answer.status, answer.error["code"]) == (status, code)


def test_a_taken_code_says_so(api: Api) -> None:
    link(api, code="mine")
    link(api, code="MINE", partner="ben").refused(409, "code_taken", "code")


def test_a_link_is_changed_paused_and_its_history_kept(api: Api) -> None:
    link(api, code="mine", destination="https://shop.example.com/a", campaign="one")
    changed = api.post(
        "/v1/links/mine",
        {"destination": "https://shop.example.com/b", "state": "paused", "campaign": ""},
        method="PATCH",
    )
    assert changed.status == 200
    assert (changed.json["destination"], changed.json["state"]) == ("https://shop.example.com/b", "paused")
    assert changed.json["campaign"] is None
    (earlier,) = api.get("/v1/links/mine/history").json["data"]
    assert earlier["link"]["destination"] == "https://shop.example.com/a"
    assert earlier["replaced_at"] == "2026-10-15T12:00:00.000Z"


def test_an_expiry_can_be_set_and_taken_away(api: Api) -> None:
    link(api, code="mine", expires_at="2027-01-01T00:00:00Z")
    assert api.get("/v1/links/mine").json["expires_at"] == "2027-01-01T00:00:00.000Z"
    api.post("/v1/links/mine", {"expires_at": ""}, method="PATCH")
    assert api.get("/v1/links/mine").json["expires_at"] is None


def test_a_deleted_link_is_unknown(api: Api) -> None:
    link(api, code="mine")
    assert api.delete("/v1/links/mine").status == 204
    api.get("/v1/links/mine").refused(404, "link_unknown", "code")
    api.delete("/v1/links/mine").refused(404, "link_unknown", "code")


def test_the_list_pages_through_a_program(api: Api) -> None:
    for number in range(3):
        link(api, code=f"code-{number}")
    first = api.get("/v1/links?program=acme&limit=3").json
    rest = api.get(f"/v1/links?program=acme&limit=3&cursor={first['next_cursor']}").json
    codes = [row["code"] for row in first["data"] + rest["data"]]
    assert len(set(codes)) == 5
    assert rest["next_cursor"] is None


def test_a_partner_sees_and_changes_its_own_links_alone(api: Api) -> None:
    anna, ben = (api.key("partner", program="acme", partner=name) for name in ("anna", "ben"))
    assert link(api, anna, code="annas").status == 201
    link(api, ben).refused(404, "partner_unknown", "partner")
    api.get("/v1/links/annas", ben).refused(404, "link_unknown", "code")
    api.delete("/v1/links/annas", ben).refused(404, "link_unknown", "code")
    partners = {row["partner"] for row in api.get("/v1/links?program=acme", ben).json["data"]}
    assert partners == {"ben"}


def test_another_programs_merchant_does_not_find_the_link(api: Api) -> None:
    link(api, code="mine")
    other = api.key("merchant", program="other")
    api.get("/v1/links/mine", other).refused(404, "link_unknown", "code")
    api.get("/v1/links?program=acme", other).refused(404, "program_unknown", "program")


def test_many_links_come_from_a_csv(api: Api) -> None:
    text = "partner,code,utm_source\nanna,one,news\nnobody,two,\n"
    answer = api.post("/v1/programs/acme/links", {"csv": text})
    one, two = answer.json["data"]
    assert (one["row"], one["link"]["code"], one["error"]) == (1, "one", None)
    assert (two["row"], two["link"], two["error"]["code"]) == (2, None, "partner_not_enrolled")
    api.post("/v1/programs/acme/links", {"csv": "colour\nred"}).refused(422, "csv_invalid", "csv")


@pytest.mark.parametrize("path", ["/v1/links", "/v1/links/x", "/v1/stats"])
def test_without_a_key_there_is_nothing(api: Api, path: str) -> None:
    assert api.send("GET", path, key="").status == 401


class TestPictures:
    """`/qr/{file}`."""

    @pytest.mark.parametrize(("file", "kind"), [("mine.png", "image/png"), ("MINE.svg", "image/svg+xml")])
    def test_a_code_comes_as_a_picture_that_may_be_kept(self, api: Api, file: str, kind: str) -> None:
        link(api, code="mine")
        answer = api.send("GET", f"/qr/{file}?size=200&level=H", key="")
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == "public, max-age=86400"

    @pytest.mark.parametrize(
        ("file", "status"),
        [("nobody.png", 404), ("mine.gif", 404), ("mine", 404), (".png", 404), ("mine.png?size=0", 422)],
    )
    def test_a_picture_of_nothing_is_refused(self, api: Api, file: str, status: int) -> None:
        link(api, code="mine")
        assert api.send("GET", f"/qr/{file}", key="").status == status
