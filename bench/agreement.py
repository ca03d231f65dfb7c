"""Record what independent public packages make of public paths, for the test that we agree with them.

    make .venv-bench/ready
    .venv-bench/bin/python bench/agreement.py tests/data/agreement

`paths.csv.gz` is the data that `mta` ships. It tells no times, so for time decay the touches of a
path are a day apart, the last one at the time of the conversion.
"""

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
from mam.models.heuristics import TimeDecayModel
from mam.models.markov import MarkovModel
from mta.mta import MTA

HALF_LIFE_HOURS = 7 * 24


def record(folder: Path) -> None:
    """Write `figures.json`: conversions by model and channel (for `markov`, removal effects)."""
    models = MTA(str(folder / "paths.csv.gz"), allow_loops=True)
    models.first_touch(normalize=False).last_touch(normalize=False)
    models.linear(share="proportional", normalize=False).position_based(normalize=False)
    models.shapley(normalize=False)
    found = models.attribution
    rows = [(row.path, row.total_conversions, row.total_null) for row in models.data.itertuples()]
    figures = {
        "first": found["first_touch"],
        "last": found["last_touch"],
        "linear": found["linear"],
        "position": found["pos_based"],
        "shapley": found["shapley"],
        "time_decay": _time_decay(rows),
        "markov": _removal_effects(rows),
    }
    plain = {
        model: {name: float(value) for name, value in sorted(of.items())} for model, of in figures.items()
    }
    (folder / "figures.json").write_text(json.dumps(plain, indent=1) + "\n")


def _time_decay(rows: list[tuple[list[str], int, int]]) -> dict[str, float]:
    frame = pl.DataFrame(
        {
            "journey_id": [str(number) for number, _ in enumerate(rows)],
            "channels": [path for path, _, _ in rows],
            "time_till_conv": [[24.0 * at for at in reversed(range(len(path)))] for path, _, _ in rows],
            "conversion_value": [1.0] * len(rows),
            "weight": [float(sales) for _, sales, _ in rows],
        }
    )
    return _named(TimeDecayModel(HALF_LIFE_HOURS).get_aggregated_results(frame))


def _removal_effects(rows: list[tuple[list[str], int, int]]) -> dict[str, float]:
    ends = [
        (path, times, ended)
        for path, sales, nothing in rows
        for times, ended in ((sales, True), (nothing, False))
    ]
    kept = [(path, times, ended) for path, times, ended in ends if times]
    frame = pl.DataFrame(
        {
            "journey_id": [str(number) for number, _ in enumerate(kept)],
            "channels": [path for path, _, _ in kept],
            "has_conversion": [ended for _, _, ended in kept],
            "weight": [float(times) for _, times, _ in kept],
            "conversion_value": [1.0] * len(kept),
        }
    )
    model = MarkovModel(transition_to_same_state=True)
    model._compute_markov(frame)
    return dict(model.removal_effect_df["removal_effect"])


def _named(frame: Any) -> dict[str, float]:
    return dict(zip(frame["channels"].to_list(), frame["attribution"].to_list(), strict=True))


if __name__ == "__main__":
    record(Path(sys.argv[1]))
