"""A shard out of the queue, in the time that Lambda leaves."""

import json
from datetime import UTC, datetime

import pytest

from app import app
from local.engine import Engine
from local.functions import Context, Functions, QueueSource
from local.workers import QueueWorker
from tests import scene
from tests.conftest import Clock, Stage

SOLD = datetime(2026, 9, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(("timeout_s", "booked"), [(60, 0), (61, 1)])
def test_a_shard_is_settled_while_there_is_time(
    stage: Stage, engine: Engine, clock: Clock, timeout_s: int, booked: int
) -> None:
    clock.set(SOLD)
    shop = scene.make(stage.stores, shards=1)
    sold = shop.sell(stage.stores, SOLD).id
    message = {"Records": [{"body": json.dumps({"program": shop.program.id, "shard": 0})}]}
    app.handler_map["settle_shard"](message, Context("settle_shard", timeout_s=timeout_s))
    found = stage.stores.conversions.find(sold)
    assert found is not None
    assert len(found.booked.entries) == booked

    source = QueueSource("settle_shard", stage.environment["RECONCILE_QUEUE"], 1)
    assert QueueWorker(engine, source, Functions(app).invoke).step() == 1 - booked
    found = stage.stores.conversions.find(sold)
    assert found is not None
    assert len(found.booked.entries) == 1
