"""Every rule is shown a planted fraud, which it finds, and something honest that comes close."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import Content, Signal, Touch
from chalicelib.domain.earning import case_of
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud import CONVERSION_RULES, ENROLLMENT_RULES, PARTNER_RULES, RULES
from chalicelib.domain.fraud.case import Applicant, Tally, Traffic
from chalicelib.domain.fraud.rule import Trace
from chalicelib.domain.fraud.settings import NO_POLICY
from tests.domain.builders import (
    SOLD,
    a_coupon,
    a_report,
    a_touch,
    from_pixel,
    some_facts,
    some_terms,
)


@dataclass(frozen=True)
class Planted:
    """What the rule has to find, something close to it, and settings that differ from the defaults."""

    fraud: Any
    honest: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)


def sold(*touches: Touch, **changes: Any) -> Facts:
    return some_facts(changes.pop("report", None) or a_report(), *touches, **changes)


def clicked(seconds_before: float, partner: str = "anna", **changes: Any) -> Touch:
    at = SOLD - timedelta(seconds=seconds_before)
    return a_touch(partner, at, click_id=f"{partner}-{seconds_before}", **changes)


def a_burst(clicks: int, seconds: int) -> list[Touch]:
    return [clicked(86_400 - n * seconds / (clicks - 1)) for n in range(clicks)]


def told_with(signal: str, detail: str = "", partner: str | None = "anna", event: str = "purchase") -> Facts:
    return sold(clicked(3600), report=a_report(event=event), signals=(Signal(signal, partner, detail),))


def confirmed_as(amount: int, told: int = 10_000) -> Facts:
    stands = replace(a_report(), content=Content(amount, "EUR"))
    return sold(clicked(3600), report=from_pixel(told), confirmation=stands)


LAST_DAY = "2026-10-30"


def a_traffic(
    own: Mapping[str, int],
    others: Mapping[str, int] | None = None,
    today: Mapping[str, int] | None = None,
    orders: Sequence[int] = (),
) -> Traffic:
    """Counts of a month, evenly spread; those of `today` stand for the last day."""
    last = date.fromisoformat(LAST_DAY)
    days = {(last - timedelta(days=n)).isoformat(): Tally(**own) for n in range(1, 30)}
    days[LAST_DAY] = Tally(**(own if today is None else today))
    whole = Tally()
    for tally in days.values():
        whole.add(tally)
    spread = {name: count * 30 for name, count in (others or {}).items()}
    return Traffic("mallory", LAST_DAY, days, whole, Tally(**spread), orders)


USUAL = {"clicks": 1000, "conversions": 20, "accruals": 20, "reversals": 1}

PLANTED: dict[str, Planted] = {
    "data_centre": Planted(
        sold(clicked(3600, marks=("asn:16509",))),
        sold(clicked(3600, marks=("asn:3320",)), clicked(7200, marks=("asn:16509",))),
    ),
    "click_burst": Planted(sold(*a_burst(8, 50)), sold(*a_burst(7, 50))),
    "quick_conversion": Planted(sold(clicked(4)), sold(clicked(5))),
    "injection": Planted(
        sold(clicked(86_400), clicked(10, "ben")), sold(clicked(86_400, "ben"), clicked(10, "ben"))
    ),
    "self_referral": Planted(told_with("self_email"), told_with("self_email", partner="ben")),
    "duplicate_customer": Planted(
        told_with("earlier_orders", "1", None, "lead"), told_with("earlier_orders", "1", None)
    ),
    "paid_search": Planted(sold(clicked(3600, marks=("gclid",))), sold(clicked(3600, origin="google.com"))),
    "coupon_poaching": Planted(
        sold(clicked(3600), coupons=(a_coupon("carla"),)), sold(clicked(3600), coupons=(a_coupon("anna"),))
    ),
    "stand_down": Planted(sold(clicked(600, marks=("own_site",))), sold(clicked(7200, marks=("own_site",)))),
    "undeclared_referrer": Planted(
        sold(clicked(600, origin="evil.example")),
        sold(clicked(600, origin="news.blog.example")),
        {"sites": ["anna=blog.example"]},
    ),
    "pixel_mismatch": Planted(confirmed_as(9_900), confirmed_as(10_000)),
    "robots": Planted(a_traffic({"robots": 80, "clicks": 20}), a_traffic({"robots": 60, "clicks": 40})),
    "forced_loads": Planted(a_traffic({"forced": 20, "clicks": 80}), a_traffic({"forced": 1, "clicks": 99})),
    "flooding": Planted(
        a_traffic({"clicks": 500, "conversions": 0}, USUAL),
        a_traffic({"clicks": 500, "conversions": 2}, USUAL),
    ),
    "conversion_rate": Planted(
        a_traffic({"clicks": 2, "conversions": 1}, USUAL), a_traffic({"clicks": 10, "conversions": 1}, USUAL)
    ),
    "refund_rate": Planted(
        a_traffic({"accruals": 2, "reversals": 1}, USUAL),
        a_traffic({"accruals": 4, "reversals": 1}, USUAL),
    ),
    "coupon_leak": Planted(
        a_traffic({"by_coupon": 1, "clicks": 1}, today={"by_coupon": 60, "clicks": 2}),
        a_traffic({"by_coupon": 10, "clicks": 1}, today={"by_coupon": 60, "clicks": 2}),
    ),
    "velocity": Planted(
        a_traffic({"conversions": 2}, today={"conversions": 40}),
        a_traffic({"conversions": 8}, today={"conversions": 40}),
    ),
    "order_enumeration": Planted(
        a_traffic({}, orders=range(5000, 5012)), a_traffic({}, orders=range(5000, 5100, 9))
    ),
    "disposable_email": Planted(
        Applicant("mallory", "mailinator.com", disposable=True), Applicant("anna", "gmail.com")
    ),
    "duplicate_account": Planted(
        Applicant("mallory", "example.com", shares_account_with=("mallory2",)),
        Applicant("agency1", "example.com", shares_account_with=("agency2",)),
        {"allowed": ["agency1", "agency2"]},
    ),
}


def found(name: str, subject: Any) -> Trace | None:
    rule = RULES[name]
    values, problems = rule.values(PLANTED[name].parameters)
    assert problems == []
    seen = case_of(subject, [some_terms()], NO_POLICY) if isinstance(subject, Facts) else subject
    assert seen is not None
    return rule.find(seen, values)


def test_every_rule_has_its_fraud_and_its_near_miss() -> None:
    assert set(PLANTED) == set(RULES)


def test_no_two_rules_have_one_name() -> None:
    assert len(RULES) == len(CONVERSION_RULES) + len(PARTNER_RULES) + len(ENROLLMENT_RULES)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fraud_is_found_with_words_and_evidence(name: str) -> None:
    trace = found(name, PLANTED[name].fraud)
    assert trace is not None
    assert trace.words
    assert trace.evidence


@pytest.mark.parametrize("name", PLANTED)
def test_what_only_comes_close_is_let_be(name: str) -> None:
    assert found(name, PLANTED[name].honest) is None


@pytest.mark.parametrize("name", RULES)
def test_every_default_is_allowed_and_has_its_reason(name: str) -> None:
    values, problems = RULES[name].values({})
    assert problems == []
    assert set(values) == {parameter.name for parameter in RULES[name].parameters}
    assert all(len(parameter.reason) > 20 for parameter in RULES[name].parameters)


def test_a_coupon_site_that_comes_late_is_found_where_the_program_named_it() -> None:
    rule = RULES["coupon_poaching"]
    case = case_of(sold(clicked(86_400), clicked(120, "saver")), [some_terms()], NO_POLICY)
    assert rule.find(case, rule.values({"sites": ["saver"]})[0]) is not None
    assert rule.find(case, rule.values({"sites": ["other"]})[0]) is None


def test_chargebacks_are_found_where_refunds_are_few() -> None:
    rule = RULES["refund_rate"]
    charged = a_traffic({"accruals": 100, "reversals": 2, "chargebacks": 1}, USUAL)
    assert rule.find(charged, rule.values({})[0]) is not None


def test_a_click_into_the_checkout_was_made_in_the_shop() -> None:
    rule = RULES["stand_down"]
    case = case_of(sold(clicked(60, marks=("checkout",))), [some_terms()], NO_POLICY)
    assert rule.find(case, rule.values({})[0]) is not None
