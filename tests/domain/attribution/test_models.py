"""Attribution models: what all of them keep to, and what each one says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution
from tests.domain.builders import SOLD, a_touch, days

THIRD = Fraction(1, 3)
AGES = st.lists(st.integers(0, 365 * 86_400_000), min_size=1, max_size=30).map(sorted).map(reversed).map(list)
WEIGHTS = (
    st.tuples(st.integers(0, 100), st.integers(0, 100))
    .map(sorted)
    .map(lambda cuts: (cuts[0], cuts[1] - cuts[0], 100 - cuts[1]))
)


def touches_aged(ages_ms: Sequence[int]) -> list[Touch]:
    return [a_touch(f"p{number}", SOLD - timedelta(milliseconds=age)) for number, age in enumerate(ages_ms)]


def shares_of(weights: Sequence[int]) -> list[Fraction]:
    return [Fraction(weight, sum(weights)) for weight in weights]


def shares(model: str, *ages_days: float, at: datetime = SOLD, **rules: object) -> list[Fraction]:
    touches = [a_touch(f"p{number}", SOLD - days(age)) for number, age in enumerate(ages_days)]
    rules = {"channel_weights": {"partner": 1}} | rules
    return shares_of(MODELS[model](touches, at, Attribution(**rules)))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", sorted(MODELS))
@given(ages=AGES, half_life_days=st.integers(1, 365), weights=WEIGHTS)
def test_every_touch_has_a_weight_and_they_are_something_to_share_by(
    model: str, ages: list[int], half_life_days: int, weights: tuple[int, int, int]
) -> None:
    rules = Attribution(half_life_days=half_life_days, weights=weights, channel_weights={"partner": 3})
    found = MODELS[model](touches_aged(ages), SOLD, rules)
    assert len(found) == len(ages)
    assert all(type(weight) is int and weight >= 0 for weight in found)
    assert sum(found) > 0


@pytest.mark.parametrize("model", sorted(MODELS))
def test_a_single_touch_earns_the_whole(model: str) -> None:
    assert shares(model, 3) == [1]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first", [1, 0, 0]),
        ("last", [0, 0, 1]),
        ("last_non_direct", [0, 0, 1]),
        ("linear", [THIRD, THIRD, THIRD]),
        ("position", [Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)]),
    ],
)
def test_three_touches_share_as_the_model_says(model: str, expected: list[Fraction]) -> None:
    assert shares(model, 9, 5, 1) == expected


@pytest.mark.parametrize(
    ("weights", "count", "expected"),
    [
        ((40, 20, 40), 2, [Fraction(1, 2), Fraction(1, 2)]),
        ((90, 0, 10), 2, [Fraction(1, 2), Fraction(1, 2)]),
        ((40, 20, 40), 4, [Fraction(2, 5), Fraction(1, 10), Fraction(1, 10), Fraction(2, 5)]),
        ((30, 40, 30), 3, [Fraction(3, 10), Fraction(2, 5), Fraction(3, 10)]),
        ((0, 100, 0), 4, [0, Fraction(1, 2), Fraction(1, 2), 0]),
        ((100, 0, 0), 3, [1, 0, 0]),
        ((33, 33, 34), 5, [Fraction(33, 100), *[Fraction(11, 100)] * 3, Fraction(34, 100)]),
    ],
)
def test_position_weighs_the_ends_and_divides_the_middle(
    weights: tuple[int, int, int], count: int, expected: list[Fraction]
) -> None:
    assert shares("position", *range(count, 0, -1), weights=weights) == expected


def test_channels_weigh_what_the_terms_say() -> None:
    groups = {"creators": ("p0",), "coupons": ("p1", "p2"), "others": ("p3",)}
    weights = {"creators": 3, "coupons": 1, "partner": 2}
    assert MODELS["channel_weights"](
        touches_aged([5, 4, 3, 2, 1]), SOLD, Attribution(groups=groups, channel_weights=weights)
    ) == [3, 1, 1, 2, 2]


def test_a_channel_that_is_not_named_weighs_nothing() -> None:
    assert MODELS["channel_weights"](touches_aged([1]), SOLD, Attribution()) == [0]


def test_a_touch_one_half_life_older_weighs_half_as_much() -> None:
    assert shares("time_decay", 14, 7, 0) == [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]


def test_the_half_life_is_the_terms() -> None:
    assert shares("time_decay", 10, 0, half_life_days=10) == [THIRD, 2 * THIRD]
    assert shares("time_decay", 10, 0, half_life_days=5) == [Fraction(1, 5), Fraction(4, 5)]


def test_only_the_time_between_touches_matters_to_decay() -> None:
    assert shares("time_decay", 10, 3) == shares("time_decay", 107, 100)


def test_touches_of_the_same_second_weigh_the_same() -> None:
    touches = [
        a_touch("a", SOLD - timedelta(milliseconds=900)),
        a_touch("b", SOLD - timedelta(milliseconds=100)),
    ]
    first, second = MODELS["time_decay"](touches, SOLD, Attribution())
    assert first == second


def test_no_path_is_too_old_to_be_shared() -> None:
    assert shares("time_decay", 365, 365, half_life_days=1) == [Fraction(1, 2), Fraction(1, 2)]
    assert shares("time_decay", 365, 0, half_life_days=1) == [0, 1]


@given(AGES, st.integers(1, 365))
def test_decay_agrees_with_floating_point_to_a_million_millionth(
    ages: list[int], half_life_days: int
) -> None:
    found = MODELS["time_decay"](touches_aged(ages), SOLD, Attribution(half_life_days=half_life_days))
    seconds = [age // 1_000 - min(ages) // 1_000 for age in ages]
    weights = [2.0 ** (-age / (half_life_days * 86_400)) for age in seconds]
    for share, weight in zip(shares_of(found), weights, strict=True):
        assert float(share) == pytest.approx(weight / sum(weights), abs=1e-12, rel=0)


@given(AGES, st.integers(1, 365))
def test_a_newer_touch_never_weighs_less(ages: list[int], half_life_days: int) -> None:
    found = MODELS["time_decay"](touches_aged(ages), SOLD, Attribution(half_life_days=half_life_days))
    assert found == sorted(found)


def test_decay_is_the_same_to_the_last_bit_everywhere() -> None:
    total = 43_205_333_097_709_746_145
    assert shares("time_decay", 6.5, 2.25, 0.125) == [
        Fraction(9_812_222_892_992_275_489, total),
        Fraction(129_968_401_139_199_296, 375_698_548_675_736_923),
        Fraction(2**64, total),
    ]
