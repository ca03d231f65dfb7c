"""Rising load on the very package that is deployed: `python bench/saturation_artefact.py [--quick]`.

The unpacked zip runs under awslambdaric, in as many bare processes as Lambda would have execution
environments; each takes one request at a time, and callers beyond their number wait in a queue. What Lambda
and API Gateway add of their own is not in the figures. Engine, processes and callers share this machine's
cores, so rates are lower bounds; what counts is that nothing fails, nothing is lost, and that it is quick
again afterwards.
"""

import json
import queue
import sys
import tempfile
import threading
import time
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.saturation import HEAD, Phase, beside
from chalicelib import bootstrap
from chalicelib.services import keeping
from infra.acting import acting_as
from infra.build_zip import build
from infra.project import ROOT
from infra.rehearsal import Deployed, a_schedule, header
from infra.runtime import Function, copy_runtime_client
from local.engine import Engine
from local.functions import StreamSource
from local.gateway import answer_of
from local.workers import Progress, StreamWorker

ENVIRONMENTS = 4
STEPS = (1, 2, 4, 8, 16)
_LOG_BYTES = 1 << 30
_PATIENCE_S = 600.0


class Fleet:
    """Execution environments of the API: the one that was used last is used first, as Lambda does.

    Who finds all of them busy waits, and is served in the order of coming.
    """

    def __init__(self, functions: Sequence[Function]) -> None:
        self.functions = functions
        self._lock = threading.Lock()
        self._free = [*functions]
        self._waiting: deque[queue.SimpleQueue[Function]] = deque()

    def ask(self, event: dict[str, Any]) -> Any:
        """The answer of the first environment that is free."""
        function = self._take()
        try:
            return function.invoke(event, timeout_s=_PATIENCE_S)
        finally:
            self._hand_on(function)

    def _take(self) -> Function:
        with self._lock:
            if self._free:
                return self._free.pop()
            place: queue.SimpleQueue[Function] = queue.SimpleQueue()
            self._waiting.append(place)
        return place.get()

    def _hand_on(self, function: Function) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().put(function)
            else:
                self._free.append(function)


def follow(fleet: Fleet, event: dict[str, Any], name: str, callers: int, seconds: float) -> Phase:
    """Follow one link with so many callers for so long."""
    phase, until, started = Phase(name, callers), time.monotonic() + seconds, time.monotonic()

    def visit(_: int) -> None:
        while (began := time.monotonic()) < until:
            answer = answer_of(fleet.ask(event))
            if answer.status == 302 and "ll_click=" in header(answer, "Location"):
                phase.latencies_s.append(time.monotonic() - began)
            else:
                phase.errors += 1

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(visit, range(callers)))
    phase.elapsed_s = time.monotonic() - started
    return phase


def tell(deployed: Deployed, api: Function, orders: int, occurred_at: datetime) -> int:
    """A flash of orders through an environment of their own; how many were answered with 2xx."""
    headers = {"Authorization": f"Bearer {deployed.admin_key}", "Content-Type": "application/json"}
    told = 0
    for first in range(0, orders, 50):
        sales = [
            {
                "program": "acme",
                "event": "sale",
                "order_id": f"flash-{number}",
                "amount": 1000,
                "currency": "EUR",
                "coupon": "FLASH",
                "occurred_at": f"{occurred_at:%Y-%m-%dT%H:%M:%SZ}",
            }
            for number in range(first, min(first + 50, orders))
        ]
        body = json.dumps({"conversions": sales}).encode()
        event = deployed.event("POST", "/v1/conversions/batch", body, headers)
        answer = answer_of(api.invoke(event, timeout_s=_PATIENCE_S))
        told += sum(result["status"] in {200, 201} for result in json.loads(answer.body)["results"])
    return told


def close(deployed: Deployed) -> list[Any]:
    """Reconcile and close, each in a fresh environment; what they answered."""
    answers = []
    for name, job in (("Reconcile", "reconcile"), ("CloseMonth", "close_month")):
        with deployed.function(name) as function:
            answers.append(function.invoke(a_schedule(job), timeout_s=_PATIENCE_S))
    return answers


@contextmanager
def stage(environments: int) -> Iterator[tuple[Deployed, Fleet]]:
    """The package in so many environments, with a shop that is open."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        engine = opened.enter_context(Engine())
        package = build("dev", folder, cache=ROOT / "build")
        with zipfile.ZipFile(package.zip_path) as archive:
            archive.extractall(folder / "task")
        deployed = Deployed(package, folder / "task", copy_runtime_client(folder / "ric"), engine)
        functions = [opened.enter_context(deployed.function("APIHandler")) for _ in range(environments)]
        deployed.api = functions[0]
        deployed.open_shop()
        deployed.call("POST", "/v1/coupons", {"program": "acme", "partner": "ada", "code": "FLASH"})
        yield deployed, Fleet(functions)


def counted(deployed: Deployed, fleet: Fleet) -> int:
    """How many clicks the reports have, once what only the logs hold is written and the stream is empty."""
    with acting_as(deployed.environment):
        for function in fleet.functions:
            keeping.replay(bootstrap.stores(), function.output(_LOG_BYTES).splitlines(), datetime.now(UTC))
    source = StreamSource("clicks", deployed.stage["CLICKS_STREAM_ARN"], 500)
    with deployed.function("CountClicks") as function:
        worker = StreamWorker(
            deployed.engine, source, Progress(deployed.engine), lambda _, event: function.invoke(event)
        )
        while worker.step():
            pass
    return int(deployed.call("GET", "/v1/stats?program=acme")["totals"]["clicks"])


def kept(deployed: Deployed) -> int:
    """How many conversions there are."""
    found, cursor = 0, ""
    while True:
        page = deployed.call("GET", f"/v1/conversions?program=acme&limit=200{cursor}")
        found += len(page["data"])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def phases(deployed: Deployed, fleet: Fleet, seconds: float, orders: int) -> tuple[list[Phase], int, str]:
    """What each phase came to, how many orders were acknowledged, and the month that was closed."""
    link = deployed.follow_link()
    month_end = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sold_at = month_end - timedelta(hours=1)
    done = [follow(fleet, link, "warm-up", ENVIRONMENTS, 1.0)]
    done += [follow(fleet, link, "hot link", callers, seconds) for callers in STEPS]
    with deployed.function("APIHandler") as api:
        told, phase = beside(
            lambda: tell(deployed, api, orders, sold_at),
            lambda: follow(fleet, link, "flash of orders beside", ENVIRONMENTS, seconds),
        )
    done.append(phase)
    _, phase = beside(
        lambda: close(deployed),
        lambda: follow(fleet, link, "month close beside", ENVIRONMENTS, seconds),
    )
    done.append(phase)
    with deployed.engine.frozen():
        done.append(follow(fleet, link, "database away", ENVIRONMENTS, min(seconds, 5.0)))
    done.append(follow(fleet, link, "recovered", 1, 2 * seconds))
    return done, told, f"{sold_at:%Y-%m}"


def main() -> int:
    quick = "--quick" in sys.argv
    seconds, orders = (2.0, 200) if quick else (8.0, 2000)
    with stage(ENVIRONMENTS) as (deployed, fleet):
        done, told, month = phases(deployed, fleet, seconds, orders)
        answered = sum(len(phase.latencies_s) for phase in done)
        clicks, conversions = counted(deployed, fleet), kept(deployed)
        published = deployed.call("GET", f"/v1/ledgers/acme/{month}")["status"] == "published"
    print(HEAD, *(phase.row() for phase in done), sep="\n")
    print(f"clicks answered {answered}, kept {clicks}; orders acknowledged {told}, kept {conversions}")
    print(f"the month was published during the load: {published}")
    lost = clicks < answered or conversions < told or not published
    return 1 if lost or any(phase.errors for phase in done) else 0


if __name__ == "__main__":
    sys.exit(main())
