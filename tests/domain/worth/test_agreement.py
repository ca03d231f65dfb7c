"""The models that pay, removal effects and Shapley values, as independent packages reckon them.

`tests/data/agreement` tells which packages, and where the paths come from.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import pytest

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.terms import Attribution
from chalicelib.domain.worth import Ends, Paths, markov, shapley
from tests.domain.builders import SOLD, a_touch

DATA = Path(__file__).parents[2] / "data" / "agreement"
FIGURES: dict[str, dict[str, float]] = json.loads((DATA / "figures.json").read_text())
DAY = timedelta(days=1)


@lru_cache(maxsize=1)
def paths() -> Paths:
    found: dict[tuple[str, ...], Ends] = {}
    for path, sales, nothing in told():
        known = found.get(path, Ends(0))
        found[path] = Ends(known.conversions + sales, known.nothing + nothing)
    return found


def told() -> Iterator[tuple[tuple[str, ...], int, int]]:
    with gzip.open(DATA / "paths.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            names = tuple(name.strip() for name in row["path"].split(">"))
            yield names, int(row["total_conversions"]), int(row["total_null"])


@pytest.mark.parametrize("model", ["first", "last", "linear", "position", "time_decay"])
def test_a_model_that_pays(model: str) -> None:
    rules = Attribution(model=model, weights=(40, 20, 40), half_life_days=7)
    earned = dict.fromkeys(FIGURES[model], 0.0)
    by_length: dict[int, list[int]] = {}
    for names, ends in paths().items():
        length = len(names)
        if length not in by_length:
            days = [a_touch(str(at), SOLD - (length - 1 - at) * DAY) for at in range(length)]
            by_length[length] = MODELS[model](days, SOLD, rules)
        weights = by_length[length]
        for name, weight in zip(names, weights, strict=True):
            earned[name] += ends.conversions * weight / sum(weights)
    assert earned == pytest.approx(FIGURES[model], rel=1e-9)


def test_removal_effects() -> None:
    effects = {name: float(effect) for name, effect in markov.removal_effects(paths()).items()}
    assert effects == pytest.approx(FIGURES["markov"], abs=1e-9)


def test_shapley_values() -> None:
    values = {name: float(value) for name, value in shapley.conversions(paths()).items()}
    assert values == pytest.approx(FIGURES["shapley"], rel=1e-9)
