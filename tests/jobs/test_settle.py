"""The worker on the conversions' stream, as Lambda calls it."""

from typing import Any

from chalicelib.domain.conversion import State
from chalicelib.domain.ids import conversion_id
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.program import Method
from chalicelib.jobs import counting_batch, settle
from chalicelib.services import capture, tracking_review
from chalicelib.storage.codec import encode_item
from chalicelib.storage.table import Table
from tests import capturing
from tests.capturing import NOW


def a_batch(stage: Any, order_id: str) -> Any:
    items = Table(stage.stores.settings, "conversions").query(conversion_id("acme", "sale", order_id))
    records = [
        {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(number), "NewImage": encode_item(item)}}
        for number, item in enumerate(items, 1)
    ]
    return {"Records": records, "shardId": "shard-1"}


def test_a_sale_is_settled_and_counted_once_though_its_batch_comes_twice(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    program = capturing.a_program(stage.stores)
    told = Incoming("sale", "order-1", capturing.euros(5000), Method.API, coupon="ANNA10")
    reply = capture.record(stage.stores, program, told, NOW)
    batch = a_batch(stage, "order-1")
    for _ in range(2):
        assert settle.settle(batch, None) == counting_batch.ANSWER
    found = stage.stores.conversions.find(reply.id)
    assert (found.state, len(found.booked.entries)) == (State.PENDING, 1)
    delivered = {one.method: one.today for one in tracking_review.delivered_by(stage.stores, program, NOW)}
    assert delivered["api"] == {"recorded": 1}
