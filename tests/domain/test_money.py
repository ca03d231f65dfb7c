"""Money: nothing is rounded twice, nothing is lost in a split, and no spelling sneaks through."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import (
    MAX_AMOUNT_MINOR,
    allot,
    apportion,
    check_amount,
    check_currency,
    format_major,
    parse_major,
    parse_signed_major,
    round_half_away,
)

CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD", "CLF"])
AMOUNTS = st.integers(0, MAX_AMOUNT_MINOR)
WEIGHTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=20).filter(sum)
SMALL_WEIGHTS = st.lists(st.integers(0, 25), min_size=1, max_size=6).filter(sum)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Fraction(5, 2), 3),
        (Fraction(-5, 2), -3),
        (Fraction(1, 2), 1),
        (Fraction(-1, 2), -1),
        (Fraction(3, 2), 2),
        (Fraction(4_999_999_999, 10_000_000_000), 0),
        (Fraction(-4_999_999_999, 10_000_000_000), 0),
        (Fraction(9_007_199_254_740_991 * 2 + 1, 2), 9_007_199_254_740_992),
        (7, 7),
        (-7, -7),
        (0, 0),
    ],
)
def test_halves_are_rounded_away_from_zero(value: Fraction, rounded: int) -> None:
    assert round_half_away(value) == rounded


@given(st.fractions())
def test_rounding_is_odd_and_never_off_by_more_than_a_half(value: Fraction) -> None:
    assert round_half_away(-value) == -round_half_away(value)
    assert abs(round_half_away(value) - value) <= Fraction(1, 2)


@given(AMOUNTS, WEIGHTS)
def test_an_allotment_loses_nothing_and_is_off_by_less_than_one_unit_each(
    amount: int, weights: list[int]
) -> None:
    parts = allot(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1
        assert part == 0 or weight > 0


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (200, [1, 1, 1], [67, 67, 66]),
        (1, [1, 1], [1, 0]),
        (1, [1, 2], [0, 1]),
        (0, [1, 2], [0, 0]),
        (10, [0, 1, 0], [0, 10, 0]),
        (5, [2, 2, 1], [2, 2, 1]),
    ],
)
def test_leftover_units_go_to_the_largest_remainders_and_ties_to_the_earlier(
    amount: int, weights: list[int], parts: list[int]
) -> None:
    assert allot(amount, weights) == parts


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, []), (1, [0]), (0, [0, 0]), (1, [3, -1])])
def test_what_is_no_split_is_refused(amount: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="allot takes"):
        allot(amount, weights)


def seat_by_seat(total: int, weights: list[int]) -> list[int]:
    """Sainte-Laguë as the textbooks tell it: one seat after another to the highest quotient."""
    parts = [0] * len(weights)
    for _ in range(total):
        quotients = [Fraction(weight, 2 * part + 1) for weight, part in zip(weights, parts, strict=True)]
        parts[quotients.index(max(quotients))] += 1
    return parts


@settings(max_examples=40)
@given(SMALL_WEIGHTS)
def test_an_apportionment_is_what_giving_one_unit_after_another_leads_to(weights: list[int]) -> None:
    for total in range(sum(weights) + 1):
        assert apportion(total, weights) == seat_by_seat(total, weights)


@given(SMALL_WEIGHTS)
def test_no_part_of_an_apportionment_shrinks_as_the_total_grows(weights: list[int]) -> None:
    before = apportion(0, weights)
    for total in range(1, sum(weights) + 1):
        after = apportion(total, weights)
        assert sum(after) == total
        assert sorted(b - a for a, b in zip(before, after, strict=True)) == [0] * (len(weights) - 1) + [1]
        before = after
    assert before == weights


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.data())
def test_no_part_exceeds_its_weight_whatever_the_amounts(weights: list[int], data: st.DataObject) -> None:
    totals = sorted(data.draw(st.lists(st.integers(0, sum(weights)), min_size=2, max_size=5)))
    rounds = [apportion(total, weights) for total in totals]
    for total, parts in zip(totals, rounds, strict=True):
        assert sum(parts) == total
        assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))
    for less, more in pairwise(rounds):
        assert all(a <= b for a, b in zip(less, more, strict=True))
    assert apportion(sum(weights), weights) == weights


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (2, [1]), (1, []), (1, [2, -1])])
def test_more_than_there_is_can_not_be_apportioned(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="apportion takes"):
        apportion(total, weights)


def test_nothing_apportioned_among_nobody_is_nothing() -> None:
    assert apportion(0, []) == []


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.90", "EUR", 1_990),
        ("19.9", "EUR", 1_990),
        ("19", "EUR", 1_900),
        ("0", "EUR", 0),
        ("0.00", "EUR", 0),
        ("0.01", "EUR", 1),
        ("19.9000", "EUR", 1_990),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1_234),
        ("1.2340", "KWD", 1_234),
        ("1.2345", "CLF", 12_345),
        ("90071992547409.91", "EUR", MAX_AMOUNT_MINOR),
        ("9007199254740991", "JPY", MAX_AMOUNT_MINOR),
        ("9007199254740.991", "KWD", MAX_AMOUNT_MINOR),
    ],
)
def test_plain_decimals_are_read_in_the_currencys_own_digits(text: str, currency: str, minor: int) -> None:
    assert parse_major(text, currency) == minor


HOSTILE_AMOUNTS = [
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "\n1",
    "1\x00",
    "+1",
    "-1",
    "-0",
    "--1",
    "1e2",
    "1E2",
    "1e-2",
    "0x10",
    "0b1",
    "1_000",
    "1,000.00",
    "1.000,00",
    "19,90",
    "1'000",
    "1 000",
    "1\u00a0000",
    ".5",
    "5.",
    ".",
    "01",
    "00",
    "1.2.3",
    "NaN",
    "nan",
    "Infinity",
    "inf",
    "-inf",
    "None",
    "true",
    "١٢",
    "１２",
    "1२",
    "²",
    "½",
    "€1",
    "1€",
    "1 EUR",
    "19.901",
    "0.001",
    "19.9000000000000000000001",
    "90071992547409.92",
    "99999999999999999999",
    "9" * 5_000,
    "0." + "0" * 5_000,
    "1" + "0" * 300,
    "=1+1",
    "1;2",
    "1/2",
    "１.０",
]


@pytest.mark.parametrize("text", HOSTILE_AMOUNTS, ids=lambda text: ascii(text)[:30])
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_major(text, "EUR", "total")
    assert (refusal.value.code, refusal.value.field) == ("amount_invalid", "total")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("text", ["1.5", "0.1", "9007199254740992"])
def test_yen_have_no_decimals(text: str) -> None:
    with pytest.raises(Invalid, match="amount_invalid"):
        parse_major(text, "JPY")


@given(st.text(max_size=30))
def test_no_text_at_all_makes_parsing_fail_in_another_way(text: str) -> None:
    try:
        amount = parse_major(text, "EUR")
    except Invalid:
        return
    assert 0 <= amount <= MAX_AMOUNT_MINOR
    assert text.isascii()


@given(AMOUNTS, CURRENCIES)
def test_a_written_amount_is_read_back(amount: int, currency: str) -> None:
    text = format_major(amount, currency)
    assert parse_major(text, currency) == amount
    assert len(text.partition(".")[2]) == DIGITS[currency]


@given(st.integers(-(10**30), 10**30), CURRENCIES)
def test_a_written_balance_is_read_back_however_large_or_negative(amount: int, currency: str) -> None:
    assert parse_signed_major(format_major(amount, currency), currency) == amount


@pytest.mark.parametrize("text", ["", "-", "--1.00", "+1.00", "1e3", "- 1.00", "1.0", "1", "1.000", "nan"])
def test_only_what_was_written_by_us_is_a_balance(text: str) -> None:
    with pytest.raises(Invalid, match="amount_invalid"):
        parse_signed_major(text, "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (-1_990, "EUR", "-19.90"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
        (-500, "JPY", "-500"),
        (0, "JPY", "0"),
        (1, "KWD", "0.001"),
        (1, "CLF", "0.0001"),
        (100_000, "UYW", "10.0000"),
    ],
)
def test_amounts_are_written_in_the_currencys_own_digits(amount: int, currency: str, text: str) -> None:
    assert format_major(amount, currency) == text


@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT_MINOR + 1, 10**400, True, False, 1.0, "1", None])
def test_only_integers_from_zero_to_two_to_the_53rd_are_amounts(amount: object) -> None:
    with pytest.raises(Invalid, match="amount_invalid"):
        check_amount(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [0, 1, MAX_AMOUNT_MINOR])
def test_both_ends_are_amounts(amount: int) -> None:
    assert check_amount(amount) == amount


@pytest.mark.parametrize(
    "code", ["", "eur", "EURO", "XXX", "XTS", "XAU", "XAG", "XDR", "BTC", "DEM", "EUR ", "ＥＵＲ", "\x00"]
)
def test_what_money_is_not_counted_in_is_no_currency(code: str) -> None:
    with pytest.raises(Invalid, match="currency_unknown"):
        check_currency(code)
    with pytest.raises(Invalid, match="currency_unknown"):
        parse_major("1.00", code)
