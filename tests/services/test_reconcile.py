"""One pass over everything, and what it hands on when there is too much or too little time."""

import json
from datetime import UTC, datetime

import pytest

from chalicelib.domain.conversion import State
from chalicelib.domain.errors import NotFound
from chalicelib.services import reconcile
from chalicelib.services.pacing import HasTime
from chalicelib.storage.queues import Queue
from local.engine import Engine
from local.functions import QueueSource
from local.workers import QueueWorker
from tests import scene
from tests.conftest import Stage
from tests.scene import Scene

SOLD = datetime(2026, 9, 10, 12, tzinfo=UTC)
AFTER_HOLD = datetime(2026, 9, 25, 12, tzinfo=UTC)


@pytest.fixture
def shop(stage: Stage) -> Scene:
    made = scene.make(stage.stores, shards=3)
    for _ in range(9):
        made.sell(stage.stores, SOLD)
    return made


def handed_on(engine: Engine, stage: Stage) -> list[tuple[str, int]]:
    """The messages that wait in the queue, each taken out of it."""
    found: list[tuple[str, int]] = []

    def note(_: str, event: dict[str, list[dict[str, str]]]) -> None:
        for record in event["Records"]:
            told = json.loads(record["body"])
            found.append((told["program"], told["shard"]))

    worker = QueueWorker(engine, QueueSource("note", stage.environment["RECONCILE_QUEUE"], 10), note)
    while worker.step():
        pass
    return sorted(found)


def states(stage: Stage, shop: Scene) -> list[State]:
    feeds = reconcile.Feed
    return [
        listed.state
        for shard in range(shop.program.shards)
        for feed in feeds
        for listed in stage.stores.conversion_queue.in_feed(shop.program.id, shard, feed)
    ]


def time_for(count: int) -> HasTime:
    left = iter([True] * count)
    return lambda: next(left, False)


def test_a_small_program_is_settled_in_one_pass(stage: Stage, engine: Engine, shop: Scene) -> None:
    summary = reconcile.reconcile(stage.stores, SOLD)
    assert (summary.booked, summary.handed_on, handed_on(engine, stage)) == (9, 0, [])


def test_what_is_too_much_for_one_pass_is_handed_on_by_shard(
    stage: Stage, engine: Engine, shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "MOST_IN_ONE_PASS", 2)
    summary = reconcile.reconcile(stage.stores, SOLD)
    told = handed_on(engine, stage)
    assert (summary.booked, summary.handed_on) == (2, len(told))
    assert told[-1] == (shop.program.id, 2)
    for program, shard in told:
        summary = reconcile.settle_handed_on(stage.stores, program, shard, SOLD, lambda: True)
        assert summary.handed_on == 0
    assert reconcile.reconcile(stage.stores, SOLD).looked_at == 0


def test_a_worker_whose_time_is_over_hands_on_the_rest(stage: Stage, engine: Engine, shop: Scene) -> None:
    work, rounds = [(shop.program.id, shard) for shard in range(3)], 0
    while work:
        program, shard = work.pop()
        reconcile.settle_handed_on(stage.stores, program, shard, AFTER_HOLD, time_for(2))
        work += handed_on(engine, stage)
        rounds += 1
        assert rounds < 30
    assert rounds > 3
    assert states(stage, shop) == [State.APPROVED] * 9


def test_when_time_is_over_the_other_programs_wait_for_the_next_pass(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    assert reconcile.reconcile(stage.stores, SOLD, lambda: False).programs == 0
    assert reconcile.reconcile(stage.stores, SOLD).booked == 9


def test_a_stage_without_a_queue_settles_all_itself(
    stage: Stage, shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "MOST_IN_ONE_PASS", 2)
    stage.stores.shards_to_settle = Queue(None)
    summary = reconcile.reconcile(stage.stores, SOLD)
    assert (summary.booked, summary.handed_on) == (9, 0)


def test_a_shard_of_a_program_that_there_is_not_is_refused(stage: Stage) -> None:
    with pytest.raises(NotFound):
        reconcile.settle_handed_on(stage.stores, "nobodys", 0, SOLD, lambda: True)
