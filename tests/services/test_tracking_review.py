"""What each method delivered: counted from the stream, once, and told when the set-up is reviewed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import Content
from chalicelib.domain.counts import Cell
from chalicelib.domain.errors import Conflict, Unavailable
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.program import Method
from chalicelib.domain.tracking_review import (
    ENOUGH,
    Delivered,
    Hint,
    Mark,
    counters_of,
    hints_of,
    hints_of_program,
    unsigned_bp,
)
from chalicelib.services import capture, counting, tracking_review
from chalicelib.services.counting import Record
from chalicelib.storage.counts import Counts
from chalicelib.storage.table import Table
from tests import capturing
from tests.capturing import NOW

ORDER = Incoming("sale", "order-1", capturing.euros(5000), Method.PIXEL, coupon="ANNA10")


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


def said_of(*delivered: Delivered) -> list[Hint]:
    return hints_of(delivered[0], delivered, NOW, currency="EUR", is_clicked=True)


def review(stage: Any, now: Any = NOW) -> dict[str, Delivered]:
    program = stage.stores.catalogue.program("acme")
    return {one.method: one for one in tracking_review.delivered_by(stage.stores, program, now)}


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


def test_what_is_odd_of_an_order_is_counted_with_it_once(stage: Any) -> None:
    capturing.a_program(stage.stores)
    click = capturing.a_click(stage.stores)
    tell(stage, order_id="order-1", click_id=click)
    tell(stage, order_id="order-2", content=Content(5000, "USD"))
    told = replace(ORDER, order_id="order-3", occurred_at=NOW + timedelta(minutes=5))
    capture.record(stage.stores, stage.stores.catalogue.program("acme"), told, NOW)
    told = replace(ORDER, order_id="order-4", occurred_at=NOW - timedelta(hours=2))
    capture.record(stage.stores, stage.stores.catalogue.program("acme"), told, NOW)
    records = records_of(stage, "order-1", "order-2", "order-3", "order-4")
    for _ in range(2):
        counting.count_deliveries(stage.stores, "s", records, NOW)
    pixel = review(stage)["pixel"]
    assert pixel.marks == {"without_click": 3, "ahead": 1, "hours_off": 1}
    assert pixel.currencies == {"EUR": 3, "USD": 1}
    assert pixel.first_reports == 4


def test_orders_without_any_click_are_odd_only_where_links_are_clicked(stage: Any) -> None:
    program = capturing.a_program(stage.stores)
    orders = [f"order-{number}" for number in range(ENOUGH)]
    for order in orders:
        tell(stage, order_id=order)
    counting.count_deliveries(stage.stores, "s", records_of(stage, *orders), NOW)

    def hints() -> Any:
        found = tracking_review.review(stage.stores, program, NOW)
        return {one.method: said for one, said in found.methods}["pixel"]

    assert Hint.COOKIES_BLOCKED not in hints()
    cells = {
        Cell("acme", "clicks", f"{NOW:%Y-%m-%d}", "anna", "anna", "partner", "human"): {"clicks": ENOUGH}
    }
    stage.stores.counts.add_from_shard("clicks", "s", "", "1", cells, NOW)
    assert Hint.COOKIES_BLOCKED in hints()


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
    assert said_of(one) == hints


def test_held_orders_are_nothing_to_look_at_where_confirmations_come() -> None:
    pixel = Delivered(Method.PIXEL, True, NOW, recent={"held": 3})
    api = Delivered(Method.API, True, NOW, recent={"confirmed": 2})
    assert said_of(pixel, api) == []


MANY = Delivered(Method.PIXEL, True, NOW, recent={"held": 20, "unattributed": 20}, currencies={"EUR": 40})


@pytest.mark.parametrize(
    ("changes", "hints"),
    [
        ({}, []),
        ({"marks": {"without_click": 39}}, []),
        ({"marks": {"without_click": 40}}, [Hint.COOKIES_BLOCKED]),
        ({"marks": {"without_click": 40}, "method": Method.API}, []),
        ({"marks": {"ahead": 20, "hours_off": 20}}, []),
        ({"marks": {"ahead": 21}}, [Hint.CLOCK_AHEAD]),
        ({"marks": {"hours_off": 21}}, [Hint.TIME_ZONE]),
        ({"marks": {"hours_off": 9}, "recent": {"held": 4, "unattributed": 5, "confirmed": 31}}, []),
        ({"currencies": {"EUR": 30, "USD": 10}}, []),
        ({"currencies": {"EUR": 38, "USD": 2}}, [Hint.CURRENCY_UNUSUAL]),
        ({"currencies": {"USD": 40}}, [Hint.CURRENCY_UNUSUAL]),
        ({"currencies": {"USD": 9}}, []),
    ],
)
def test_what_is_counted_besides_gives_a_hint_once_there_is_enough(changes: Any, hints: list[Hint]) -> None:
    assert said_of(replace(MANY, **changes)) == hints


@pytest.mark.parametrize(
    ("behind", "counted"),
    [
        (timedelta(0), False),
        (timedelta(minutes=20), False),
        (timedelta(hours=2), True),
        (timedelta(hours=2, seconds=90), True),
        (timedelta(hours=2, seconds=-90), True),
        (timedelta(hours=5, minutes=30), True),
        (timedelta(hours=2, minutes=10), False),
        (timedelta(hours=15), False),
    ],
)
def test_a_time_is_hours_off_where_it_lies_back_by_a_difference_of_zones(
    behind: timedelta, counted: bool
) -> None:
    assert ("hours_off" in counters_of("EUR", "click", NOW - behind, NOW)) is counted


def test_a_second_of_difference_is_no_clock_that_is_ahead() -> None:
    assert counters_of("EUR", "click", NOW + timedelta(minutes=1), NOW) == ["in_EUR"]
    assert counters_of("EUR", None, NOW + timedelta(minutes=2), NOW) == ["in_EUR", "without_click", "ahead"]


def test_a_program_that_only_browsers_tell_is_warned() -> None:
    pixel = Delivered(Method.PIXEL, True, NOW, recent={"held": 3})
    tag, api = replace(pixel, method=Method.TAG), replace(pixel, method=Method.API)
    assert hints_of_program([pixel, tag, Delivered(Method.API, True)]) == [Hint.UNSIGNED_ONLY]
    assert hints_of_program([pixel, api]) == hints_of_program([Delivered(Method.PIXEL, True)]) == []


def test_a_program_that_browsers_tell_more_than_half_of_is_warned_of_its_part() -> None:
    pixel = Delivered(Method.PIXEL, True, NOW, recent={"held": 12})
    api = Delivered(Method.API, True, NOW, recent={"recorded": 5})
    assert (hints_of_program([pixel, api]), unsigned_bp([pixel, api])) == ([Hint.MOSTLY_UNSIGNED], 7058)
    confirming = replace(api, recent={"recorded": 5, "confirmed": 4})
    assert (hints_of_program([pixel, confirming]), unsigned_bp([pixel, confirming])) == ([], 4705)
    assert unsigned_bp([Delivered(Method.PIXEL, True)]) is None


def test_a_program_whose_browsers_and_servers_never_tell_the_same_order_is_warned() -> None:
    pixel = Delivered(Method.PIXEL, True, NOW, recent={"held": 10})
    api = Delivered(Method.API, True, NOW, recent={"recorded": 10})
    assert hints_of_program([pixel, api]) == [Hint.NEVER_CONFIRMED]
    assert hints_of_program([pixel, replace(api, recent={"recorded": 10, "confirmed": 1})]) == []
    assert hints_of_program([pixel, replace(api, recent={"recorded": 9})]) == [Hint.MOSTLY_UNSIGNED]


def test_what_is_told_again_is_counted_beside_and_is_no_order(stage: Any) -> None:
    capturing.a_program(stage.stores)
    for _ in range(3):
        tell(stage, method=Method.API)
    with pytest.raises(Conflict):
        tell(stage, method=Method.API, content=capturing.euros(1))
    counting.count_deliveries(stage.stores, "shard-1", records_of(stage, "order-1"), NOW)
    api = review(stage)["api"]
    assert (api.recent, api.first_reports) == ({"recorded": 1}, 1)
    assert {mark: api.marks[mark] for mark in (Mark.REPEATED, Mark.CONFLICTING)} == {
        "repeated": 2,
        "conflicting": 1,
    }


def test_a_reply_does_not_hang_on_the_count_of_repetitions(stage: Any, monkeypatch: Any) -> None:
    capturing.a_program(stage.stores)
    tell(stage)

    def away(*_: Any) -> None:
        raise Unavailable("storage_unavailable", "away")

    monkeypatch.setattr(Counts, "note_repeat", away)
    tell(stage)
    assert Mark.REPEATED not in review(stage)["pixel"].marks


def test_a_method_that_only_repeats_others_is_neither_missing_nor_silent(stage: Any) -> None:
    capturing.a_program(stage.stores)
    tell(stage, method=Method.API)
    tell(stage)  # It adds a browser's word for the promo code.
    counting.count_deliveries(stage.stores, "shard-1", records_of(stage, "order-1"), NOW)
    pixel = review(stage)["pixel"]
    assert (pixel.last_at, pixel.repeated_on) == (None, f"{NOW:%Y-%m-%d}")
    for days, said in ((0, []), (7, []), (9, [Hint.SILENT])):
        later = NOW + timedelta(days=days)
        assert hints_of(pixel, [pixel], later, currency="EUR", is_clicked=False) == said


@pytest.mark.parametrize(
    ("own", "others", "marks", "said"),
    [
        (40, 0, {"repeated": 40}, [Hint.REPEATED]),
        (40, 0, {"repeated": 39}, []),
        (5, 0, {"repeated": 9}, []),
        (0, 40, {"repeated": 40}, []),
        (0, 40, {"repeated": 50}, [Hint.REPEATED]),
        (40, 0, {"conflicting": 10}, [Hint.CONFLICTING]),
        (40, 0, {"conflicting": 9}, []),
    ],
)
def test_repetitions_are_odd_where_they_are_many(
    own: int, others: int, marks: dict[str, int], said: list[Hint]
) -> None:
    api = Delivered(Method.API, True, NOW, recent={"recorded": own}, marks=marks)
    cart = Delivered(Method.SHOPIFY, True, NOW, recent={"recorded": others})
    assert said_of(api, cart) == said
