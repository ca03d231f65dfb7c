"""Conversions settled a second through the real engine: one worker, and eight beside one another by shard.

A program of eight shards gets orders with a promo code; they are settled by the code that the hourly
reconcile and its shard workers run, once by one process and once by eight, each with shards of its own. All
share this machine's cores with the embedded engine, which works in one thread: the ratio says what workers
cost one another here, not what DynamoDB would let them do.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Measure, Measures
from chalicelib import bootstrap
from chalicelib.domain.conversion import Content
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.partner import Coupon
from chalicelib.domain.program import Method, Program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.services import capture
from chalicelib.services.pacing import always
from chalicelib.services.reconcile import settle_handed_on
from chalicelib.storage import aws
from local import provision
from local.engine import REGION, Engine

SHARDS = 8
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
FULL, QUICK = 1_600, 80


def measure(quick: bool) -> Measures:
    """Conversions a second by one worker and by eight, and the ratio of the two."""
    orders = QUICK if quick else FULL
    with Engine() as engine:
        os.environ.update(engine.environment)
        made = provision.stage(
            engine.client, prefix="bench", base_url="https://go.example.com", region=REGION
        )
        os.environ.update(made)
        os.environ.update({"POWERTOOLS_METRICS_DISABLED": "true", "POWERTOOLS_LOG_LEVEL": "WARNING"})
        aws.forget()
        alone = orders / _settle("alone", orders, workers=1)
        beside = orders / _settle("beside", orders, workers=SHARDS)
    cores = os.cpu_count()
    return {
        "reconcile_per_s": Measure(round(alone), f"1/s by one worker, {cores} cores, engine included"),
        "reconcile_per_s_8": Measure(
            round(beside), f"1/s by {SHARDS} workers on the same cores", round(alone)
        ),
    }


def _settle(name: str, orders: int, workers: int) -> float:
    """Seconds that so many workers take to settle that many new orders of a program."""
    _make(name, orders)
    command = [sys.executable, __file__, name]
    started = [
        subprocess.Popen(
            [*command, *(str(shard) for shard in range(number, SHARDS, workers))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(workers)
    ]
    for worker in started:
        _read(worker)
    begun = time.monotonic()
    for worker in started:
        if worker.stdin is not None:
            worker.stdin.write("go\n")
            worker.stdin.flush()
    settled = sum(int(_read(worker)) for worker in started)
    elapsed = time.monotonic() - begun
    for worker in started:
        worker.communicate()
    if settled != orders:
        raise RuntimeError(f"{settled} of {orders} orders were settled")
    return elapsed


def _read(worker: "subprocess.Popen[str]") -> str:
    return worker.stdout.readline().strip() if worker.stdout is not None else ""


def _make(name: str, orders: int) -> None:
    """A program of that name, and orders of it that wait to be settled."""
    bootstrap.stores.cache_clear()
    stores = bootstrap.stores()
    program = Program(
        name, name, ("shop.example",), "EUR", "https://shop.example/", NOON, "token", shards=SHARDS
    )
    stores.catalogue.add_program_once(program)
    rules = (CommissionRule("sale", "percent", rate_bp=1000),)
    stores.catalogue.add_terms_once(Terms(name, 1, NOON, Attribution(), 14, rules))
    stores.catalogue.add_coupon_once(Coupon(name, "anna", "ANNA", NOON))
    for number in range(orders):
        incoming = Incoming(
            "sale", f"o-{number}", Content(10_000, "EUR"), Method.API, coupon="ANNA", occurred_at=NOON
        )
        capture.record(stores, program, incoming, NOON)


def work(program: str, shards: list[int]) -> None:
    """Settle these shards once told to, and say how many conversions that were."""
    stores = bootstrap.stores()
    stores.catalogue.program(program)
    print("ready", flush=True)
    sys.stdin.readline()
    settled = [settle_handed_on(stores, program, shard, NOON, always).booked for shard in shards]
    print(sum(settled), flush=True)


if __name__ == "__main__":
    work(sys.argv[1], [int(shard) for shard in sys.argv[2:]])
