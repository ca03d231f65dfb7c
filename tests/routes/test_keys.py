"""Keys and signing secrets, as their routes answer."""

from datetime import timedelta
from typing import Any

import pytest

from tests.routes.api import Api


@pytest.fixture(autouse=True)
def _catalogue(api: Api) -> None:
    api.program("acme")
    api.program("other")
    api.partner()


def test_a_key_is_shown_once_and_works_until_it_is_withdrawn(api: Api) -> None:
    made = api.post("/v1/keys", {"scopes": ["merchant"], "program": "acme"})
    assert made.status == 201
    assert made.json["key"].startswith("llk_")
    assert api.get("/v1/programs/acme", made.json["key"]).status == 200
    listed = api.get("/v1/keys")
    assert made.json["id"] in [row["id"] for row in listed.json["data"]]
    assert made.json["key"].encode() not in listed.raw
    assert b"digest" not in listed.raw
    assert api.delete(f"/v1/keys/{made.json['id']}").status == 204
    api.get("/v1/programs/acme", made.json["key"]).refused(401, "unauthenticated")
    api.delete(f"/v1/keys/{made.json['id']}").refused(404, "key_unknown")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "admin"}, "scopes"),
        ({"scopes": ["root"]}, "scopes[0]"),
        ({"scopes": ["admin", "merchant"], "program": "acme"}, "scopes"),
        ({"scopes": ["admin"], "program": "acme"}, "program"),
        ({"scopes": ["merchant"]}, "program"),
        ({"scopes": ["merchant"], "program": "acme", "partner": "anna"}, "program"),
        ({"scopes": ["partner"]}, "partner"),
    ],
)
def test_a_key_without_one_bounded_scope_is_refused(api: Api, body: Any, field: str) -> None:
    answer = api.post("/v1/keys", body)
    assert (answer.status, answer.error["field"]) == (422, field)


def test_a_key_is_bound_to_what_exists(api: Api) -> None:
    api.post("/v1/keys", {"scopes": ["merchant"], "program": "nobodys"}).refused(
        404, "program_unknown", "program"
    )
    api.post("/v1/keys", {"scopes": ["partner"], "partner": "nobody"}).refused(
        404, "partner_unknown", "partner"
    )


def test_keys_are_listed_page_by_page(api: Api) -> None:
    made = {api.post("/v1/keys", {"scopes": ["admin"]}).json["id"] for _ in range(4)}
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get("/v1/keys?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
    assert made < set(seen)


def test_only_an_administrator_deals_in_keys(api: Api) -> None:
    for key in (api.key("merchant", program="acme"), api.key("partner", partner="anna")):
        api.post("/v1/keys", {"scopes": ["admin"]}, key).refused(403, "scope_missing")
        api.get("/v1/keys", key).refused(403, "scope_missing")
        api.delete("/v1/keys/key_x", key).refused(403, "scope_missing")


def test_a_rotated_key_goes_on_beside_its_successor_for_a_while(api: Api, clock: Any) -> None:
    old = api.post("/v1/keys", {"scopes": ["merchant"], "program": "acme"}).json
    new = api.post(f"/v1/keys/{old['id']}/rotate", {"overlap_hours": 2})
    assert (new.status, new.json["replaces"], new.json["old_expires_at"]) == (
        201,
        old["id"],
        "2026-10-15T14:00:00.000Z",
    )
    assert (new.json["scopes"], new.json["program"]) == (old["scopes"], old["program"])
    for key in (old, new.json):
        assert api.get("/v1/programs/acme", key["key"]).status == 200
    api.post(f"/v1/keys/{old['id']}/rotate", {}).refused(409, "key_rotated")
    clock.set(clock.now + timedelta(hours=2))
    api.get("/v1/programs/acme", old["key"]).refused(401, "unauthenticated")
    assert api.get("/v1/programs/acme", new.json["key"]).status == 200
    api.post(f"/v1/keys/{old['id']}/rotate", {}).refused(404, "key_unknown")


@pytest.mark.parametrize("hours", [-1, 721, 2**53 - 1])
def test_an_overlap_is_bounded(api: Api, hours: int) -> None:
    made = api.post("/v1/keys", {"scopes": ["admin"]}).json["id"]
    api.post(f"/v1/keys/{made}/rotate", {"overlap_hours": hours}).refused(
        422, "overlap_invalid", "overlap_hours"
    )
    api.post("/v1/keys/key_x/rotate", {}).refused(404, "key_unknown")


def test_a_key_shows_the_day_of_its_last_use(api: Api, clock: Any) -> None:
    made = api.post("/v1/keys", {"scopes": ["merchant"], "program": "acme"}).json

    def used_on() -> Any:
        return next(row["used_on"] for row in api.get("/v1/keys").json["data"] if row["id"] == made["id"])

    assert used_on() is None
    api.get("/v1/programs/acme", made["key"])
    assert used_on() == "2026-10-15"
    clock.set(clock.now + timedelta(days=3))
    api.get("/v1/programs/acme", made["key"] + "x")
    assert used_on() == "2026-10-15"
    api.get("/v1/programs/acme", made["key"])
    assert used_on() == "2026-10-18"


class TestSecrets:
    PATH = "/v1/programs/acme/secrets"

    def test_two_may_be_live_and_each_is_shown_once(self, api: Api) -> None:
        first, second = api.post(self.PATH, {}), api.send("POST", self.PATH)
        assert (first.status, second.status) == (201, 201)
        assert first.json["secret"].startswith("whsec_")
        api.post(self.PATH, {}).refused(409, "secrets_full")
        listed = api.get(self.PATH)
        assert {row["id"] for row in listed.json["data"]} == {first.json["id"], second.json["id"]}
        assert b"whsec_" not in listed.raw
        assert api.delete(f"{self.PATH}/{first.json['id']}").status == 204
        api.delete(f"{self.PATH}/{first.json['id']}").refused(404, "secret_unknown")
        assert api.post(self.PATH, {}).status == 201

    def test_a_merchant_deals_in_its_own_alone(self, api: Api) -> None:
        key = api.key("merchant", program="acme")
        made = api.post(self.PATH, {}, key)
        assert made.status == 201
        others = "/v1/programs/other/secrets"
        api.post(others, {}, key).refused(404, "program_unknown", "program")
        api.get(others, key).refused(404, "program_unknown", "program")
        api.delete(f"{others}/{made.json['id']}", key).refused(404, "program_unknown", "program")
        api.delete(f"{others}/{made.json['id']}").refused(404, "secret_unknown")
