"""Rounding, splits and currencies, as the ledger's files show them."""

from decimal import Decimal

import pytest

from tests.contract.outside import total


@pytest.mark.parametrize(
    ("amount", "commission"),
    [(5, "0.01"), (4, "0.00"), (15, "0.02"), (25, "0.03"), (35, "0.04"), (1995, "2.00"), (1994, "1.99")],
)
def test_halves_round_away_from_zero(shop, amount, commission):
    conversion = shop.sell(amount, click_id=shop.clicked(shop.partner()))
    assert total(shop.draft().of(conversion)) == Decimal(commission)


@pytest.mark.parametrize(
    ("currency", "amount", "sale", "commission"),
    [
        ("JPY", 1999, "1999", "200"),
        ("KWD", 1999, "1.999", "0.200"),
        ("EUR", 1999, "19.99", "2.00"),
        ("USD", 1, "0.01", "0.00"),
    ],
)
def test_amounts_are_in_the_currencys_own_digits(shop, currency, amount, sale, commission):
    conversion = shop.sell(amount, currency, click_id=shop.clicked(shop.partner()))
    entries = shop.draft().of(conversion)
    if commission != "0.00":
        (accrual,) = entries
        assert accrual["currency"] == currency
        assert accrual["sale_amount"] == sale
        assert accrual["commission_amount"] == commission


def test_each_currency_has_its_own_balance(shop):
    anna = shop.partner()
    token = shop.clicked(anna)
    for currency, amount in (("EUR", 2000), ("JPY", 2000), ("KWD", 2000)):
        shop.sell(amount, currency, click_id=token)
    summary = shop.draft().summary
    assert summary[(anna.id, "EUR")]["accrued"] == "2.00"
    assert summary[(anna.id, "JPY")]["accrued"] == "200"
    assert summary[(anna.id, "KWD")]["accrued"] == "0.200"


def test_rounded_once_per_conversion_and_then_split(a_shop):
    shop = a_shop(terms={"model": "linear"})
    visitor = shop.visitor()
    for name in ("anna", "ben", "cleo"):
        visitor.follow(shop.partner(name))
    for amount in (5, 15, 1000, 1995, 2000, 12_345):
        conversion = shop.sell(amount, click_id=visitor.click_id)
        entries = shop.draft().of(conversion)
        assert total(entries) == Decimal((amount + 5) // 10) / 100
        assert total(entries, "sale_amount") in {Decimal(amount) / 100, Decimal(0)}
        parts = sorted(Decimal(entry["commission_amount"]) for entry in entries)
        assert parts[-1] - parts[0] <= Decimal("0.01")


def test_a_sales_share_sums_to_the_sale(a_shop):
    shop = a_shop(terms={"model": "linear"})
    visitor = shop.visitor()
    for name in ("anna", "ben", "cleo"):
        visitor.follow(shop.partner(name))
    conversion = shop.sell(1000, click_id=visitor.click_id)
    amounts = sorted(entry["sale_amount"] for entry in shop.draft().of(conversion))
    assert amounts == ["3.33", "3.33", "3.34"]
