"""docs/cost.md says what a click and a conversion take: counted here, and its sums worked out again."""

import re
from typing import Any

import pytest

from bench.capacity import NOON, Meter, Shop
from chalicelib.services import counting
from chalicelib.services.counting import Record
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage import aws
from chalicelib.storage.codec import decode_item
from chalicelib.storage.conversion_records import Feed
from infra.project import ROOT

TEXT = (ROOT / "docs" / "cost.md").read_text()
ROW = re.compile(r"^\| ([^|*]+) \| ([0-9.]+) \| ([0-9,]+) \| ([0-9.]+) \| ([0-9.]+) \|$", re.MULTILINE)


def section(title: str) -> str:
    """What stands below the heading that contains this."""
    return next(part for part in TEXT.split("\n## ") if title in part.split("\n")[0])


def units(title: str, event: str) -> tuple[float, float]:
    """The read and write units that the section gives for the event."""
    rows = {row[0]: float(row[1]) for row in ROW.findall(section(title))}
    return rows[f"read units: {event}"], rows[f"write units: {event}"]


@pytest.mark.parametrize("title", ["million clicks", "100,000 conversions", "10 million conversions"])
def test_the_sums_are_right(title: str) -> None:
    total = 0.0
    for _, per_event, events, price, dollars in ROW.findall(section(title)):
        reckoned = float(per_event) * int(events.replace(",", "")) * float(price) / 1_000_000
        assert float(dollars) == pytest.approx(reckoned, abs=0.0051)
        total += float(dollars)
    assert f"**{total:.2f}**" in section(title)
    assert f"${total:.2f}" in section(title).split("\n")[0]


def test_the_units_are_those_of_a_click_and_a_conversion(stage: Any, clock: Any) -> None:
    meter = Meter()
    meter.attach()
    shop = Shop()
    clock.set(NOON)
    shop.sell(shop.click())
    token = shop.click()
    told = meter.of(lambda: shop.sell(token))
    click = meter.of(shop.click)
    assert (click.reads, click.writes) == units("million clicks", "the click")
    assert (told.reads, told.writes) == units("100,000 conversions", "told")

    queued = stage.stores.conversion_queue.waiting
    waiting = [one for shard in range(4) for one in queued("bench", shard, Feed.DUE)]
    rules = rules_of(stage.stores, "bench")
    settled = meter.of(lambda: settle_conversion(stage.stores, rules, waiting[0].id, NOON))
    assert (settled.reads, settled.writes) == units("100,000 conversions", "settled")


def test_a_customer_takes_what_is_said_of_it(stage: Any, clock: Any) -> None:
    meter = Meter()
    meter.attach()
    shop = Shop()
    clock.set(NOON)
    shop.sell(shop.click())
    token = shop.click()
    without = meter.of(lambda: shop.sell(token))
    having = meter.of(lambda: shop.sell(token, customer_id="c-1"))
    (said,) = re.findall(r"takes (\d+) write units and (\d+) read units? more", TEXT)
    assert (having.writes - without.writes, having.reads - without.reads) == tuple(map(float, said))


@pytest.mark.parametrize("clicks", [1, 25])
def test_a_counting_batch_costs_the_same_however_many_clicks_of_a_link_it_holds(
    stage: Any, clock: Any, clicks: int
) -> None:
    meter = Meter()
    meter.attach()
    shop = Shop()
    for _ in range(clicks):
        shop.click()
    found = aws.client("dynamodb").scan(TableName=stage.settings.table("clicks"))["Items"]
    records = [Record(f"{number:09d}", True, decode_item(item)) for number, item in enumerate(found)]
    counting.count_clicks(stage.stores, "shard-0", records, NOON)  # A worker reads the time zone once.
    batch = meter.of(lambda: counting.count_clicks(stage.stores, "shard-1", records, NOON))
    assert len(records) == clicks
    assert (batch.reads, batch.writes) == units("million clicks", "counting, a batch")


def test_ten_million_conversions_are_reckoned_with_the_units_of_one() -> None:
    one, many = (
        {row[0]: (row[1], row[3]) for row in ROW.findall(section(title))}
        for title in ("100,000 conversions", "10 million conversions")
    )
    assert one.items() <= many.items()
    events = {row[2] for row in ROW.findall(section("10 million conversions")) if row[0] in one}
    assert events == {"10,000,000"}


def test_an_entry_takes_the_room_that_reading_it_is_reckoned_with(stage: Any, clock: Any) -> None:
    """A read unit is 4 KB; a page of a query rounds up once, so that an entry takes its own part of one."""
    shop = Shop()
    clock.set(NOON)
    shop.sell(shop.click())
    (waiting,) = [
        one for shard in range(4) for one in stage.stores.conversion_queue.waiting("bench", shard, Feed.DUE)
    ]
    settle_conversion(stage.stores, rules_of(stage.stores, "bench"), waiting.id, NOON)
    rows = aws.client("dynamodb").scan(TableName=stage.settings.table("journal"))["Items"]
    (entry,) = [decode_item(row) for row in rows if row["sk"]["S"].startswith("entry#")]
    size = sum(len(name) + len(str(value)) for name, value in entry.items())
    rates = {row[0]: float(row[1]) for row in ROW.findall(section("10 million conversions"))}
    assert size / 4096 < rates["read units: closing, an entry"]
