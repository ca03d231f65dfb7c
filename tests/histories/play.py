"""Plays many histories side by side in one world, and judges each of them by itself."""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
    """What came of it: how much happened, and what is wrong, by the seed of the history that tells it."""

    problems: dict[str, list[str]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Size:
    """How much happens: up to so many `actions` of a history at each of the `times`, in ledgers of so many
    `shards`. The part `rate` of all AWS calls fails."""

    times: Sequence[datetime] = TIMES
    actions: int = 4
    shards: int = 2
    rate: float = 0.02

    @property
    def ends(self) -> datetime:
        """When all holds are over, and the last month in which something happened is due."""
        return self.times[-1] + _AFTER

    @property
    def closed(self) -> list[str]:
        """The months that are published at the end, such as `2027-01`."""
        return _months(self.times[0], self.ends)[:-1]

    @property
    def running(self) -> list[str]:
        """The months that are open at the end; in some time zones the second one has begun by then."""
        return _months(self.ends, self.ends + _AFTER)


def play(seed: str, numbers: Iterable[int], size: Size) -> Outcome:
    """The histories of these numbers, each from its own seed, which is `{seed}/{number}`, in one world."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), seed, size.rate, size.shards)
        acting = [History(world, number, size.times, size.actions) for number in numbers]
        with world.running():
            began = time.monotonic()
            _act(world, acting, size.times)
            outcome.seconds["acting"] = time.monotonic() - began
            _end(world, size.ends)
            outcome.seconds["ending"] = time.monotonic() - began - outcome.seconds["acting"]
            spilled = world.spilled()
            judged = _all(lambda one: verdict.problems(one, size.closed, size.running, spilled), acting)
            forgotten = _forget(world, acting, size.closed)
            outcome.seconds["judging"] = time.monotonic() - began - sum(outcome.seconds.values())
        lives = sum(log.read_text(errors="replace").count(STARTED) for log in Path(folder).glob("*.log"))
    told = {seed: world.problems}
    told |= {
        one.seed: [*one.problems, *found, *after]
        for one, found, after in zip(acting, judged, forgotten, strict=True)
    }
    outcome.problems = {whose: problems for whose, problems in told.items() if problems}
    outcome.statuses, outcome.kills = world.statuses, lives - 2
    for one in acting:
        outcome.happened += one.happened
    return outcome


def _months(first: datetime, last: datetime) -> list[str]:
    """The months from this instant's to that one's, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    numbers = [first.year * 12 + first.month - 1 + at for at in range(count)]
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in numbers]


def _act(world: World, acting: Sequence[History], times: Sequence[datetime]) -> None:
    world.at(times[0])
    for partner in PARTNERS:
        body = {"id": partner, "name": partner.title(), "email": f"{partner}@example.com"}
        world.api("POST", "/v1/partners", body)
        account = {"method": "paypal", "details": {"email": f"{partner}@example.com"}}
        world.api("POST", f"/v1/partners/{partner}/payout", {"accounts": [account]})
    for now in times:
        world.at(now, world.random.choice(SKEWS))
        _all(History.begin, [one for one in acting if one.begins_at == now])
        _at(world, [one for one in acting if one.begins_at <= now], now)


def _at(world: World, acting: Sequence[History], now: datetime) -> None:
    """All that happens at one time, in any order: what people do, kills, and jobs of both servers at once."""
    world.fail(world.rate)
    units: list[Callable[[], object]] = [lambda one=one: one.act(now) for one in acting]
    units.append(lambda: world.kill(world.random.randrange(2)))
    if now in CLOSES:
        units.append(lambda: world.jobs("close_month"))
    else:
        units.append(lambda: world.job("reconcile", world.random.randrange(2)))
    world.random.shuffle(units)
    _all(lambda unit: unit(), units)
    world.fail(0)
    world.replay()
    if now in CLOSES:
        world.job("close_month", 0)
        world.fail(world.rate)
        _all(lambda one: one.pay(CLOSES[now]), acting[::2])


def _end(world: World, last: datetime) -> None:
    """No more faults: whatever was acknowledged comes to its end."""
    world.fail(0)
    world.replay()
    world.at(last)
    world.jobs("reconcile")
    world.jobs("close_month")
    world.at(last + timedelta(hours=1))
    world.job("reconcile", 0)


def _forget(world: World, acting: Sequence[History], closed: Sequence[str]) -> list[list[str]]:
    """Erase all customers; what is wrong with each history's published months, and who is still known."""
    _all(History.erase, acting)
    world.order("drain")
    return _all(lambda one: verdict.problems_of_erasure(one, closed), acting)


def _all(act: Callable[[Any], Any], over: Sequence[Any]) -> list[Any]:
    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(act, over))


def fresh_seed() -> str:
    """A seed that nobody chose."""
    return f"{random.SystemRandom().randrange(16**8):08x}"
