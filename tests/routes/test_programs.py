"""Programs and their terms, as their routes answer."""

from datetime import timedelta
from typing import Any

import pytest

from tests.routes.api import TERMS, Api


def test_a_program_is_created_with_its_defaults(api: Api) -> None:
    answer = api.program()
    assert answer.status == 201
    token = answer.json["postback_token"]
    assert answer.json == {
        "id": "acme",
        "name": "Acme",
        "domains": ["shop.example.com"],
        "currency": "EUR",
        "default_url": "https://shop.example.com/",
        "timezone": "UTC",
        "click_param": "ll_click",
        "fallback_url": None,
        "methods": sorted(answer.json["methods"]),
        "trust_browser": False,
        "settle_in": None,
        "late_days": 3,
        "consent": "granted",
        "utm": {},
        "postback_token": token,
        "created_at": "2026-10-15T12:00:00.000Z",
    }
    assert len(answer.json["methods"]) == 10
    assert len(token) == 32


def test_creating_it_again_answers_the_one_that_is_there(api: Api, clock: Any) -> None:
    first = api.program()
    clock.set(clock() + timedelta(days=1))
    again = api.program()
    assert (again.status, again.json) == (200, first.json)


@pytest.mark.parametrize("taken", ["sign-in", "sign-out"])
def test_an_id_is_no_address_of_the_console(api: Api, taken: str) -> None:
    fields = {"id": taken, "name": "Acme", "domains": ["shop.example.com"], "currency": "EUR"}
    api.post("/v1/programs", fields | {"consent": "exempt"}).refused(422, "id_reserved", "id")


def test_other_settings_under_the_same_id_are_a_conflict(api: Api) -> None:
    api.program()
    api.program(name="Other").refused(409, "program_exists", "id")
    assert api.get("/v1/programs/acme").json["name"] == "Acme"


def test_every_setting_is_kept(api: Api) -> None:
    settings = {
        "default_url": "https://shop.example.com/start",
        "timezone": "Europe/Berlin",
        "click_param": "cid",
        "fallback_url": "https://m.shop.example.com/gone",
        "methods": ["api", "pixel"],
        "trust_browser": True,
        "settle_in": "USD",
        "late_days": 0,
        "consent": "required",
        "utm": {"utm_source": "partner", "utm_medium": "{partner}"},
    }
    assert api.program(**settings).status == 201
    kept = api.get("/v1/programs/acme").json
    assert {name: kept[name] for name in settings} == settings


def test_everything_that_is_wrong_is_listed(api: Api) -> None:
    answer = api.program(domains=["https://x.example/"], currency="XXX", late_days=31)
    answer.refused(422, "domain_invalid", "domains[0]")
    for field in ("domains[0]", "currency", "late_days"):
        assert f"{field}: " in answer.error["message"]
    api.get("/v1/programs/acme").refused(404, "program_unknown", "program")


def test_a_host_is_kept_as_urls_name_it(api: Api) -> None:
    assert api.program(domains=["Bücher.example"]).json["default_url"] == "https://xn--bcher-kva.example/"


def test_settings_change_but_not_what_past_months_rest_on(api: Api) -> None:
    api.program()
    path = "/v1/programs/acme"
    changed = api.post(path, {"trust_browser": True, "methods": ["api"]}, method="PATCH")
    assert (changed.status, changed.json["trust_browser"], changed.json["methods"]) == (200, True, ["api"])
    assert api.get(path).json == changed.json
    for name, value in {"currency": "USD", "timezone": "UTC", "settle_in": "USD", "id": "x"}.items():
        api.post(path, {name: value}, method="PATCH").refused(422, "field_unknown", name)
    api.post(path, {"domains": ["other.example"]}, method="PATCH").refused(
        422, "url_not_allowed", "default_url"
    )


def test_programs_are_listed_page_by_page(api: Api) -> None:
    for number in range(5):
        api.program(f"p{number}")
    first = api.get("/v1/programs?limit=3").json
    second = api.get(f"/v1/programs?limit=3&cursor={first['next_cursor']}").json
    assert [row["id"] for row in first["data"] + second["data"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert second["next_cursor"] is None


def test_a_merchant_sees_its_own_program_and_no_other(api: Api) -> None:
    api.program("acme")
    api.program("other")
    key = api.key("merchant", program="acme")
    assert [row["id"] for row in api.get("/v1/programs", key).json["data"]] == ["acme"]
    missing = api.get("/v1/programs/nobodys", key)
    others = api.get("/v1/programs/other", key)
    assert (missing.status, missing.raw) == (others.status, others.raw)
    missing.refused(404, "program_unknown", "program")
    api.post("/v1/programs/other", {"name": "Mine"}, key, "PATCH").refused(404, "program_unknown", "program")
    api.post("/v1/programs/other/terms", TERMS, key).refused(404, "program_unknown", "program")
    api.get("/v1/programs/other/terms", key).refused(404, "program_unknown", "program")


def test_neither_merchants_nor_partners_create_programs(api: Api) -> None:
    api.program()
    api.partner()
    wanted = {"id": "grab", "name": "x", "domains": ["x.example"], "currency": "EUR"}
    for key in (api.key("merchant", program="acme"), api.key("partner", partner="anna")):
        api.post("/v1/programs", wanted, key).refused(403, "scope_missing")


class TestTerms:
    @pytest.fixture(autouse=True)
    def _program(self, api: Api) -> None:
        api.program()

    def publish(self, api: Api, **changes: Any) -> Any:
        return api.post("/v1/programs/acme/terms", TERMS | changes)

    def test_a_version_is_in_force_from_now_on(self, api: Api) -> None:
        answer = self.publish(api)
        assert answer.status == 201
        assert answer.json == {
            "program": "acme",
            "version": 1,
            "starts_at": "2026-10-15T12:00:00.000Z",
            "attribution": {
                "model": "last",
                "window_days": 30,
                "window_days_by_method": {"pixel": 28},
                "window_days_by_event": {},
                "half_life_days": 7,
                "weights": [40, 20, 40],
                "coupon": "beats_click",
                "channel_weights": {},
                "groups": {},
                "priority": [],
                "stand_down": [],
                "lock": None,
            },
            "hold_days": 14,
            "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
            "monthly": [],
        }

    def test_versions_are_added_and_listed_in_order(self, api: Api, clock: Any) -> None:
        for days in (0, 7, 14):
            clock.set(clock() + timedelta(hours=1))
            assert self.publish(api, hold_days=days).status == 201
        page = api.get("/v1/programs/acme/terms?limit=2").json
        rest = api.get(f"/v1/programs/acme/terms?limit=2&cursor={page['next_cursor']}").json
        assert [(row["version"], row["hold_days"]) for row in page["data"] + rest["data"]] == [
            (1, 0),
            (2, 7),
            (3, 14),
        ]

    def test_the_pixel_has_28_days_unless_stated_and_never_more_than_the_others(self, api: Api) -> None:
        def windows(**attribution: Any) -> Any:
            return self.publish(api, attribution=attribution).json["attribution"]["window_days_by_method"]

        assert windows(window_days=90) == {"pixel": 28}
        assert windows(window_days=7) == {"pixel": 7}
        assert windows(window_days=7, window_days_by_method={"pixel": 60, "tag": 1}) == {
            "pixel": 60,
            "tag": 1,
        }

    def test_money_is_held_for_30_days_unless_stated(self, api: Api) -> None:
        body = {"commissions": TERMS["commissions"]}
        assert api.post("/v1/programs/acme/terms", body).json["hold_days"] == 30

    def test_all_that_is_wrong_is_listed_and_nothing_published(self, api: Api) -> None:
        commissions = [{"event": "sale", "kind": "percent"}, {"event": "sale", "kind": "flat", "rate_bp": 1}]
        answer = self.publish(api, hold_days=400, commissions=commissions)
        answer.refused(422, "out_of_range", "hold_days")
        for field in ("hold_days", "commissions[0].rate_bp", "commissions[1].amount", "commissions[1].event"):
            assert f"{field}: " in answer.error["message"]
        assert api.get("/v1/programs/acme/terms").json["data"] == []

    def test_the_path_of_a_wrong_type_is_in_our_notation(self, api: Api) -> None:
        rule = {"event": "sale", "kind": "percent", "rate_bp": "1000"}
        self.publish(api, commissions=[rule]).refused(422, "field_invalid", "commissions[0].rate_bp")
        self.publish(api, attribution={"weights": [1, 2]}).refused(
            422, "field_invalid", "attribution.weights"
        )

    def test_a_partner_reads_the_terms_of_programs_it_is_in(self, api: Api) -> None:
        self.publish(api)
        api.partner()
        key = api.key("partner", partner="anna")
        api.get("/v1/programs/acme/terms", key).refused(404, "program_unknown", "program")
        api.enroll()
        assert len(api.get("/v1/programs/acme/terms", key).json["data"]) == 1

    def test_terms_of_no_program_are_not_found(self, api: Api) -> None:
        api.post("/v1/programs/nobodys/terms", TERMS).refused(404, "program_unknown", "program")
        api.get("/v1/programs/nobodys/terms").refused(404, "program_unknown", "program")

    def test_groups_tiers_and_narrow_rules_are_answered_as_they_were_stated(self, api: Api) -> None:
        attribution = {
            "model": "channel_weights",
            "coupon": "if_in_path",
            "channel_weights": {"creators": 3, "partner": 1},
            "groups": {"creators": ["anna"], "coupons": ["ben"]},
            "priority": ["creators"],
        }
        tiers = [{"from_amount": 0, "rate_bp": 500}, {"from_amount": 10_000, "rate_bp": 800}]
        commissions = [
            {"event": "sale", "kind": "percent", "rate_bp": 1000, "exclude": ["tax"], "min_order": 100},
            {
                "event": "sale",
                "kind": "tiered",
                "tiers": tiers,
                "tier_mode": "retroactive",
                "group": "creators",
            },
            {"event": "sale", "kind": "flat", "amount": 300, "partner": "ben", "sku": "boots", "cap": 900},
        ]
        body = {"attribution": attribution, "commissions": commissions}
        answered = api.post("/v1/programs/acme/terms", body).json
        assert answered["commissions"] == commissions
        assert {name: answered["attribution"][name] for name in attribution} == attribution

    def test_a_partner_does_not_read_what_is_for_others(self, api: Api) -> None:
        groups = {"creators": ["anna"], "coupons": ["ben"]}
        rule = {"event": "sale", "kind": "percent", "rate_bp": 1000}
        rules = [rule, rule | {"partner": "ben"}, rule | {"group": "coupons"}, rule | {"group": "creators"}]
        api.post("/v1/programs/acme/terms", {"attribution": {"groups": groups}, "commissions": rules})
        api.partner()
        api.enroll()
        (seen,) = api.get("/v1/programs/acme/terms", api.key("partner", partner="anna")).json["data"]
        assert seen["attribution"]["groups"] == {"creators": ["anna"]}
        assert seen["commissions"] == [rule, rule | {"group": "creators"}]


class TestRates:
    """Daily exchange rates come as CSV."""

    FILE = b"date,base,quote,rate\n2026-10-01,EUR,USD,1.25\n"

    @pytest.fixture(autouse=True)
    def _program(self, api: Api) -> None:
        api.program()

    def test_they_are_added_once(self, api: Api) -> None:
        for status, added, known in ((201, 1, 0), (200, 0, 1)):
            answer = self.publish(api, self.FILE)
            assert (answer.status, answer.json) == (status, {"added": added, "known": known, "woken": 0})

    @pytest.mark.parametrize(
        ("file", "status", "code"),
        [
            (b"\xff", 400, "text_invalid"),
            (b"", 422, "file_invalid"),
            (b"date,base,quote,rate\n2026-10-01,EUR,USD,=1+1\n", 422, "rate_invalid"),
            (b'date,base,quote,rate\n"2026-10-01,EUR,USD,1\n', 422, "currency_unknown"),
        ],
    )
    def test_what_is_no_file_of_rates_is_refused(self, api: Api, file: bytes, status: int, code: str) -> None:
        answer = self.publish(api, file)
        assert (answer.status, answer.error["code"]) == (status, code)

    def publish(self, api: Api, file: bytes) -> Any:
        return api.send("POST", "/v1/programs/acme/rates?source=ecb", file, {"content-type": "text/csv"})
