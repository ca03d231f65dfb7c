"""Simulations: the published terms give what was published, others the difference, and nothing is written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.errors import Refused
from chalicelib.domain.period import Month
from chalicelib.domain.terms import CommissionRule, MonthlyKind, MonthlyRule
from chalicelib.services import adjustments, simulations
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import reconcile
from tests import scene
from tests.scene import AFTER_GRACE, MONTH_START

SEPTEMBER = Month(2026, 9)
NOON = MONTH_START + timedelta(days=9, hours=12)


@pytest.fixture
def closed(stage):
    """September with two sales of Anna's, one of them partly refunded, one of Ben's, one of nobody's."""
    shop = scene.make(stage.stores)
    refunded = shop.sell(stage.stores, NOON, 9_999).id
    shop.sell(stage.stores, NOON, 10_000)
    shop.sell(stage.stores, NOON, 5_000, "BEN")
    shop.sell(stage.stores, NOON, 7_000, "NOBODY")
    shop.sell(stage.stores, MONTH_START - timedelta(days=1), 7_000)
    adjustments.adjust(stage.stores, refunded, "r-1", AdjustmentKind.REFUND, 3_333, "returned", NOON)
    reconcile(stage.stores, AFTER_GRACE)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    return shop


def result_of(stage, shop, **changes):
    (published,) = stage.stores.catalogue.terms(shop.program.id)
    draft = simulations.read_draft(simulations.draft_text(replace(published, **changes)))
    difference = simulations.run(stage.stores, shop.program, SEPTEMBER, draft, AFTER_GRACE)
    return simulations.as_result(shop.program, SEPTEMBER, difference)


def test_the_published_terms_give_exactly_what_was_published(stage, closed) -> None:
    result = result_of(stage, closed)
    assert (result["conversions"], result["changed"]) == (4, 0)
    assert result["partners"] == [
        {"partner": "anna", "currency": "EUR", "published": 1_667, "simulated": 1_667, "difference": 0},
        {"partner": "ben", "currency": "EUR", "published": 500, "simulated": 500, "difference": 0},
    ]


def test_a_draft_shows_what_its_months_as_a_whole_would_take(stage, closed) -> None:
    result = result_of(stage, closed, monthly=(MonthlyRule(MonthlyKind.CAP, amount_minor=1_000),))
    assert {row["partner"]: row["difference"] for row in result["partners"]} == {"anna": -667, "ben": 0}
    assert [row["difference"] for row in result["totals"]] == [-667]


def test_a_draft_shows_its_difference_by_partner_and_in_total_and_books_nothing(stage, closed) -> None:
    before = [e for shard in range(2) for e in _entries(stage, closed, shard)]
    rules = (
        CommissionRule("sale", "percent", rate_bp=1_000),
        CommissionRule("sale", "percent", rate_bp=2_000, partner="ben"),
    )
    result = result_of(stage, closed, commissions=rules)
    assert [row["difference"] for row in result["partners"]] == [0, 500]
    assert result["totals"] == [
        {"currency": "EUR", "published": 2_167, "simulated": 2_667, "difference": 500}
    ]
    (receipt,) = result["receipts"]
    assert [row["partner"] for row in receipt["partners"]] == ["ben"]
    assert "By the rule 20 % of the order (partner ben): 50.00 EUR pays 10.00 EUR." in receipt["text"]
    assert [e for shard in range(2) for e in _entries(stage, closed, shard)] == before


def test_what_the_draft_can_not_price_waits(stage, closed) -> None:
    result = result_of(stage, closed, commissions=(CommissionRule("lead", "percent", rate_bp=1),))
    assert result["waiting"] == {"commission_rule_missing": 3}
    assert [row["simulated"] for row in result["partners"]] == [0, 0]


def test_a_draft_is_reviewed_like_a_publication(stage) -> None:
    shop = scene.make(stage.stores)
    with pytest.raises(Refused):
        result_of(stage, shop, hold_days=-1)


def _entries(stage, shop, shard):
    return list(stage.stores.journal.entries(shop.program.id, SEPTEMBER, shard))
