"""The path to a conversion: which touches it keeps, and in which order."""

import random
from datetime import timedelta

import pytest

from chalicelib.domain.path import in_order
from tests.domain.builders import SOLD, a_touch

MANY = [a_touch(f"p{number}", SOLD - timedelta(minutes=200 - number)) for number in range(105)]


@pytest.mark.parametrize("told", [1, 2, 99, 100])
def test_up_to_a_hundred_touches_are_all_kept_whatever_their_order(told: int) -> None:
    mixed = random.Random(told).sample(MANY[:told], told)
    assert in_order(mixed) == tuple(MANY[:told])


def test_of_more_the_oldest_and_the_newest_ninety_nine_are_kept() -> None:
    mixed = random.Random(1).sample(MANY, len(MANY))
    assert in_order(mixed) == (MANY[0], *MANY[-99:])


def test_it_is_all_the_same_whether_they_were_told_at_once_or_in_parts() -> None:
    assert in_order([*in_order(MANY[:101]), *MANY[101:]]) == in_order(MANY)
