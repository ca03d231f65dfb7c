"""Time decay: a touch weighs half as much for every half-life that lies between it and the conversion.

2^(-age/half-life) is irrational, so it is quantised to 64 binary digits by integer arithmetic alone:
every platform computes the same weights to the last bit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import isqrt

from chalicelib.domain.conversion import Touch
from chalicelib.domain.terms import Attribution

_BITS = 64
_SECOND = timedelta(seconds=1)


def weigh(touches: Sequence[Touch], occurred_at: datetime, rules: Attribution) -> list[int]:
    """2^64, less a half for each half-life of age, in whole seconds.

    Ages are taken from the newest touch: a common factor leaves shares as they are, and so no path is
    so old that all of its weights vanish.
    """
    half_life_s = rules.half_life_days * 86_400
    ages = [(occurred_at - touch.at) // _SECOND for touch in touches]
    youngest = min(ages)
    return [_halved(age - youngest, half_life_s) for age in ages]


@lru_cache(maxsize=4096)
def _halved(age_s: int, half_life_s: int) -> int:
    """2^64 * 2^(-age/half_life), rounded down: whole halves by shifting, the rest bit by bit."""
    halves, rest = divmod(age_s, half_life_s)
    weight = 1 << _BITS
    digits = f"{(rest << _BITS) // half_life_s:0{_BITS}b}"
    for digit, root in zip(digits, _roots(), strict=True):
        if digit == "1":
            weight = weight * root >> _BITS
    return weight >> halves


@lru_cache(maxsize=1)
def _roots() -> tuple[int, ...]:
    """2^64 * 2^(-1/2), 2^(-1/4), ...: each the integer square root of the one before."""
    roots = []
    root = 1 << (_BITS - 1)
    for _ in range(_BITS):
        root = isqrt(root << _BITS)
        roots.append(root)
    return tuple(roots)
