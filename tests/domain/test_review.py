"""Reviews find every problem, and let through what is right."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.commission import KINDS
from chalicelib.domain.errors import Refused
from chalicelib.domain.program import Method, Program
from chalicelib.domain.review import normal_domain, refuse, review_program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms, Tier
from chalicelib.domain.terms_review import review_terms

AT = datetime(2026, 10, 1, tzinfo=UTC)
PROGRAM = Program("acme", "Acme", ("shop.example",), "EUR", "https://shop.example/", AT, "t")
TERMS = Terms("acme", 1, AT, Attribution(), 30, (CommissionRule("sale", "percent", rate_bp=1000),))


def found(problems: Any) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in problems]


def test_what_is_right_has_no_problems() -> None:
    assert review_program(PROGRAM) == []
    assert review_terms(TERMS) == []
    refuse([])


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"id": "No Slug"}, "id_invalid", "id"),
        ({"name": "  "}, "name_invalid", "name"),
        ({"name": "a\nb"}, "name_invalid", "name"),
        ({"name": "x" * 201}, "name_invalid", "name"),
        ({"domains": ()}, "out_of_range", "domains"),
        ({"domains": ("shop.example",) * 51}, "out_of_range", "domains"),
        ({"domains": ("shop.example", "http://x")}, "domain_invalid", "domains[1]"),
        ({"currency": "XAU"}, "currency_unknown", "currency"),
        ({"settle_in": "XXX"}, "currency_unknown", "settle_in"),
        ({"timezone": "Mars/Olympus"}, "timezone_unknown", "timezone"),
        ({"click_param": "a=b"}, "click_param_invalid", "click_param"),
        ({"click_param": "utm_source"}, "click_param_invalid", "click_param"),
        ({"click_param": "url"}, "click_param_invalid", "click_param"),
        ({"methods": frozenset()}, "out_of_range", "methods"),
        ({"late_days": -1}, "out_of_range", "late_days"),
        ({"late_days": 31}, "out_of_range", "late_days"),
        ({"default_url": "https://elsewhere.example/"}, "url_not_allowed", "default_url"),
        ({"default_url": "javascript:alert(1)"}, "url_invalid", "default_url"),
        ({"fallback_url": "https://shop.example.evil.example/"}, "url_not_allowed", "fallback_url"),
        ({"fallback_url": "//shop.example"}, "url_invalid", "fallback_url"),
        ({"utm": {"utm_nonsense": "x"}}, "utm_invalid", "utm.utm_nonsense"),
    ],
)
def test_each_setting_of_a_program_is_checked(change: dict[str, Any], code: str, field: str) -> None:
    assert found(review_program(replace(PROGRAM, **change))) == [(code, field)]


@pytest.mark.parametrize(
    "domain", ["shop.example.com", "localhost", "127.0.0.1", "xn--bcher-kva.example", "a_b.example"]
)
def test_a_plain_host_is_a_domain(domain: str) -> None:
    assert normal_domain(domain) == domain


@pytest.mark.parametrize(
    ("given", "normal"), [("SHOP.Example", "shop.example"), ("Bücher.example", "xn--bcher-kva.example")]
)
def test_a_host_has_a_normal_form(given: str, normal: str) -> None:
    assert normal_domain(given) == normal


@pytest.mark.parametrize(
    "given",
    [
        "",
        "com",
        "https://shop.example",
        "shop.example:8000",
        "shop.example/",
        "shop.example.",
        ".shop.example",
        "shop..example",
        "*.shop.example",
        "user@shop.example",
        "shop.example#x",
        "shop.example?x",
        "shop\\.example",
        "shop .example",
        "shop.example\n",
        "0x7f.1",
        "127.1",
        "2130706433",
        "[::1]",
        "-.example",
        "x" * 64 + ".example",
        "a." * 130 + "example",
        "%73hop.example",
    ],
)
def test_what_is_no_plain_host_is_no_domain(given: str) -> None:
    assert normal_domain(given) is None


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"model": "best"}, "model_unknown", "model"),
        ({"window_days": 0}, "out_of_range", "window_days"),
        ({"window_days": 366}, "out_of_range", "window_days"),
        ({"window_days_by_method": {Method.TAG: 0}}, "out_of_range", "window_days_by_method.tag"),
        ({"window_days_by_event": {"lead": 0}}, "out_of_range", "window_days_by_event.lead"),
        ({"window_days_by_event": {"a\x00": 1}}, "event_invalid", "window_days_by_event"),
        ({"stand_down": ("https://pay.example.com",)}, "domain_invalid", "stand_down[0]"),
        ({"stand_down": ("Shop.example.com",)}, "domain_invalid", "stand_down[0]"),
        ({"stand_down": tuple(f"h{n}.example.com" for n in range(51))}, "out_of_range", "stand_down"),
        ({"half_life_days": 0}, "out_of_range", "half_life_days"),
        ({"weights": (50, 50, 50)}, "weights_invalid", "weights"),
        ({"weights": (-20, 60, 60)}, "weights_invalid", "weights"),
        ({"model": "channel_weights"}, "weights_invalid", "channel_weights"),
        (
            {"model": "channel_weights", "channel_weights": {"partner": 0, "search": 3}},
            "weights_invalid",
            "channel_weights",
        ),
        ({"channel_weights": {"partner": -1}}, "out_of_range", "channel_weights.partner"),
        ({"channel_weights": {"No Slug": 1}}, "id_invalid", "channel_weights"),
        ({"groups": {"No Slug": ()}}, "id_invalid", "groups"),
        ({"groups": {"a": ("anna", "No Slug")}}, "id_invalid", "groups.a[1]"),
        ({"groups": {"a": ("anna",), "b": ("anna",)}}, "partner_repeated", "groups.b[0]"),
        ({"priority": ("a",)}, "group_unknown", "priority[0]"),
        ({"groups": {"a": ()}, "priority": ("a", "a")}, "group_repeated", "priority[1]"),
    ],
)
def test_each_part_of_attribution_is_checked(change: dict[str, Any], code: str, field: str) -> None:
    terms = replace(TERMS, attribution=replace(Attribution(), **change))
    assert found(review_terms(terms)) == [(code, f"attribution.{field}")]


@pytest.mark.parametrize(
    ("rule", "code", "field"),
    [
        (CommissionRule("", "flat", amount_minor=1), "event_invalid", "event"),
        (CommissionRule("a\x00", "flat", amount_minor=1), "event_invalid", "event"),
        (CommissionRule("sale", "generous", rate_bp=1), "kind_unknown", "kind"),
        (CommissionRule("sale", "percent"), "field_required", "rate_bp"),
        (CommissionRule("sale", "percent", rate_bp=10_001), "out_of_range", "rate_bp"),
        (CommissionRule("sale", "percent", rate_bp=-1), "out_of_range", "rate_bp"),
        (CommissionRule("sale", "percent", rate_bp=1, amount_minor=1), "field_invalid", "amount"),
        (CommissionRule("sale", "flat"), "field_required", "amount"),
        (CommissionRule("sale", "flat", rate_bp=1, amount_minor=1), "field_invalid", "rate_bp"),
        (CommissionRule("sale", "flat", amount_minor=2**53), "amount_invalid", "amount"),
        (CommissionRule("sale", "flat", amount_minor=-1), "amount_invalid", "amount"),
        (CommissionRule("sale", "tiered"), "field_required", "tiers"),
        (CommissionRule("sale", "tiered", rate_bp=1, tiers=(Tier(0, 1),)), "field_invalid", "rate_bp"),
        (CommissionRule("sale", "percent", rate_bp=1, tiers=(Tier(0, 1),)), "field_invalid", "tiers"),
        (CommissionRule("sale", "tiered", tiers=(Tier(1, 1),)), "tiers_invalid", "tiers[0].from_amount"),
        (
            CommissionRule("sale", "tiered", tiers=(Tier(0, 1), Tier(0, 2))),
            "tiers_invalid",
            "tiers[1].from_amount",
        ),
        (CommissionRule("sale", "tiered", tiers=(Tier(0, 10_001),)), "out_of_range", "tiers[0].rate_bp"),
        (CommissionRule("sale", "flat", amount_minor=1, min_order_minor=-1), "amount_invalid", "min_order"),
        (CommissionRule("sale", "flat", amount_minor=1, cap_minor=-1), "amount_invalid", "cap"),
        (CommissionRule("sale", "flat", amount_minor=1, partner="No Slug"), "id_invalid", "partner"),
        (CommissionRule("sale", "flat", amount_minor=1, group="vips"), "group_unknown", "group"),
        (CommissionRule("sale", "flat", amount_minor=1, sku="a", category="b"), "field_invalid", "category"),
        (CommissionRule("sale", "flat", amount_minor=1, sku="a\n"), "name_invalid", "sku"),
        (CommissionRule("sale", "flat", amount_minor=1, exclude=("tax", "")), "name_invalid", "exclude[1]"),
    ],
)
def test_each_part_of_a_commission_is_checked(rule: CommissionRule, code: str, field: str) -> None:
    assert found(review_terms(replace(TERMS, commissions=(rule,)))) == [(code, f"commissions[0].{field}")]


def test_terms_pay_for_something_and_for_each_event_once() -> None:
    assert found(review_terms(replace(TERMS, commissions=()))) == [("out_of_range", "commissions")]
    twice = replace(TERMS, commissions=TERMS.commissions * 2)
    assert found(review_terms(twice)) == [("event_repeated", "commissions[1].event")]
    many = tuple(CommissionRule(f"e{number}", "flat", amount_minor=1) for number in range(51))
    assert found(review_terms(replace(TERMS, commissions=many))) == [("out_of_range", "commissions")]


def test_every_model_and_kind_of_the_engine_may_be_chosen() -> None:
    for model in MODELS:
        attribution = Attribution(model, channel_weights={"partner": 1})
        assert review_terms(replace(TERMS, attribution=attribution)) == []
    rules = {"percent": {"rate_bp": 1}, "flat": {"amount_minor": 1}, "tiered": {"tiers": (Tier(0, 500),)}}
    for kind in KINDS:
        rule = CommissionRule("sale", kind, **rules.get(kind, {}))
        assert review_terms(replace(TERMS, commissions=(rule,))) == []


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Refused) as caught:
        refuse(review_terms(replace(TERMS, hold_days=-1, commissions=())))
    assert (caught.value.code, caught.value.field) == ("out_of_range", "hold_days")
    assert caught.value.message == "hold_days: must be 0 to 365 days; commissions: must be 1 to 50 rules"
