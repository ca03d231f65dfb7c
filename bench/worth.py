"""Markov removal effects and Shapley values of synthetic paths of twelve channels, beside public packages."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import Measure, Measures
from chalicelib.domain.worth import Ends, Paths, markov, shapley

CHANNELS = 12
LONGEST = 8
SEED = 20_261_115
ROUNDS = 3
PACKAGES = ("mta", "marketing-attribution-models", "channelattribution")
TIMEOUT_S = 900
ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
"""The public packages' own environment, which `make bench` sets up; without it there is no floor."""

ONE_CORE = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def measure(quick: bool) -> Measures:
    """Seconds of CPU for 10,000 distinct paths, and unless quick for a million, with the packages' beside.

    The floor is the fastest package's time for the same paths.
    """
    found: Measures = {}
    for name, count in (("10k", 10_000), *([] if quick else [("1m", 1_000_000)])):
        paths = some_paths(count)
        theirs = _packages(paths)
        for measured, reckon in (("markov", markov.removal_effects), ("shapley", shapley.conversions)):
            taken = {package: took[measured] for package, took in theirs.items() if measured in took}
            floor = min(taken.values(), default=None)
            found[f"{measured}_{name}_s"] = Measure(_seconds(reckon, paths), "s", floor)
            for package, took_s in taken.items():
                found[f"{measured}_{name}_s_{package}"] = Measure(took_s, "s")
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
    best_s = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        reckon(paths)
        best_s = min(best_s, time.process_time() - started)
    return round(best_s, 4)


def _packages(paths: Paths) -> dict[str, dict[str, float]]:
    """Seconds of CPU by package and measure; what fails or takes too long is left out."""
    if not PYTHON.exists():
        print("no .venv-bench: make bench sets it up to compare with public packages", file=sys.stderr)
        return {}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "paths.csv"
        lines = (f"{' > '.join(path)},{ends.conversions},{ends.nothing}\n" for path, ends in paths.items())
        file.write_text("path,total_conversions,total_null\n" + "".join(lines))
        for package in PACKAGES:
            command = [str(PYTHON), str(ROOT / "bench" / "peers.py"), package, str(file)]
            try:
                done = subprocess.run(
                    command,
                    env={**os.environ, **ONE_CORE},
                    stdout=subprocess.PIPE,
                    text=True,
                    timeout=TIMEOUT_S,
                )
            except subprocess.TimeoutExpired:
                print(f"{package} took longer than {TIMEOUT_S} s", file=sys.stderr)
                continue
            if done.returncode == 0:
                took = json.loads(done.stdout.splitlines()[-1])
                found[package] = {measured: round(took_s, 4) for measured, took_s in took.items()}
    return found
