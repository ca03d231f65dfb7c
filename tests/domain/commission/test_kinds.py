"""Commission kinds: what a rule pays exactly, and what it waits for."""

from fractions import Fraction

import pytest

from chalicelib.domain.commission import KINDS
from chalicelib.domain.commission.sale import Sale, Waiting
from chalicelib.domain.conversion import Content
from chalicelib.domain.money import MAX_AMOUNT_MINOR
from chalicelib.domain.terms import CommissionRule
from tests.domain.builders import flat, percent


def pay(rule: CommissionRule, amount: int, currency: str = "EUR") -> Fraction:
    return KINDS[rule.kind](rule, Sale(Content(amount, currency), "EUR"))


@pytest.mark.parametrize(
    ("rate_bp", "amount", "exact"),
    [
        (1_000, 1_995, Fraction(1_995, 10)),
        (1, 1, Fraction(1, 10_000)),
        (0, 10_000, 0),
        (10_000, 9_999, 9_999),
        (333, 0, 0),
        (3_333, MAX_AMOUNT_MINOR, Fraction(MAX_AMOUNT_MINOR * 3_333, 10_000)),
    ],
)
def test_a_percentage_is_exact_until_it_is_rounded(rate_bp: int, amount: int, exact: Fraction) -> None:
    assert pay(percent(rate_bp), amount) == exact


@pytest.mark.parametrize("currency", ["JPY", "KWD", "USD"])
def test_a_percentage_is_of_the_sales_own_currency(currency: str) -> None:
    assert pay(percent(1_000), 500, currency) == 50


@pytest.mark.parametrize("amount", [0, 1, 10_000])
def test_a_flat_amount_is_the_same_for_every_sale(amount: int) -> None:
    assert pay(flat(250), amount) == 250


def test_a_flat_amount_in_another_currency_waits_for_a_rate() -> None:
    with pytest.raises(Waiting) as waiting:
        pay(flat(250), 10_000, "USD")
    assert waiting.value.code == "rate_missing"


@pytest.mark.parametrize("kind", ["percent", "flat"])
def test_a_rule_without_its_figure_is_a_mistake(kind: str) -> None:
    with pytest.raises(ValueError, match=f"a {kind} rule has"):
        pay(CommissionRule("purchase", kind), 10_000)
