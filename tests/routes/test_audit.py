"""The audit log over the API: every administrative change, who made it, from what to what."""

import csv
import io
import json
from typing import Any

import pytest

from chalicelib.domain.audit import HIDDEN
from tests.routes.api import TERMS, Api


def log(api: Api, query: str = "program=acme", key: str | None = None) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/audit?{query}", key)
    assert answer.status == 200, answer.json
    return answer.json["data"]


def newest(api: Api, query: str = "program=acme") -> dict[str, Any]:
    return log(api, f"{query}&limit=1")[0]


@pytest.fixture(autouse=True)
def _acme(api: Api) -> None:
    api.program("acme")


def test_a_change_names_its_actor_and_what_was_before_and_after(api: Api) -> None:
    made = api.post("/v1/keys", {"scopes": ["merchant"], "program": "acme"}).json
    assert api.post("/v1/programs/acme", {"name": "Acme 2"}, made["key"], method="PATCH").status == 200
    found = newest(api)
    assert (found["actor"], found["what"], found["action"]) == (made["id"], "program", "changed")
    assert (found["before"], found["after"]) == ({"name": "Acme"}, {"name": "Acme 2"})
    assert found["at"] == "2026-10-15T12:00:00.000Z"


def test_a_change_that_changes_nothing_is_none(api: Api) -> None:
    before = log(api)
    assert api.post("/v1/programs/acme", {"name": "Acme"}, method="PATCH").status == 200
    api.program("acme")
    assert log(api) == before


def test_everything_that_is_set_up_leaves_its_record(api: Api) -> None:
    api.partner()
    api.enroll()
    own = {"program": "acme", "partner": "anna"}
    api.post("/v1/programs/acme/terms", TERMS)
    api.post("/v1/links", {**own, "code": "summer"})
    api.post("/v1/links/summer", {"campaign": "x"}, method="PATCH")
    api.delete("/v1/links/summer")
    api.post("/v1/coupons", {**own, "code": "ANNA10"})
    api.delete("/v1/coupons?program=acme&code=ANNA10")
    api.key("merchant", program="acme")
    secret = api.post("/v1/programs/acme/secrets", {}).json["id"]
    api.delete(f"/v1/programs/acme/secrets/{secret}")
    api.post("/v1/programs/acme/hooks", {"source": "shopify", "secret": "hush-hush-hush"})
    api.delete("/v1/programs/acme/hooks/shopify")
    api.post("/v1/programs/acme/payout-settings", {"minimums": {"EUR": 100}})
    api.post("/v1/programs/acme/rates", {"csv": "date,base,quote,rate\n2026-10-01,EUR,USD,1.1\n"})
    bonus = {"id": "b1", "partner": "anna", "kind": "bonus", "amount": 5, "currency": "EUR", "reason": "x"}
    assert api.post("/v1/programs/acme/entries", bonus).status == 201
    sale = {"program": "acme", "event": "sale", "order_id": "1", "amount": 100, "currency": "EUR"}
    sold = api.post("/v1/conversions", {**sale, "coupon": "ANNA10"}).json["id"]
    api.post(f"/v1/conversions/{sold}/adjustments", {"id": "r1", "kind": "refund", "reason": "broken"})
    hook = api.post("/v1/webhooks", {"program": "acme", "url": "https://shop.example.com/h?key=hush"}).json
    api.post(f"/v1/webhooks/{hook['id']}", {"active": False}, method="PATCH")
    api.post(f"/v1/webhooks/{hook['id']}/secret", {})
    api.delete(f"/v1/webhooks/{hook['id']}")
    recorded = {(row["what"], row["action"]) for row in log(api, "program=acme&limit=200")}
    assert recorded == {
        *(("program", "created"), ("terms", "created"), ("enrollment", "created"), ("key", "created")),
        *(("link", "created"), ("link", "changed"), ("coupon", "created"), ("coupon", "changed")),
        *(("signing_secret", "created"), ("signing_secret", "removed"), ("hook", "created")),
        *(("hook", "removed"), ("payout_settings", "created"), ("rates", "created")),
        *(("entry", "created"), ("adjustment", "created")),
        *(("webhook", "created"), ("webhook", "changed"), ("webhook", "removed")),
    }
    stage = log(api, "limit=200")
    assert {(row["what"], row["program"]) for row in stage} == {("partner", None), ("key", None)}


def test_neither_secrets_nor_people_are_in_the_log(api: Api) -> None:
    api.partner()
    paypal = {"method": "paypal", "details": {"email": "anna.private@example.com"}}
    assert api.post("/v1/partners/anna/payout", {"accounts": [paypal]}).status == 200
    secret = api.post("/v1/programs/acme/secrets", {}).json["secret"]
    hook = {"program": "acme", "url": "https://shop.example.com/h?key=hush"}
    made = api.post("/v1/webhooks", hook).json
    assert api.post(f"/v1/webhooks/{made['id']}/secret", {}).json["secret"] != made["secret"]
    texts = json.dumps([log(api, "limit=200"), log(api, "program=acme&limit=200")])
    for private in ("anna@example.com", "anna.private@example.com", "Anna", secret, made["secret"], "hush"):
        assert private not in texts
    assert HIDDEN in texts


def test_a_merchant_reads_its_own_log_and_no_other(api: Api) -> None:
    api.program("other")
    key = api.key("merchant", program="acme")
    assert {row["program"] for row in log(api, "limit=200", key)} == {"acme"}
    api.get("/v1/audit?program=other", key).refused(404, "program_unknown", "program")
    api.get("/v1/audit?program=nobodys", key).refused(404, "program_unknown", "program")
    partner = api.partner() and api.key("partner", partner="anna")
    api.get("/v1/audit?program=acme", partner).refused(403, "scope_missing")


def test_the_log_is_exported_as_csv_page_by_page(api: Api) -> None:
    api.post("/v1/programs/acme", {"name": '=cmd|"x"'}, method="PATCH")
    first = api.get("/v1/audit?program=acme&format=csv&limit=1")
    assert first.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(first.raw.decode()))
    assert (row["what"], json.loads(row["after"])) == ("program", {"name": '=cmd|"x"'})
    cursor = first.headers["linkledger-next-cursor"]
    second = api.get(f"/v1/audit?program=acme&format=csv&limit=1&cursor={cursor}")
    assert [row["action"] for row in csv.DictReader(io.StringIO(second.raw.decode()))] == ["created"]


def test_the_log_is_read_by_time(api: Api, clock: Any) -> None:
    noon = "2026-10-15T12:00:00Z"
    clock.set(clock.now.replace(hour=13))
    api.post("/v1/programs/acme", {"name": "Later"}, method="PATCH")
    assert [row["action"] for row in log(api, f"program=acme&to=2026-10-15T13:00:00Z&from={noon}")] == [
        "created"
    ]
    assert [row["action"] for row in log(api, "program=acme&from=2026-10-15T12:30:00Z")] == ["changed"]
    api.get(f"/v1/audit?program=acme&from=2026-10-16T00:00:00Z&to={noon}").refused(
        422, "period_invalid", "to"
    )
    api.get("/v1/audit?program=acme&format=xml").refused(422, "format_unknown", "format")
