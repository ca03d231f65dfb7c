"""Receipts in words: complete, and silent about others."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import receipt
from chalicelib.domain.attribution import MODELS
from chalicelib.domain.conversion import Content, Item, State
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.rates import Rate, Rates
from chalicelib.domain.receipt import receipt_text
from chalicelib.domain.terms import CommissionRule, Terms, Tier
from tests.domain.builders import (
    SOLD,
    a_coupon,
    a_program,
    a_report,
    a_touch,
    an_entry,
    days,
    from_pixel,
    percent,
    some_facts,
    some_terms,
)


def text_of(facts: Facts, terms: Terms | None = None, only_for: str | None = None, *entries: object) -> str:
    decision = decide(facts, a_program(), [terms or some_terms()])
    return receipt_text(facts, decision, entries, State.PENDING, only_for)  # type: ignore[arg-type]


def test_it_tells_the_whole_way_from_the_path_to_the_entries() -> None:
    touches = [a_touch("anna", SOLD - days(3)), a_touch("berta"), a_touch(None, SOLD, channel="search")]
    text = text_of(some_facts(None, *touches), some_terms(model="linear"), None, an_entry(commission=500))
    assert text.splitlines() == [
        "Order 1001 (purchase) of 100.00 EUR, 2026-10-15 12:00:00 UTC, is recorded, and its commission waits "
        "for the end of the hold.",
        "3 touches led to it, oldest first:",
        "1. 2026-10-12 12:00:00 UTC, a click on anna-code of anna: it counts, and earns 1/2.",
        "2. 2026-10-14 12:00:00 UTC, a click on berta-code of berta: it counts, and earns 1/2.",
        "3. 2026-10-15 12:00:00 UTC, a visit from search: it came through a channel of no partner.",
        "Version 1 of the terms decided (linear): every touch that counts earns the same.",
        "By the rule 10 % of the order: 100.00 EUR pays 10.00 EUR.",
        f"anna has 1/2 of the sale, 50.00 EUR, by click {touches[0].click_id}.",
        "That earns anna 1/2 of the commission: 5.00 EUR, rounded once for all partners.",
        f"berta has 1/2 of the sale, 50.00 EUR, by click {touches[1].click_id}.",
        "That earns berta 1/2 of the commission: 5.00 EUR, rounded once for all partners.",
        "Check of the confirmation: passed, confirmed.",
        "Booked on 2026-10-15 in the ledger of 2026-10: accrual of 5.00 EUR for anna.",
    ]


def test_a_partner_reads_nothing_of_who_the_others_are() -> None:
    touches = [a_touch("anna", SOLD - days(3)), a_touch("berta")]
    rules = (percent(1_000), CommissionRule("purchase", "percent", rate_bp=1_234, partner="berta"))
    terms = some_terms(*rules, model="linear")
    entries = (an_entry(commission=500), an_entry(commission=617, partner="berta"))
    text = text_of(some_facts(None, *touches), terms, "anna", *entries)
    assert "a click of another partner: it counts, and earns 1/2." in text
    assert "Other partners earn 1/2." in text
    assert all(word not in text for word in ("berta", "12.34", "6.17"))


def test_a_code_of_another_partner_is_not_told() -> None:
    facts = some_facts(None, a_touch("anna"), coupons=(a_coupon("carla", "save10"),))
    text = text_of(facts, None, "anna")
    assert "a promo code was used, which goes before clicks" in text
    assert "save10" not in text
    assert "carla" not in text


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (
            some_facts(),
            "nobody is credited, because no click and no promo code of a partner",
        ),
        (some_facts(None, a_touch(at=SOLD - days(31))), "it was too long before the sale."),
        (some_facts(None, a_touch(at=SOLD + days(1))), "it came after the sale."),
        (some_facts(from_pixel(), a_touch()), "not passed, confirmation_missing: reported by a browser"),
        (
            some_facts(a_report(event="lead"), a_touch()),
            "not passed, commission_rule_missing: the",
        ),
    ],
)
def test_why_nothing_is_paid_is_told(facts: Facts, told: str) -> None:
    text = text_of(facts)
    assert told in text
    assert text.endswith("Nothing is booked.")


def test_amounts_are_told_before_they_are_rounded() -> None:
    assert "19.99 EUR pays 1.999 EUR." in text_of(some_facts(a_report(1_999), a_touch()))
    assert "1005 JPY pays 100.5 JPY." in text_of(some_facts(a_report(1_005, "JPY"), a_touch()))


def test_shares_are_told_as_people_read_them() -> None:
    assert "it counts, and earns the whole." in text_of(some_facts(None, a_touch()))
    touches = [a_touch("anna", SOLD - days(3)), a_touch("berta")]
    text = text_of(some_facts(None, *touches), some_terms(model="time_decay"))
    assert "it counts, and earns about 45.07 %." in text
    assert "berta has about 54.93 % of the sale, 54.93 EUR, by click" in text
    assert "Other partners earn about 54.93 %." in text_of(
        some_facts(None, *touches), some_terms(model="time_decay"), "anna"
    )


def test_limits_and_excluded_lines_are_told() -> None:
    rule = replace(percent(1_000), exclude=("tax",), cap_minor=500, min_order_minor=50)
    report = a_report(content=Content(10_000, "EUR", (Item("vat", 1, 1_900, "tax"),)))
    text = text_of(some_facts(report, a_touch()), some_terms(rule))
    assert "81.00 EUR pays 5.00 EUR, the most that the rule pays for an order." in text
    assert "Lines of 19.00 EUR earn nothing by the terms." in text
    small = text_of(some_facts(a_report(49), a_touch()), some_terms(rule))
    assert "0.49 EUR pays nothing, because the order is below the rule's minimum of 0.50 EUR." in small


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            CommissionRule("purchase", "tiered", tiers=(Tier(0, 1_000), Tier(50_000, 1_550))),
            "10 % from 0 JPY, 15.5 % from 50000 JPY, of the part from there on: 100.00 EUR pays ",
        ),
        (
            CommissionRule("purchase", "flat", amount_minor=700, category="shoes", partner="anna"),
            "700 JPY for each piece (partner anna, category shoes): 100.00 EUR pays ",
        ),
        (
            CommissionRule("purchase", "flat", amount_minor=700, min_order_minor=30_000),
            "700 JPY: 100.00 EUR pays nothing, because the order is below the rule's minimum of 30000 JPY.",
        ),
    ],
)
def test_rules_are_told_in_per_cent_and_the_programs_own_money(rule: CommissionRule, said: str) -> None:
    content = Content(10_000, "EUR", (Item("boot", 2, 10_000, "shoes"),))
    rates = Rates([Rate(SOLD.date(), "EUR", "JPY", "160", "ecb")])
    facts = some_facts(a_report(content=content), a_touch())
    decision = decide(facts, a_program(currency="JPY"), [some_terms(rule)], rates)
    assert f"By the rule {said}" in receipt_text(facts, decision, (), State.PENDING, None)


def test_there_are_words_for_every_model_and_state() -> None:
    assert set(receipt.MODELS) == {*MODELS, "coupon", "lock"}
    assert set(receipt.STATES) == set(State)


def test_every_reason_of_a_path_has_words() -> None:
    touches = [a_touch(f"p{n}", SOLD - timedelta(hours=50 - n)) for n in range(25)]
    touches += [a_touch("x", SOLD, trusted=False), a_touch("y", SOLD - days(40)), a_touch(None, SOLD)]
    facts = some_facts(None, *touches)
    terms = some_terms(model="last", groups={"g": ("p24",)}, priority=("g",))
    for version in (some_terms(), terms):
        text_of(facts, version)
