"""What channels are worth: against the definitions, carried out the long way."""

from datetime import timedelta
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.worth import Ends, Paths, markov, shapley
from chalicelib.domain.worth.paths import Part, lags, lengths, parts
from tests.domain.builders import SOLD, days

PATHS: Paths = {
    ("a", "b", "c"): Ends(2, 3),
    ("b",): Ends(1, 5),
    ("c", "b", "c"): Ends(1),
    ("a", "a"): Ends(0, 4),
}
SOME = st.dictionaries(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=5).map(tuple),
    st.builds(Ends, st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=8,
).filter(lambda paths: all(ends.conversions + ends.nothing for ends in paths.values()))


def chance(paths: Paths, without: str | None = None) -> float:
    """The probability of a conversion, by following the chain step after step; `without` leads to nothing."""
    moves: dict[str, dict[str, int]] = {}
    for path, ends in paths.items():
        for here, there in zip(("start", *path), (*path, "end"), strict=True):
            for goal, times in (("sale", ends.conversions), ("nothing", ends.nothing)):
                to = goal if there == "end" else there
                moves.setdefault(here, {})
                moves[here][to] = moves[here].get(to, 0) + times
    at, sold = {"start": 1.0}, 0.0
    for _ in range(2_000):
        then: dict[str, float] = {}
        for here, weight in at.items():
            whole = sum(moves[here].values())
            for there, times in moves[here].items():
                if there == "sale":
                    sold += weight * times / whole
                elif there not in {"nothing", without}:
                    then[there] = then.get(there, 0) + weight * times / whole
        at = then
    return sold


def by_orders(paths: Paths) -> dict[str, Fraction]:
    """The Shapley value by its definition: over all orders, what each channel adds when it joins."""
    channels = sorted({channel for path in paths for channel in path})

    def worth(members: set[str]) -> int:
        return sum(ends.conversions for path, ends in paths.items() if set(path) <= members)

    values = dict.fromkeys(channels, Fraction(0))
    orders = list(permutations(channels))
    for order in orders:
        for place, channel in enumerate(order):
            gained = worth(set(order[: place + 1])) - worth(set(order[:place]))
            values[channel] += Fraction(gained, len(orders))
    return values


@given(SOME)
def test_a_removal_effect_is_the_part_of_conversions_that_is_lost(paths: Paths) -> None:
    base = chance(paths)
    for channel, effect in markov.removal_effects(paths).items():
        lost = 1 - chance(paths, channel) / base if base else 0
        assert float(effect) == pytest.approx(lost, abs=1e-6)


def test_a_channel_that_nobody_went_through_has_no_effect() -> None:
    paths: Paths = {("a", "b"): Ends(1, 1), ("x", "a"): Ends(0, 0)}
    assert markov.removal_effects(paths) == {"a": 1, "b": 1, "x": 0}


def test_a_textbook_chain() -> None:
    paths: Paths = {("c1", "c2", "c3"): Ends(1), ("c1",): Ends(0, 1), ("c2", "c3"): Ends(0, 1)}
    assert markov.removal_effects(paths) == {"c1": Fraction(1, 2), "c2": 1, "c3": 1}
    assert markov.conversions(paths) == {"c1": Fraction(1, 5), "c2": Fraction(2, 5), "c3": Fraction(2, 5)}


@given(SOME)
def test_shapley_values_are_those_of_the_definition(paths: Paths) -> None:
    assert shapley.conversions(paths) == by_orders(paths)


@given(SOME)
def test_all_conversions_are_given_out(paths: Paths) -> None:
    whole = sum(ends.conversions for ends in paths.values())
    assert sum(shapley.conversions(paths).values()) == whole
    assert sum(markov.conversions(paths).values()) == whole


def test_more_channels_than_can_be_inverted_are_refused() -> None:
    with pytest.raises(ValueError, match="up to 60"):
        markov.removal_effects({tuple(map(str, range(61))): Ends(1)})


def test_without_conversions_nothing_is_lost() -> None:
    assert markov.removal_effects({("a",): Ends(0, 3)}) == {"a": 0}
    assert markov.conversions({("a",): Ends(0, 3)}) == {"a": 0}
    assert shapley.conversions({}) == markov.conversions({}) == {}


def test_channels_begin_end_and_assist() -> None:
    assert parts(PATHS) == {
        "a": Part(first=2, last=0, assisted=2, alone=0),
        "b": Part(first=1, last=1, assisted=3, alone=1),
        "c": Part(first=1, last=3, assisted=0, alone=0),
    }


def test_paths_have_lengths_and_lags() -> None:
    assert lengths(PATHS) == {1: 1, 3: 3}
    spans = [(SOLD - days(2), SOLD), (SOLD - days(2) - timedelta(hours=23), SOLD), (SOLD, SOLD)]
    assert lags(spans) == {0: 1, 2: 2}
