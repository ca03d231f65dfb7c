"""What a sale is worth in the currency that is booked."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from chalicelib.domain.commission.sale import Waiting
from chalicelib.domain.commission.worth import Worth, reckon
from chalicelib.domain.rates import Rate, Rates
from tests.domain.builders import a_program, a_report, flat, percent, some_terms

LATE = datetime(2026, 10, 15, 23, 30, tzinfo=UTC)
"""Already the 16th in Berlin."""

RATES = Rates(
    [
        Rate(date(2026, 10, 15), "USD", "EUR", "0.5", "test"),
        Rate(date(2026, 10, 16), "USD", "EUR", "0.25", "test"),
    ]
)


def worth(currency: str, rates: Rates = RATES, settle_in: str | None = None, timezone: str = "UTC") -> Worth:
    program = a_program(settle_in=settle_in, timezone=timezone)
    report = a_report(1_001, currency, occurred_at=LATE)
    return reckon(report, program, some_terms(percent(1_000)), {"anna": 1}, rates)


def test_a_sale_in_its_own_currency_asks_for_no_rate() -> None:
    for currency in ("EUR", "USD"):
        found = worth(currency, Rates())
        assert (found.currency, found.sale_minor, found.exact) == (currency, 1_001, Fraction(1_001, 10))
        assert found.exchanged == ""


@pytest.mark.parametrize(
    ("timezone", "rate", "sale", "exact"),
    [("UTC", "0.5", 501, Fraction(1_001, 20)), ("Europe/Berlin", "0.25", 250, Fraction(1_001, 40))],
)
def test_what_is_settled_in_another_is_exchanged_at_the_rate_of_its_local_day(
    timezone: str, rate: str, sale: int, exact: Fraction
) -> None:
    found = worth("USD", settle_in="EUR", timezone=timezone)
    assert (found.currency, found.sale_minor, found.exact) == ("EUR", sale, exact)
    assert found.exchanged.startswith(f"1 USD = {rate} EUR on 2026-10-1")


def test_without_the_rate_it_waits() -> None:
    with pytest.raises(Waiting) as waiting:
        worth("USD", Rates(), settle_in="EUR")
    assert waiting.value.code == "rate_missing"


def test_amounts_of_rules_are_exchanged_though_the_sale_is_booked_as_it_is() -> None:
    terms = some_terms(flat(100))
    found = reckon(a_report(1_001, "USD", occurred_at=LATE), a_program(), terms, {"anna": 1}, RATES)
    assert (found.currency, found.sale_minor, found.exact, found.exchanged) == (
        "USD",
        1_001,
        Fraction(200),
        "",
    )
