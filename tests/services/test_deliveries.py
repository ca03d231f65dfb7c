"""What each method delivered: counted from the stream, once, and told when the set-up is reviewed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.deliveries import Delivered, Hint, hints_of, hints_of_program
from chalicelib.domain.program import Method
from chalicelib.services import capture, counting, deliveries
from chalicelib.services.counting import Record
from chalicelib.storage.table import Table
from tests import capturing
from tests.capturing import NOW

ORDER = capture.Incoming("sale", "order-1", capturing.euros(5000), Method.PIXEL, coupon="ANNA10")


def records_of(stage: Any, *orders: str) -> list[Record]:
    """What the stream would tell of these orders, were all their items new."""
    table = Table(stage.stores.settings, "conversions")
    items = [
        item for order in orders for item in table.query(capture.ids.conversion_id("acme", "sale", order))
    ]
    return [Record(str(number), True, item) for number, item in enumerate(items, 1)]


def tell(stage: Any, **changes: Any) -> None:
    told = replace(ORDER, **changes)
    capture.record(
        stage.stores, stage.stores.catalogue.program("acme"), told, changes.get("occurred_at") or NOW
    )


def review(stage: Any, now: Any = NOW) -> dict[str, Delivered]:
    program = stage.stores.catalogue.program("acme")
    return {one.method: one for one in deliveries.review(stage.stores, program, now)}


@pytest.mark.parametrize("shard", ["shard-1", None])
def test_a_report_counts_once_however_often_its_batch_is_delivered(stage: Any, shard: str | None) -> None:
    capturing.a_program(stage.stores)
    tell(stage)
    for _ in range(2):
        counting.count_deliveries(stage.stores, shard, records_of(stage, "order-1"), NOW)
    pixel = review(stage)["pixel"]
    assert (pixel.last_at, pixel.today, pixel.recent) == (NOW, {"held": 1}, {"held": 1})


def test_a_confirmation_counts_for_the_method_that_confirmed(stage: Any) -> None:
    capturing.a_program(stage.stores)
    tell(stage)
    counting.count_deliveries(stage.stores, "shard-1", records_of(stage, "order-1"), NOW)
    tell(stage, method=Method.API)
    confirmation = [record for record in records_of(stage, "order-1") if record.item["sk"] == "confirmation"]
    counting.count_deliveries(stage.stores, "shard-1", [replace(*confirmation, sequence="2")], NOW)
    found = review(stage)
    assert (found["api"].today, found["pixel"].today) == ({"confirmed": 1}, {"held": 1})


def test_what_is_settled_or_adjusted_is_no_delivery(stage: Any) -> None:
    capturing.a_program(stage.stores)
    tell(stage)
    changed = [replace(record, is_new=False) for record in records_of(stage, "order-1")]
    other = [Record("9", True, {"pk": "cnv_x", "sk": "adjustment#1"})]
    assert counting.count_deliveries(stage.stores, "shard-1", changed + other, NOW) == 0
    assert review(stage)["pixel"] == Delivered(Method.PIXEL, True)


def test_an_older_report_that_comes_later_does_not_turn_the_time_back(stage: Any) -> None:
    capturing.a_program(stage.stores)
    tell(stage)
    tell(stage, order_id="order-0", occurred_at=NOW - timedelta(days=2))
    newer, older = records_of(stage, "order-1", "order-0")
    for number, record in enumerate((newer, older), 1):
        counting.count_deliveries(stage.stores, "s", [replace(record, sequence=str(number))], NOW)
    pixel = review(stage)["pixel"]
    assert (pixel.last_at, pixel.today, pixel.recent) == (NOW, {"held": 1}, {"held": 2})


def test_counts_of_more_than_thirty_days_ago_are_left_out(stage: Any) -> None:
    capturing.a_program(stage.stores)
    tell(stage)
    counting.count_deliveries(stage.stores, "s", records_of(stage, "order-1"), NOW)
    assert review(stage, NOW + timedelta(days=29))["pixel"].recent == {"held": 1}
    assert review(stage, NOW + timedelta(days=30))["pixel"].recent == {}


def test_a_method_is_listed_while_the_program_uses_it_and_where_it_delivered(stage: Any) -> None:
    program = capturing.a_program(stage.stores)
    tell(stage)
    counting.count_deliveries(stage.stores, "s", records_of(stage, "order-1"), NOW)
    stage.stores.catalogue.replace_program(program, replace(program, methods=frozenset({Method.API})))
    assert {name: one.is_allowed for name, one in review(stage).items()} == {"api": True, "pixel": False}


@pytest.mark.parametrize(
    ("one", "hints"),
    [
        (Delivered(Method.API, True), [Hint.NOTHING_YET]),
        (Delivered(Method.API, False), []),
        (Delivered(Method.API, True, NOW - timedelta(days=7), recent={"recorded": 1}), []),
        (Delivered(Method.API, True, NOW - timedelta(days=7, seconds=1), recent={"held": 1}), [Hint.SILENT]),
        (Delivered(Method.API, False, NOW - timedelta(days=8)), []),
        (Delivered(Method.PIXEL, True, NOW, recent={"held": 3}), [Hint.ALL_HELD]),
        (Delivered(Method.PIXEL, True, NOW, recent={"held": 3, "unattributed": 1}), []),
        (Delivered(Method.API, True, NOW, recent={"unattributed": 2}), [Hint.ALL_UNATTRIBUTED]),
    ],
)
def test_a_method_gets_the_hint_that_fits(one: Delivered, hints: list[Hint]) -> None:
    assert hints_of(one, [one], NOW) == hints


def test_held_orders_are_nothing_to_look_at_where_confirmations_come() -> None:
    pixel = Delivered(Method.PIXEL, True, NOW, recent={"held": 3})
    api = Delivered(Method.API, True, NOW, recent={"confirmed": 2})
    assert hints_of(pixel, [pixel, api], NOW) == []


def test_a_program_that_only_browsers_tell_is_warned() -> None:
    pixel = Delivered(Method.PIXEL, True, NOW, recent={"held": 3})
    tag, api = replace(pixel, method=Method.TAG), replace(pixel, method=Method.API)
    assert hints_of_program([pixel, tag, Delivered(Method.API, True)]) == [Hint.UNSIGNED_ONLY]
    assert hints_of_program([pixel, api]) == hints_of_program([Delivered(Method.PIXEL, True)]) == []
