"""What public packages take for Markov removal effects and Shapley values, in an environment of their own.

    .venv-bench/bin/python bench/peers.py PACKAGE PATHS.csv

PATHS.csv has a line a distinct path: `path` (`a > b > a`), `total_conversions`, `total_null`. Prints a line
of JSON: seconds of CPU by measure, for what the package reckons from data that it has loaded. The Shapley
values of `marketing-attribution-models` are of another game (rates, four channels at most), and left out.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd


def mta(frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """Both, exactly."""
    from mta.mta import MTA

    models = MTA(frame, allow_loops=True, add_timepoints=False)
    return {"markov": models.markov, "shapley": models.shapley}


def marketing_attribution_models(frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """Markov, exactly."""
    import polars as pl
    from mam.models.markov import MarkovModel

    ends = [
        frame[["path"]].assign(weight=frame[column], has_conversion=converted)
        for column, converted in (("total_conversions", True), ("total_null", False))
    ]
    kept = pl.from_pandas(pd.concat(ends)).filter(pl.col("weight") > 0)
    paths = kept.with_columns(channels=pl.col("path").str.split(" > "), weight=pl.col("weight").cast(float))
    model = MarkovModel(transition_to_same_state=True)
    return {"markov": lambda: model._compute_markov(paths)}


def channelattribution(frame: pd.DataFrame) -> dict[str, Callable[[], object]]:
    """Markov, by simulation."""
    from ChannelAttribution import markov_model

    columns = {"var_conv": "total_conversions", "var_null": "total_null"}
    options: dict[str, Any] = {"sep": ">", "verbose": False, "flg_pro": False, "out_more": True}
    return {"markov": lambda: markov_model(frame, "path", **columns, **options)}


PACKAGES = {
    "mta": mta,
    "marketing-attribution-models": marketing_attribution_models,
    "channelattribution": channelattribution,
}


def main(package: str, paths: str) -> None:
    took_s = {}
    for name, reckon in PACKAGES[package](pd.read_csv(paths)).items():
        started = time.process_time()
        reckon()
        took_s[name] = time.process_time() - started
    print()
    print(json.dumps(took_s))


if __name__ == "__main__":
    main(*sys.argv[1:])
