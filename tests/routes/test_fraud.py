"""Fraud rules over the API: settings, findings, what waits for a person, decisions in bulk, trials."""

from datetime import timedelta
from typing import Any

import pytest

from tests.reconciling import work
from tests.routes.api import TERMS, Api

SETTINGS = "/v1/programs/acme/fraud"
HOLDING = {"rules": {"self_referral": {"action": "hold"}}}


@pytest.fixture(autouse=True)
def _program(api: Api) -> None:
    api.program()
    api.post("/v1/programs/acme/terms", TERMS)
    api.partner()
    api.enroll()
    api.post("/v1/coupons", {"program": "acme", "partner": "anna", "code": "ANNA"})


def put(api: Api, body: object, key: str | None = None) -> Any:
    return api.post(SETTINGS, body, key, method="PUT")


def sell(api: Api, order_id: str, email: str = "anna@example.com", **changes: object) -> Any:
    order = {"program": "acme", "event": "sale", "order_id": order_id, "amount": 10_000, "currency": "EUR"}
    return api.post("/v1/conversions", order | {"coupon": "ANNA", "customer_email": email} | changes).json


def rule(view: Any, name: str) -> Any:
    return next(rule for rule in view["rules"] if rule["name"] == name)


def test_a_new_program_flags_and_says_why_each_default_is_what_it_is(api: Api) -> None:
    view = api.get(SETTINGS).json
    assert (view["version"], {rule["action"] for rule in view["rules"]}) == (0, {"flag"})
    assert len(view["rules"]) >= 20
    assert all(parameter["reason"] for rule in view["rules"] for parameter in rule["parameters"])


def test_the_recommended_set_is_one_call_and_what_is_named_goes_before_it(api: Api) -> None:
    wanted = {"recommended": True, "rules": {"injection": {"action": "off", "parameters": {"seconds": 9}}}}
    view = put(api, wanted)
    assert (view.status, view.json["version"]) == (201, 1)
    assert rule(view.json, "self_referral")["action"] == "hold"
    injection = rule(view.json, "injection")
    assert (injection["action"], injection["parameters"][0]["value"]) == ("off", 9)
    assert (put(api, wanted).status, put(api, wanted).json) == (200, view.json)
    assert api.get(SETTINGS).json == view.json
    published = [
        row for row in api.get("/v1/audit?program=acme").json["data"] if row["what"] == "fraud_settings"
    ]
    assert [row["name"] for row in published] == ["1"]


def test_every_mistake_is_told(api: Api) -> None:
    wrong = {"rules": {"telepathy": {"action": "hold"}, "velocity": {"parameters": {"times": "ten"}}}}
    answer = put(api, wrong)
    assert answer.status == 422
    assert "rules.telepathy" in answer.error["message"]
    assert "rules.velocity.parameters.times" in answer.error["message"]
    assert api.get(SETTINGS).json["version"] == 0


def test_settings_and_findings_are_the_programs_own(api: Api) -> None:
    api.program("rival")
    key = api.key("merchant", program="rival")
    api.get(SETTINGS, key).refused(404, "program_unknown", "program")
    put(api, HOLDING, key).refused(404, "program_unknown", "program")
    api.get("/v1/fraud/findings?program=acme", key).refused(404, "program_unknown", "program")
    api.get("/v1/reviews?program=acme", key).refused(404, "program_unknown", "program")
    partner = api.key("partner", partner="anna")
    assert api.get(SETTINGS, partner).status == 403


def test_what_is_held_waits_with_its_evidence_until_a_person_decides(api: Api) -> None:
    put(api, HOLDING)
    held, other = sell(api, "1"), sell(api, "2")
    assert (held["outcome"], sell(api, "3", "eve@example.com")["outcome"]) == ("held", "recorded")
    queue = api.get("/v1/reviews?program=acme").json["data"]
    assert {row["conversion"] for row in queue} == {held["id"], other["id"]}
    check = next(check for check in queue[0]["checks"] if check["name"] == "self_referral")
    assert (check["passed"], check["action"], check["version"]) == (False, "hold", 1)
    assert check["evidence"] == {"match": "self_email", "partner": "anna"}
    assert queue[0]["credits"][0]["commission"] == {"amount": 1000, "currency": "EUR"}

    review = {"program": "acme", "decision": "approve", "reason": "staff may", "conversions": [held["id"]]}
    approved = api.post("/v1/reviews", review).json["results"]
    assert approved == [{"conversion": held["id"], "status": 200, "state": "pending", "duplicate": False}]
    assert api.post("/v1/reviews", review).json["results"][0]["duplicate"] is True
    refused = {**review, "decision": "reject", "conversions": [other["id"], "cnv_nobodys", held["id"]]}
    results = api.post("/v1/reviews", refused).json["results"]
    assert [row["status"] for row in results] == [200, 404, 200]

    receipt = api.get(f"/v1/conversions/{other['id']}/receipt").json
    (done,) = receipt["adjustments"]
    assert (done["kind"], done["reason"], receipt["state"]) == ("reject", "staff may", "rejected")
    assert done["actor"].startswith("key_")
    logged = [row["name"] for row in api.get("/v1/audit?program=acme").json["data"]]
    assert f"{other['id']} review-reject" in logged


def test_a_review_says_why_and_is_about_its_own_program(api: Api) -> None:
    api.program("rival")
    sold = sell(api, "1")["id"]
    review = {"program": "acme", "decision": "approve", "reason": " ", "conversions": [sold]}
    api.post("/v1/reviews", review).refused(422, "reason_required", "reason")
    api.post("/v1/reviews", review | {"reason": "x", "decision": "refund"}).refused(
        422, "decision_invalid", "decision"
    )
    many = [f"cnv_{number}" for number in range(101)]
    api.post("/v1/reviews", review | {"reason": "x", "conversions": many}).refused(
        422, "too_many_conversions", "conversions"
    )
    results = api.post("/v1/reviews", review | {"reason": "x", "program": "rival"}).json["results"]
    assert [row["status"] for row in results] == [404]


def test_a_partner_learns_that_its_money_waits_and_not_what_was_seen(api: Api, clock: Any) -> None:
    flagged = sell(api, "1")["id"]
    clock.set(clock() + timedelta(seconds=1))
    put(api, HOLDING)
    held = sell(api, "2")["id"]
    key = api.key("partner", partner="anna")
    own, merchants = (api.get(f"/v1/conversions/{flagged}/receipt", k).json for k in (key, None))
    assert [check["name"] for check in own["checks"]] == ["confirmation"]
    assert "self_referral" in [check["name"] for check in merchants["checks"]]
    check = api.get(f"/v1/conversions/{held}/receipt", key).json["checks"][1]
    assert (check["name"], check["evidence"]) == ("self_referral", {})
    assert "e-mail" not in api.get(f"/v1/conversions/{held}/receipt", key).json["text"]


def test_a_throw_away_address_is_among_the_findings(api: Api) -> None:
    api.post("/v1/partners", {"id": "eve", "name": "Eve", "email": "eve@mailinator.com"})
    api.enroll(partner="eve")
    (finding,) = api.get("/v1/fraud/findings?program=acme").json["data"]
    assert (finding["partner"], finding["rule"], finding["action"]) == ("eve", "disposable_email", "flag")
    assert api.get("/v1/fraud/findings?program=acme&partner=anna").json["data"] == []


def test_a_trial_tells_what_rules_would_have_held_and_how_often_reviewers_agreed(
    api: Api, clock: Any, stage: Any, engine: Any
) -> None:
    fraud, honest = sell(api, "1")["id"], sell(api, "2")["id"]
    sell(api, "3")
    sell(api, "4", "carl@example.com")
    for decision, conversion in (("reject", fraud), ("approve", honest)):
        review = {"program": "acme", "decision": decision, "reason": "looked", "conversions": [conversion]}
        api.post("/v1/reviews", review)
    clock.set(clock() + timedelta(days=31))
    asked = {"program": "acme", "month": "2026-10", "rules": {"self_referral": {}}}
    started = api.post("/v1/fraud/trials", asked)
    assert started.status == 202
    work(engine, stage)
    result = api.get(f"/v1/jobs/{started.json['job']}").json["result"]
    assert (result["conversions"], result["reviews"]) == (4, {"rejected": 1, "approved": 1})
    assert result["rules"]["self_referral"] == {
        "conversions": 3,
        "partners": 1,
        "rejected": 1,
        "approved": 1,
        "precision_bp": 5_000,
    }
    assert {row["review"] for row in result["conversions_stopped"]} == {"rejected", "approved", None}
    assert api.get("/v1/reviews?program=acme").json["data"] == []


def test_rules_to_try_are_reviewed_first(api: Api) -> None:
    asked = {"program": "acme", "month": "2026-10", "rules": {"telepathy": {}}}
    api.post("/v1/fraud/trials", asked).refused(422, "rule_unknown", "rules.telepathy")
    api.post("/v1/fraud/trials", asked | {"rules": {}, "month": "soon"}).refused(
        422, "month_invalid", "month"
    )
