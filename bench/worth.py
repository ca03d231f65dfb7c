"""Markov removal effects and Shapley values over synthetic paths of twelve channels."""

import random
import time
from collections.abc import Callable

from bench.measure import Measure, Measures
from chalicelib.domain.worth import Ends, Paths, markov, shapley

CHANNELS = 12
LONGEST = 8
SEED = 20_261_115


def measure(quick: bool) -> Measures:
    """Seconds for each: 10,000 distinct paths, and (unless quick) a million of them over one of 10,000."""
    few = some_paths(10_000)
    found = {
        "markov_10k_s": Measure(_seconds(markov.removal_effects, few), "s"),
        "shapley_10k_s": Measure(_seconds(shapley.conversions, few), "s"),
    }
    if not quick:
        many = some_paths(1_000_000)
        found["markov_1m_s"] = Measure(_seconds(markov.removal_effects, many), "s")
        found["shapley_1m_s"] = Measure(_seconds(shapley.conversions, many), "s")
    return found


def some_paths(count: int) -> Paths:
    """That many distinct paths of one to eight touches, the same in every run."""
    made = random.Random(SEED)
    names = [f"channel-{number}" for number in range(CHANNELS)]
    paths: dict[tuple[str, ...], Ends] = {}
    while len(paths) < count:
        path = tuple(made.choices(names, k=made.randint(1, LONGEST)))
        paths[path] = Ends(made.randint(0, 3), made.randint(0, 20))
    return paths


def _seconds(reckon: Callable[[Paths], object], paths: Paths) -> float:
    started = time.process_time()
    reckon(paths)
    return round(time.process_time() - started, 4)
