"""Terms in words: customers, locks and months."""

from dataclasses import replace

from chalicelib.domain.terms import (
    Basis,
    CustomerKind,
    Lock,
    MonthlyKind,
    MonthlyRule,
    MonthlyTier,
    TierMode,
)
from chalicelib.domain.terms_text import sections, seen_by
from tests.domain.builders import percent, some_terms

NEW = replace(percent(2_000), customer=CustomerKind.NEW, recurring_months=12)
RULES = (
    MonthlyRule(
        MonthlyKind.TIERED, Basis.AMOUNT, (MonthlyTier(100_000, 500),), TierMode.MARGINAL, None, "sale"
    ),
    MonthlyRule(MonthlyKind.MILESTONE, Basis.COUNT, (MonthlyTier(100, None, 5_000),)),
    MonthlyRule(MonthlyKind.CAP, amount_minor=90_000, partner="anna"),
    MonthlyRule(MonthlyKind.CAP, amount_minor=10_000, partner="ben"),
)


def test_a_partner_reads_what_holds_for_it_and_of_others_nothing() -> None:
    terms = replace(some_terms(NEW, lock=Lock(12)), monthly=RULES)
    told = {section.title: section.sentences for section in sections(seen_by(terms, "anna"), "EUR")}
    assert told["What you earn"] == (
        "For each purchase of a new customer: 20 % of the order."
        " For 12 months from the customer's first purchase on.",
    )
    assert told["What a month adds"] == (
        "For sale, from 1000.00 EUR of sales in a month on: 5 % more for what comes after that.",
        "For every sale, from 100 of them in a month on: 50.00 EUR once.",
        "For every sale: at most 900.00 EUR a month, additions included.",
        "A month keeps the rules with which it began.",
    )
    lock = "Whoever earns an order earns its customer's later ones for 12 months, whatever led to those."
    assert lock in told["Who gets the credit"]


def test_terms_without_them_say_nothing_of_them() -> None:
    assert [section.title for section in sections(some_terms(), "EUR")] == [
        "What you earn",
        "Which clicks count",
        "Who gets the credit",
        "When it is paid",
    ]
