"""Plays many histories side by side in one world, and judges each of them."""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.histories import verdict
from tests.histories.actors import PARTNERS, History
from tests.histories.process import STARTED
from tests.histories.world import World

CALLERS = 4
_AFTER = timedelta(days=33)

TIMES = (
    datetime(2027, 1, 27, 12, tzinfo=UTC),
    datetime(2027, 1, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    datetime(2027, 2, 1, 0, 0, 0, tzinfo=UTC),
    datetime(2027, 2, 2, 15, tzinfo=UTC),
    datetime(2027, 2, 28, 22, 30, tzinfo=UTC),
    datetime(2027, 3, 2, 20, tzinfo=UTC),
    datetime(2027, 3, 28, 1, 0, tzinfo=UTC),
)
"""When things happen: at the edges of months in many time zones, after closes, and as clocks change."""

CLOSES = {TIMES[3]: "2027-01", TIMES[5]: "2027-02"}
"""When a month has become due, and which."""

SKEWS = (timedelta(), timedelta(seconds=7), timedelta(minutes=-10), timedelta(minutes=9))


@dataclass
class Outcome:
    """What came of it: how much happened, and everything that is wrong."""

    problems: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


def play(seed: str, programs: int, rate: float, actions: int) -> Outcome:
    """So many programs from this seed, each with so many `actions` at each time.

    The part `rate` of all AWS calls fails.
    """
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), seed, rate)
        with world.running():
            began = time.monotonic()
            acting = _act(world, programs, actions)
            outcome.seconds["acting"] = time.monotonic() - began
            _end(world)
            outcome.seconds["ending"] = time.monotonic() - began - outcome.seconds["acting"]
            spilled = world.spilled()
            judged = _all(lambda one: verdict.problems(one, *_months(), spilled), acting)
            outcome.seconds["judging"] = time.monotonic() - began - sum(outcome.seconds.values())
        lives = sum(log.read_text(errors="replace").count(STARTED) for log in Path(folder).glob("*.log"))
    outcome.problems = [*world.problems, *(problem for one in judged for problem in one)]
    outcome.statuses, outcome.kills = world.statuses, lives - 2
    for one in acting:
        outcome.acknowledged["clicks"] += one.hits["answered"]
        outcome.acknowledged["orders"] += len(one.orders)
        outcome.acknowledged["adjustments"] += sum(len(order.adjustments) for order in one.orders)
    return outcome


def _act(world: World, programs: int, actions: int) -> list[History]:
    world.at(TIMES[0])
    for partner in PARTNERS:
        body = {"id": partner, "name": partner.title(), "email": f"{partner}@example.com"}
        world.api("POST", "/v1/partners", body)
        account = {"method": "paypal", "details": {"email": f"{partner}@example.com"}}
        world.api("POST", f"/v1/partners/{partner}/payout", {"accounts": [account]})
    acting = [History(world, number) for number in range(programs)]
    _all(lambda one: one.begin(), acting)
    for now in TIMES:
        _at(world, acting, now, actions)
    return acting


def _at(world: World, acting: list[History], now: datetime, actions: int) -> None:
    """All that happens at one time, in any order: what people do, kills, and jobs of both servers at once."""
    world.at(now, world.random.choice(SKEWS))
    world.fail(world.rate)
    units: list[Callable[[], object]] = [lambda one=one: one.act(now, actions) for one in acting]
    units += [lambda: world.kill(world.random.randrange(2)), lambda: world.jobs("reconcile")]
    if now in CLOSES:
        units += [lambda: world.jobs("close_month"), lambda: world.jobs("close_month", "reconcile")]
    world.random.shuffle(units)
    _all(lambda unit: unit(), units)
    world.fail(0)
    world.replay()
    if now in CLOSES:
        world.jobs("close_month")
        world.fail(world.rate)
        paying = world.random.sample(acting, len(acting) // 2)
        _all(lambda one: one.pay(CLOSES[now]), paying)


def _end(world: World) -> None:
    """No more faults: whatever was acknowledged comes to its end."""
    world.fail(0)
    world.replay()
    last = TIMES[-1] + _AFTER
    for now in (last, last + timedelta(hours=1)):
        world.at(now)
        for name in ("reconcile", "close_month", "reconcile"):
            world.jobs(name)


def _months() -> tuple[Sequence[str], Sequence[str]]:
    return ["2027-01", "2027-02", "2027-03"], ["2027-04", "2027-05"]


def _all(act: Callable[[Any], Any], over: Sequence[Any]) -> list[Any]:
    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(act, over))


def fresh_seed() -> str:
    """A seed that nobody chose."""
    return f"{random.SystemRandom().randrange(16**8):08x}"
