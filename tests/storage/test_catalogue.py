"""The catalogue keeps values as they were given, each id once."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.partner import Coupon, Enrollment, Partner, fold_coupon
from chalicelib.domain.program import Consent, Method, Program
from chalicelib.domain.terms import (
    Attribution,
    Basis,
    CommissionRule,
    CouponRule,
    CustomerKind,
    Lock,
    MonthlyKind,
    MonthlyRule,
    MonthlyTier,
    Terms,
    Tier,
    TierMode,
)
from chalicelib.storage.catalogue import Catalogue

AT = datetime(2026, 10, 1, 8, 30, 0, 123000, tzinfo=UTC)
PROGRAM = Program(
    id="acme",
    name="Acme",
    domains=("shop.example.com", "acme.example"),
    currency="EUR",
    default_url="https://shop.example.com/",
    created_at=AT,
    postback_token="t" * 32,
    timezone="Europe/Berlin",
    click_param="cid",
    fallback_url="https://acme.example/gone",
    methods=frozenset({Method.API, Method.PIXEL}),
    trust_browser=True,
    settle_in="USD",
    late_days=0,
    consent=Consent.REQUIRED,
    utm={"utm_source": "partner"},
    shards=7,
)
NARROW = CommissionRule(
    "sale",
    "tiered",
    tiers=(Tier(0, 500), Tier(10_000, 800)),
    tier_mode=TierMode.RETROACTIVE,
    partner="anna",
    category="shoes",
    exclude=("tax", "shipping"),
    min_order_minor=100,
    cap_minor=900,
    customer=CustomerKind.NEW,
    recurring_months=6,
)
TERMS = Terms(
    "acme",
    1,
    AT,
    Attribution(
        "position",
        60,
        {Method.PIXEL: 1, Method.TAG: 2},
        3,
        (10, 80, 10),
        CouponRule.OFF,
        {"creators": 3, "partner": 1},
        {"creators": ("anna", "ben"), "empty": ()},
        ("creators",),
        {"lead": 7},
        ("shop.example.com",),
        Lock(12),
    ),
    0,
    (CommissionRule("sale", "percent", rate_bp=0), CommissionRule("lead", "flat", amount_minor=500), NARROW),
    (
        MonthlyRule(MonthlyKind.CAP, amount_minor=0, partner="anna", currency="JPY"),
        MonthlyRule(
            MonthlyKind.TIERED,
            Basis.COUNT,
            (MonthlyTier(1, 0), MonthlyTier(2, None, 5)),
            TierMode.RETROACTIVE,
            event="sale",
            group="creators",
        ),
    ),
)
PARTNER = Partner("anna", "Anna", "anna@example.com", AT, "acme")
ENROLLMENT = Enrollment("acme", "anna", "abcd2345", AT)
COUPON = Coupon("acme", "anna", "Straße 10", AT)


@pytest.fixture
def catalogue(stage: Any) -> Catalogue:
    return Catalogue(stage.settings)


def test_a_program_comes_back_as_it_was_stored_and_only_once(catalogue: Catalogue) -> None:
    assert catalogue.add_program_once(PROGRAM)
    assert not catalogue.add_program_once(replace(PROGRAM, name="Other"))
    assert catalogue.program("acme") == PROGRAM
    assert list(catalogue.programs()) == ["acme"]


def test_a_program_of_defaults_comes_back_too(catalogue: Catalogue) -> None:
    plain = Program("plain", "P", ("p.example",), "EUR", "https://p.example/", AT, "t")
    catalogue.add_program_once(plain)
    assert catalogue.find_program("plain") == plain


def test_a_replaced_program_was_there_before(catalogue: Catalogue) -> None:
    catalogue.add_program_once(PROGRAM)
    changed = replace(PROGRAM, fallback_url=None, utm={}, trust_browser=False)
    catalogue.replace_program(PROGRAM, changed)
    assert catalogue.program("acme") == changed


@pytest.mark.parametrize("wrong", ["", "nobodys", "a#b", "Acme", "x" * 3000, "\ud800"])
def test_what_cannot_be_an_id_is_not_found(catalogue: Catalogue, wrong: str) -> None:
    assert catalogue.find_program(wrong) is None
    assert catalogue.find_partner(wrong) is None
    assert catalogue.find_enrollment("acme", wrong) is None
    assert catalogue.find_enrollment(wrong, "anna") is None
    assert catalogue.find_coupon(wrong, "x") is None
    with pytest.raises(NotFound, match="program_unknown"):
        catalogue.program(wrong)
    with pytest.raises(NotFound, match="partner_unknown"):
        catalogue.partner(wrong)


@pytest.mark.parametrize("wrong", ["", "nothing", "x" * 3000, "\ud800"])
def test_what_cannot_be_a_coupon_is_not_found(catalogue: Catalogue, wrong: str) -> None:
    assert catalogue.find_coupon("acme", wrong) is None


def test_versions_of_terms_come_back_in_order_and_are_never_replaced(catalogue: Catalogue) -> None:
    versions = [replace(TERMS, version=number) for number in range(1, 13)]
    for version in reversed(versions):
        assert catalogue.add_terms_once(version)
    assert not catalogue.add_terms_once(replace(TERMS, version=2, hold_days=99))
    assert catalogue.terms("acme") == tuple(versions)
    assert catalogue.terms("other") == ()


def test_a_partner_and_its_enrolments_are_found_from_both_sides(catalogue: Catalogue) -> None:
    assert catalogue.add_partner_once(PARTNER)
    assert not catalogue.add_partner_once(PARTNER)
    assert catalogue.partner("anna") == PARTNER
    assert catalogue.add_enrollment_once(ENROLLMENT)
    assert not catalogue.add_enrollment_once(replace(ENROLLMENT, link_code="other"))
    assert catalogue.find_enrollment("acme", "anna") == ENROLLMENT
    assert list(catalogue.enrollments("acme")) == list(catalogue.enrollments_of("anna")) == [ENROLLMENT]


def test_a_coupon_is_found_by_its_folded_code(catalogue: Catalogue) -> None:
    assert catalogue.add_coupon_once(COUPON)
    assert not catalogue.add_coupon_once(replace(COUPON, code="STRASSE 10", partner="ben"))
    assert catalogue.find_coupon("acme", fold_coupon(" strasse 10")) == COUPON
    assert catalogue.find_coupon("other", fold_coupon(COUPON.code)) is None
