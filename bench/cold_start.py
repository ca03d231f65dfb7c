"""A cold start of the deployed zip: from the start of its process to the answer of its first redirect.

The floor is a function that makes one DynamoDB client with botocore as it is installed, with bytecode. Both
run under awslambdaric in a bare process; what a function that does nothing takes is taken off both.
"""

import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Measure, Measures
from infra.build_zip import build
from infra.project import ROOT
from infra.rehearsal import Deployed
from infra.runtime import Function, copy_distribution, copy_runtime_client
from infra.vendor import TASK_ROOT, compile_tree
from local.engine import Engine

RUNS, QUICK_RUNS = 15, 5
_IN_AN_APP = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/22G86 Instagram 390.0.0.28.85 (iPhone15,2; iOS 18_6; en_US; en; scale=3.00; 1179x2556)"
)
"""An agent that only the full list of crawlers can judge, which is compiled for the first such visitor."""
_BOTOCORE = ("botocore", "jmespath", "python-dateutil", "six", "urllib3")
Start = tuple[Function, Any]
"""A function that is not started yet, and its first event."""

_NOTHING = "def handler(event, context):\n    return None\n"
_FLOOR = f"""
from botocore.session import Session

client = Session().create_client("dynamodb")


{_NOTHING}"""


def measure(quick: bool) -> Measures:
    """`cold_start_ratio` with the floor's milliseconds, `cold_start_ms`, and `zip_mb`.

    The first visitor has Chrome; `cold_start_in_app_ms` is the same for one who comes from within an app.

    Of all runs the quickest counts: whatever else the machine does only adds.
    """
    with tempfile.TemporaryDirectory() as name, Engine() as engine:
        folder = Path(name)
        package = build("dev", folder, cache=ROOT / "build")
        task = folder / "task"
        with zipfile.ZipFile(package.zip_path) as archive:
            archive.extractall(task)
        ric = copy_runtime_client(folder / "ric")
        deployed = Deployed(package, task, ric, engine)
        with deployed.function("APIHandler") as api:
            deployed.api = api
            deployed.open_shop()
        starts = {
            "nothing": partial(_plain, _written(folder / "nothing", _NOTHING), ric, deployed),
            "floor": partial(_plain, _written(folder / "floor", _FLOOR, _BOTOCORE), ric, deployed),
            "app": partial(_redirect, deployed),
            "in app": partial(_redirect, deployed, _IN_AN_APP),
        }
        best = _quickest(starts, QUICK_RUNS if quick else RUNS)
        zip_mb = package.zip_mb
    floor_ms, app_ms = best["floor"] - best["nothing"], best["app"] - best["nothing"]
    return {
        "cold_start_ratio": Measure(round(app_ms / floor_ms, 3), "ratio", 1.0),
        "cold_start_ms": Measure(round(app_ms, 1), "ms", round(floor_ms, 1)),
        "cold_start_in_app_ms": Measure(round(best["in app"] - best["nothing"], 1), "ms", round(floor_ms, 1)),
        "zip_mb": Measure(round(zip_mb, 2), "MB"),
    }


def _quickest(starts: Mapping[str, Callable[[], Start]], runs: int) -> dict[str, float]:
    """The shortest milliseconds of each, in turns, so that a busy moment falls on all."""
    best = dict.fromkeys(starts, float("inf"))
    for _ in range(runs):
        for name, start in starts.items():
            best[name] = min(best[name], _timed(start))
    return best


def _timed(start: Callable[[], Start]) -> float:
    function, event = start()
    with function:
        function.invoke(event)
        return (time.monotonic() - function.started_s) * 1000


def _plain(folder: Path, ric: Path, deployed: Deployed) -> Start:
    return Function(folder, "function.handler", ric, deployed.environment), {}


def _redirect(deployed: Deployed, *agent: str) -> Start:
    return deployed.function("APIHandler"), deployed.follow_link(*agent)


def _written(folder: Path, source: str, packages: tuple[str, ...] = ()) -> Path:
    """A task folder with one module and some installed packages, with bytecode."""
    folder.mkdir()
    (folder / "function.py").write_text(source)
    for package in packages:
        copy_distribution(package, folder)
    compile_tree(folder, TASK_ROOT)
    return folder
