"""Exchange rates: of which day, and that a rate that comes later changes nothing."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Conflict, Invalid
from chalicelib.domain.rates import Rate, Rates, convert, news, parse_rate

FIRST = date(2026, 10, 1)


def a_rate(day: int, text: str = "1.10", base: str = "EUR", quote: str = "USD") -> Rate:
    return Rate(FIRST + timedelta(days=day), base, quote, text, "ecb")


@pytest.mark.parametrize(
    ("known", "on", "found"),
    [
        ([0, 3], 0, 0),
        ([0, 3], 2, 0),
        ([0, 3], 3, 3),
        ([0], 1, None),
        ([5], 1, None),
        ([0, 9], 7, 0),
        ([0, 9], 8, None),
        ([], 0, None),
    ],
)
def test_the_newest_rate_up_to_a_week_old_counts_once_later_ones_are_known(
    known: list[int], on: int, found: int | None
) -> None:
    rate = Rates(map(a_rate, known)).find("EUR", "USD", FIRST + timedelta(days=on))
    assert rate == (None if found is None else a_rate(found))


def test_a_pair_is_known_in_both_directions() -> None:
    rate = Rates([a_rate(0, "1.25")]).find("USD", "EUR", FIRST)
    assert rate is not None
    assert convert(1_000, "USD", "EUR", rate) == 800
    assert convert(800, "EUR", "USD", rate) == 1_000


def test_currencies_have_their_own_digits() -> None:
    assert convert(100, "EUR", "JPY", a_rate(0, "160.5", quote="JPY")) == Fraction("160.5")
    assert convert(1_000, "KWD", "EUR", a_rate(0, "3", "KWD", "EUR")) == 300


@pytest.mark.parametrize(
    ("rate", "code"),
    [
        (a_rate(0, "1.2"), "rate_conflict"),
        (a_rate(2), "rate_day_settled"),
        (a_rate(0, "0.9", "USD", "EUR"), "rate_pair_reversed"),
    ],
)
def test_what_would_change_a_decision_is_refused(rate: Rate, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        Rates([a_rate(0), a_rate(4)]).check_addition(rate, "rates[0]")
    assert refused.value.code == code


def test_what_goes_on_or_fills_in_before_is_taken() -> None:
    known = Rates([a_rate(10), a_rate(14)])
    for rate in (a_rate(15), a_rate(22), a_rate(9), a_rate(0, base="CHF")):
        assert known.check_addition(rate, "rates[0]") is True


def test_between_two_days_that_are_too_far_apart_nothing_was_settled() -> None:
    known = Rates([a_rate(0), a_rate(20)])
    assert known.check_addition(a_rate(8), "rates[0]") is True
    with pytest.raises(Conflict):
        known.check_addition(a_rate(7), "rates[0]")


def test_the_newest_day_is_known_for_each_pair() -> None:
    known = Rates([a_rate(4), a_rate(2), a_rate(9, base="CHF")])
    assert known.newest("EUR", "USD") == FIRST + timedelta(days=4)
    assert known.newest("EUR", "CHF") == date.min


def test_new_rates_go_on_forwards_and_fill_in_backwards() -> None:
    known = Rates([a_rate(10)])
    told = [a_rate(day) for day in (12, 3, 10, 11, 5, 20)]
    found = [(rate.day - FIRST).days for rate in news(known, told)]
    assert found == [11, 12, 20, 5, 3]


@pytest.mark.parametrize("text", ["1", "0.5", "1.0842", "0.000000000001", "999999999999.9"])
def test_a_rate_is_a_plain_decimal(text: str) -> None:
    assert parse_rate(text, "rate") == text


@pytest.mark.parametrize("text", ["", "0", "0.000", "-1", "1e3", "1,5", ".5", "1.", "NaN", " 1", "1/2", "１"])
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_rate(text, "rates[0].rate")
    assert (refused.value.code, refused.value.field) == ("rate_invalid", "rates[0].rate")


def test_the_same_rate_again_is_no_news() -> None:
    assert Rates([a_rate(0, "1.10")]).check_addition(a_rate(0, "1.1"), "rates[0]") is False


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(0, 40))
def test_no_rate_that_is_taken_changes_one_that_was_found(days: list[int], on: int) -> None:
    known: list[Rate] = []
    found = None
    for number, day in enumerate(days):
        rate = a_rate(day, f"1.{number}")
        try:
            known += [rate] if Rates(known).check_addition(rate, "rates[0]") else []
        except Conflict:
            continue
        now = Rates(known).find("EUR", "USD", FIRST + timedelta(days=on))
        assert found in {None, now}
        found = now
