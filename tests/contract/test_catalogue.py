"""Programs, terms, partners, enrolments, coupons and keys."""

import pytest

from tests.contract.outside import NOVEMBER_10, wait_for

A_PROGRAM = {
    "name": "A shop",
    "domains": ["shop.example"],
    "currency": "EUR",
    "consent": "granted",
}
TERMS = {
    "attribution": {"model": "last", "window_days": 30, "coupon": "beats_click"},
    "hold_days": 14,
    "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
}


def test_a_program_leads_to_its_first_domain_unless_it_says_otherwise(stack):
    body = {**A_PROGRAM, "id": "defaults-1", "domains": ["first.example", "second.example"]}
    program = stack.api("POST", "/v1/programs", body).expect(201).json
    assert program["id"] == "defaults-1"
    assert program["default_url"] == "https://first.example/"


def test_a_program_takes_every_field_of_the_contract(stack):
    body = {
        **A_PROGRAM,
        "id": "everything-1",
        "default_url": "https://shop.example/start",
        "timezone": "Europe/Berlin",
        "click_param": "click",
        "fallback_url": "https://shop.example/gone",
        "methods": ["pixel", "api"],
        "trust_browser": True,
        "settle_in": "EUR",
        "late_days": 5,
        "consent": "required",
    }
    stack.api("POST", "/v1/programs", body).expect(201)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "No Slug!"}, "id"),
        ({"id": ""}, "id"),
        ({"domains": []}, "domains"),
        ({"domains": ["https://shop.example/"]}, "domains"),
        ({"domains": "shop.example"}, "domains"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "XTS"}, "currency"),
        ({"currency": "XAU"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"settle_in": "XAG"}, "settle_in"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"consent": "maybe"}, "consent"),
        ({"methods": ["telepathy"]}, "methods"),
        ({"default_url": "https://elsewhere.example/"}, "default_url"),
        ({"default_url": "javascript:alert(1)"}, "default_url"),
        ({"late_days": -1}, "late_days"),
        ({"name": 7}, "name"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_program_that_cannot_be_right_is_refused_and_the_field_named(stack, change, field):
    answer = stack.api("POST", "/v1/programs", {"id": "wrong-1", **A_PROGRAM, **change})
    answer.refused(422)
    assert answer.json["error"]["field"].startswith(field)


@pytest.mark.parametrize("missing", ["name", "domains", "currency"])
def test_a_program_without_a_field_that_it_needs_is_refused(stack, missing):
    body = {"id": "wanting-1", **A_PROGRAM}
    del body[missing]
    stack.api("POST", "/v1/programs", body).refused(422)


def test_a_program_id_is_taken_once(shop, stack):
    other = {**A_PROGRAM, "id": shop.id, "name": "Somebody else's"}
    stack.api("POST", "/v1/programs", other).refused(409)


def test_terms_are_versions_that_are_added_and_never_edited(shop, stack):
    stack.at("2026-11-11T00:00:00Z")
    shop.terms(window_days=60, commissions=[{"event": "sale", "kind": "flat", "amount": 500}])
    listed = stack.api("GET", f"/v1/programs/{shop.id}/terms").expect(200).json
    assert len(listed["data"]) == 2
    assert listed["next_cursor"] is None
    by_window = {terms["attribution"]["window_days"]: terms for terms in listed["data"]}
    assert by_window[30]["commissions"][0]["rate_bp"] == 1000
    assert by_window[60]["commissions"][0]["amount"] == 500
    assert stack.api("PATCH", f"/v1/programs/{shop.id}/terms", TERMS).status in {403, 404, 405}


@pytest.mark.parametrize("model", ["last", "first", "linear"])
@pytest.mark.parametrize("coupon", ["beats_click", "if_no_click", "off"])
def test_terms_take_the_models_and_coupon_rules(shop, stack, model, coupon):
    attribution = {
        "model": model,
        "window_days": 30,
        "window_days_by_method": {"pixel": 28},
        "coupon": coupon,
    }
    body = {**TERMS, "attribution": attribution}
    stack.api("POST", f"/v1/programs/{shop.id}/terms", body).expect(201)


@pytest.mark.parametrize(
    "terms",
    [
        {**TERMS, "hold_days": -1},
        {**TERMS, "hold_days": 1.5},
        {**TERMS, "hold_days": "14"},
        {**TERMS, "bonus": 1},
        {**TERMS, "attribution": {"model": "best"}},
        {**TERMS, "attribution": {"model": "last", "window_days": 0.5}},
        {**TERMS, "attribution": {"model": "last", "window_days": -1}},
        {**TERMS, "attribution": {"model": "last", "coupon": "always"}},
        {**TERMS, "attribution": {"model": "last", "windowdays": 3}},
        {**TERMS, "attribution": {"model": "last", "window_days_by_method": {"telepathy": 28}}},
        {**TERMS, "commissions": [{"event": "sale", "kind": "percent"}]},
        {**TERMS, "commissions": [{"event": "sale", "kind": "flat"}]},
        {**TERMS, "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 12.5}]},
        {**TERMS, "commissions": [{"event": "sale", "kind": "percent", "rate_bp": -1}]},
        {**TERMS, "commissions": [{"event": "sale", "kind": "generous", "rate_bp": 1}]},
        {**TERMS, "commissions": [{"event": "sale", "kind": "flat", "amount": 2**53}]},
        {**TERMS, "commissions": [{"kind": "percent", "rate_bp": 1000}]},
        {**TERMS, "commissions": {"sale": 1000}},
        {},
    ],
)
def test_terms_that_cannot_be_right_are_refused(stack, closed_shop, terms):
    stack.api("POST", f"/v1/programs/{closed_shop.id}/terms", terms).refused(422)
    assert len(stack.api("GET", f"/v1/programs/{closed_shop.id}/terms").json["data"]) == 1


def test_terms_of_no_program_are_not_found(stack):
    stack.api("POST", "/v1/programs/nobodys/terms", TERMS).refused(404)
    stack.api("GET", "/v1/programs/nobodys/terms").refused(404)


def test_enrolling_answers_with_a_default_link_that_works(shop, stack):
    stack.api("POST", "/v1/partners", {"id": f"p-{shop.id}", "name": "P", "email": "p@example.com"})
    link = shop.enroll(f"p-{shop.id}").expect(201).json["link"]
    assert link["url"].endswith(f"/{link['code']}")
    assert link["code"] in link["qr_url"]
    assert shop.visitor().follow(link["code"]).expect(302).location.startswith("https://shop.example/")


def test_enrolling_again_makes_no_second_link(shop):
    anna = shop.partner()
    again = shop.enroll(anna.id).expect(200, 201, 409)
    if again.status != 409:
        assert again.json["link"]["code"] == anna.code


def test_a_partner_without_an_id_is_given_a_prefixed_one(stack):
    partner = stack.api("POST", "/v1/partners", {"name": "Ben", "email": "ben@example.com"})
    assert partner.expect(201).json["id"].startswith("ptn_")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "No address"},
        {"email": "nobody@example.com"},
        {"name": "X", "email": "not an address"},
        {"name": "X", "email": "x@example.com", "id": "../x"},
        {"name": "X", "email": "x@example.com", "admin": True},
    ],
)
def test_a_partner_that_cannot_be_right_is_refused(stack, body):
    stack.api("POST", "/v1/partners", body).refused(422)


def test_only_a_partner_that_exists_is_enrolled_and_only_in_a_program_that_exists(shop, stack):
    anna = shop.partner()
    shop.enroll("nobody-at-all").refused(404, 422)
    answer = stack.api("POST", "/v1/programs/nobodys/enrollments", {"partner": anna.id})
    answer.refused(404)


def test_a_coupon_belongs_to_one_partner(shop):
    anna, ben = shop.partner("anna"), shop.partner("ben")
    shop.coupon(anna, "SAVE10").expect(201)
    shop.coupon(ben, "SAVE10").refused(409)
    shop.coupon(ben, " ｓave10 ").refused(409)


def test_the_same_coupon_may_be_another_programs_too(a_shop):
    here, there = a_shop(), a_shop()
    here.coupon(here.partner(), "SAVE10").expect(201)
    there.coupon(there.partner(), "SAVE10").expect(201)


def test_a_coupon_of_a_partner_that_is_not_enrolled_is_refused(a_shop):
    here, there = a_shop(), a_shop()
    here.coupon(there.partner(), "SAVE10").refused(404, 409, 422)


def test_a_key_works_until_it_is_deleted(shop, stack):
    made = stack.api("POST", "/v1/keys", {"scopes": ["merchant"], "program": shop.id}).expect(201).json
    shop.tell(shop.order(), key=made["key"]).expect(201)
    stack.api("DELETE", f"/v1/keys/{made['id']}").expect(200, 204)
    wait_for(lambda: shop.tell(shop.order(), key=made["key"]).status == 401)


def test_a_key_is_shown_once(shop, stack):
    made = stack.api("POST", "/v1/keys", {"scopes": ["merchant"], "program": shop.id}).expect(201).json
    again = stack.api("GET", f"/v1/keys/{made['id']}")
    assert made["key"].encode() not in again.body


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "admin"},
        {"scopes": ["merchant"]},
        {"scopes": ["partner"]},
        {},
    ],
)
def test_a_key_without_a_bounded_scope_is_refused(stack, body):
    stack.api("POST", "/v1/keys", body).refused(422)


def test_a_signing_secret_is_made_in_the_standards_form(shop, stack):
    secret = stack.api("POST", f"/v1/programs/{shop.id}/secrets", {}).expect(201).json
    assert secret["id"]
    assert secret["secret"].startswith("whsec_")


def test_openapi_describes_every_json_route_and_needs_no_key(stack):
    document = stack.http("GET", "/v1/openapi.json").expect(200).json
    assert document["openapi"].startswith("3.")
    described = {
        (method.upper(), path) for path, operations in document["paths"].items() for method in operations
    }
    shape = {
        (method, "/".join("{}" if "{" in part else part for part in path.split("/")))
        for method, path in described
    }
    assert shape >= {
        ("POST", "/v1/programs"),
        ("POST", "/v1/programs/{}/terms"),
        ("GET", "/v1/programs/{}/terms"),
        ("POST", "/v1/programs/{}/secrets"),
        ("POST", "/v1/programs/{}/enrollments"),
        ("POST", "/v1/keys"),
        ("DELETE", "/v1/keys/{}"),
        ("POST", "/v1/partners"),
        ("POST", "/v1/links"),
        ("GET", "/v1/links/{}"),
        ("PATCH", "/v1/links/{}"),
        ("DELETE", "/v1/links/{}"),
        ("POST", "/v1/coupons"),
        ("POST", "/v1/conversions"),
        ("POST", "/v1/conversions/batch"),
        ("GET", "/v1/conversions"),
        ("GET", "/v1/conversions/{}"),
        ("GET", "/v1/conversions/{}/receipt"),
        ("POST", "/v1/conversions/{}/adjustments"),
        ("POST", "/v1/identities"),
        ("GET", "/v1/ledgers"),
        ("GET", "/v1/ledgers/{}/{}"),
        ("GET", "/v1/stats"),
    }


def test_the_clock_is_what_everything_reads(shop, stack):
    anna = shop.partner()
    stack.at("2026-11-12T08:30:00Z")
    conversion = shop.sell(click_id=shop.clicked(anna))
    touch = shop.receipt(conversion)["path"][0]
    assert touch["at"].startswith("2026-11-12T08:30:00")
    stack.at(NOVEMBER_10)
