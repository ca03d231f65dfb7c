"""Counters are exact: whatever is delivered again, cut elsewhere, or fails in the middle."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain import counts
from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.counts import By
from chalicelib.domain.errors import Invalid, Unavailable
from chalicelib.domain.program import Program
from chalicelib.services import counting, stats, verdicts
from chalicelib.services.counting import Record
from chalicelib.storage import table
from chalicelib.storage.clicks import to_item

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def a_click(number: int = 0, **changes: Any) -> Click:
    click = Click(
        program="acme",
        visitor=f"abcdefghijklmn{'ab'[number % 2]}{'abcdefgh'[number % 8]}",
        at=NOW + timedelta(milliseconds=number),
        nonce=f"{number:06x}",
        link_id="lnk_aaaaaaaaaaaaa",
        code="summer",
        partner="anna",
        verdict=Verdict.HUMAN,
        reason="navigation",
        token="t" * 59,
    )
    return replace(click, **changes)


def record_of(click: Click, sequence: int) -> Record:
    return Record(str(sequence), True, to_item(click, LATER))


def an_entry(number: int, **changes: Any) -> Record:
    item = {
        "entry": f"e{number}",
        "program": "acme",
        "kind": "accrual",
        "booked_at": "2026-10-15T12:00:00.000Z",
        "partner": "anna",
        "currency": "EUR",
        "sale_minor": 2000,
        "commission_minor": 200,
        "code": "summer",
        "first": True,
    }
    return Record(str(number), True, item | changes)


def clicks_of(stage: Any, **by: Any) -> int:
    return stats.report(stage.stores, "acme", **by).totals.clicks


@pytest.mark.parametrize("shard", ["shard-1", None])
def test_a_batch_that_comes_again_is_counted_once(stage: Any, shard: str | None) -> None:
    records = [record_of(a_click(number), 100 + number) for number in range(120)]
    assert counting.count_clicks(stage.stores, shard, records[:70], NOW) == 70
    assert counting.count_clicks(stage.stores, shard, records[30:], NOW) == 50
    assert counting.count_clicks(stage.stores, shard, records, NOW) == 0
    assert clicks_of(stage) == 120


@pytest.mark.parametrize("shard", ["shard-1", None])
def test_counts_are_exact_whatever_call_fails(stage: Any, shard: str | None, monkeypatch: Any) -> None:
    """Every call of DynamoDB may fail before or after it happened; Lambda delivers until none does."""
    chance = random.Random(7)
    real = table.call

    def call(operation: str, **arguments: Any) -> Any:
        fate = chance.random()
        if fate < 0.25:
            raise Unavailable("storage_unavailable", "before")
        answer = real(operation, **arguments)
        if fate < 0.5:
            raise Unavailable("storage_unavailable", "after")
        return answer

    clicks = [a_click(n, partner=f"p{n % 60}", code=f"c{n % 60}") for n in range(150)]
    records = [record_of(click, 100 + number) for number, click in enumerate(clicks)]
    monkeypatch.setattr(table, "call", call)
    for _ in range(200):
        try:
            counting.count_clicks(stage.stores, shard, records[: chance.randrange(1, 150)], NOW)
            counting.count_clicks(stage.stores, shard, records, NOW)
            break
        except Unavailable:
            continue
    monkeypatch.setattr(table, "call", real)
    report = stats.report(stage.stores, "acme", by="partner")
    assert report.totals.clicks == 150
    assert len(report.rows) == 60


def test_rival_workers_of_a_shard_count_once(stage: Any, monkeypatch: Any) -> None:
    from chalicelib.storage.counts import Counts

    records = [record_of(a_click(number), 100 + number) for number in range(10)]
    real = Counts.checkpoint

    def stale(self: Any, stream: str, shard: str) -> str:
        before = real(self, stream, shard)
        monkeypatch.setattr(Counts, "checkpoint", real)
        counting.count_clicks(stage.stores, "shard-1", records, NOW)
        return before

    monkeypatch.setattr(Counts, "checkpoint", stale)
    assert counting.count_clicks(stage.stores, "shard-1", records, NOW) == 0
    assert clicks_of(stage) == 10


def test_shards_are_counted_apart(stage: Any) -> None:
    counting.count_clicks(stage.stores, "shard-1", [record_of(a_click(1), 900)], NOW)
    counting.count_clicks(stage.stores, "shard-2", [record_of(a_click(2), 100)], NOW)
    assert clicks_of(stage) == 2


def test_sequence_numbers_are_compared_as_numbers(stage: Any) -> None:
    counting.count_clicks(stage.stores, "s", [record_of(a_click(1), 99)], NOW)
    counting.count_clicks(stage.stores, "s", [record_of(a_click(2), 100)], NOW)
    assert clicks_of(stage) == 2


def test_a_record_that_cannot_be_read_does_not_stop_the_others(stage: Any) -> None:
    broken = Record("101", True, {"pk": "acme", "sk": "x"})
    records = [record_of(a_click(1), 100), broken, record_of(a_click(2), 102)]
    assert counting.count_clicks(stage.stores, "s", records, NOW) == 3
    assert clicks_of(stage) == 2


@pytest.mark.parametrize(
    ("seconds", "link", "flags", "expected"),
    [
        (3, "lnk_aaaaaaaaaaaaa", ("returning",), True),
        (11, "lnk_aaaaaaaaaaaaa", ("returning",), False),
        (3, "lnk_bbbbbbbbbbbba", ("returning",), False),
    ],
)
def test_a_quick_repeat_is_marked_and_still_counts(
    stage: Any, seconds: int, link: str, flags: tuple[str, ...], expected: bool
) -> None:
    from chalicelib.storage import aws
    from chalicelib.storage.clicks import is_repeat
    from chalicelib.storage.codec import decode_item

    first = a_click(0)
    second = replace(first, at=NOW + timedelta(seconds=seconds), nonce="00000f", link_id=link, flags=flags)
    for click in (first, second):
        stage.stores.clicks.put(click, LATER)
    for _ in range(2):
        counting.count_clicks(stage.stores, "s", [record_of(first, 1), record_of(second, 2)], NOW)
    assert clicks_of(stage) == 2
    items = aws.client("dynamodb").scan(TableName=stage.settings.table("clicks"))["Items"]
    marked = [of["sk"]["S"] for of in items if is_repeat(decode_item(of))]
    assert bool(marked) is expected
    cells = stage.stores.counts.cells("acme", "clicks", "2026-10-15", "2026-10-15")
    assert sum(found.get("repeats", 0) for _, found in cells) == int(expected)


def test_a_revised_verdict_takes_its_counts_along(stage: Any) -> None:
    click = a_click()
    stage.stores.clicks.put(click, LATER)
    counting.count_clicks(stage.stores, "s", [record_of(click, 1)], NOW)
    verdicts.revise(stage.stores, click, Verdict.BOT, "reviewed")
    kept = stage.stores.clicks.find("acme", click.visitor, click.at, click.nonce, NOW)
    assert (kept.verdict, kept.reason) == (Verdict.BOT, "reviewed")
    key = (f"acme#{click.visitor}", f"2026-10-15T12:00:00.000Z#{click.nonce}")
    item = table.Table(stage.settings, "clicks").find(*key)
    assert item is not None
    changed = [Record("2", False, item)]
    for _ in range(2):
        counting.count_clicks(stage.stores, "s", changed, NOW)
    report = stats.report(stage.stores, "acme", by="verdict")
    assert {name: row.clicks for name, row in report.rows.items()} == {"bot": 1, "human": 0}
    assert report.totals.clicks == 0


def test_a_change_that_is_no_revision_counts_nothing(stage: Any) -> None:
    click = a_click()
    counting.count_clicks(stage.stores, "s", [Record("1", False, to_item(click, LATER) | {"q": True})], NOW)
    assert clicks_of(stage) == 0


def test_money_counts_conversions_once_and_each_currency_apart(stage: Any) -> None:
    records = [
        an_entry(1, sale_minor=1000, commission_minor=100),
        an_entry(2, sale_minor=1000, commission_minor=100, partner="ben", code="b", first=False),
        an_entry(3, kind="reversal", sale_minor=-500, commission_minor=-50, first=False),
        an_entry(4, kind="release", sale_minor=0, commission_minor=100, first=False),
        an_entry(5, currency="USD", sale_minor=700, commission_minor=70, code=None),
    ]
    for _ in range(2):
        counting.count_money(stage.stores, "s", records, NOW)
    totals = stats.report(stage.stores, "acme").totals
    assert totals.conversions == 2
    assert totals.revenue == {"EUR": 1500, "USD": 700}
    assert totals.commission == {"EUR": 150, "USD": 70}
    assert stats.report(stage.stores, "acme", partner="ben").totals.revenue == {"EUR": 1000}


def test_rows_by_every_dimension_add_up(stage: Any) -> None:
    clicks = [
        a_click(1),
        a_click(2, partner="ben", code="b"),
        a_click(3, verdict=Verdict.BOT, token=None),
        a_click(4, at=NOW + timedelta(days=1)),
    ]
    counting.count_clicks(stage.stores, "s", [record_of(c, 10 + n) for n, c in enumerate(clicks)], NOW)
    counting.count_money(stage.stores, "s", [an_entry(1)], NOW)
    for by in By:
        report = stats.report(stage.stores, "acme", by=by)
        people = [row.clicks for name, row in report.rows.items() if name != Verdict.BOT]
        assert sum(people) == report.totals.clicks == 3
        assert sum(row.conversions for row in report.rows.values()) == 1
    assert stats.report(stage.stores, "acme", by="verdict").rows["bot"].clicks == 1


def test_bounds_are_days_both_included_and_instants_half_open(stage: Any) -> None:
    days = [a_click(n, at=NOW + timedelta(days=n)) for n in range(3)]
    counting.count_clicks(stage.stores, "s", [record_of(c, 10 + n) for n, c in enumerate(days)], NOW)
    assert clicks_of(stage, since="2026-10-16", until="2026-10-17") == 2
    assert clicks_of(stage, since="2026-10-16T00:00:00Z", until="2026-10-17T00:00:00Z") == 1
    assert clicks_of(stage, until="2026-10-14") == 0


@pytest.mark.parametrize(
    "bounds",
    [
        {"since": "yesterday"},
        {"until": "2026-13-01"},
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"by": "colour"},
    ],
)
def test_bounds_and_dimensions_that_make_no_sense_are_refused(stage: Any, bounds: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        stats.report(stage.stores, "acme", **bounds)


@pytest.mark.parametrize(
    ("timezone", "at", "day"),
    [
        ("UTC", "2026-10-15T23:59:59Z", "2026-10-15"),
        ("Asia/Kolkata", "2026-10-15T18:29:59Z", "2026-10-15"),
        ("Asia/Kolkata", "2026-10-15T18:30:00Z", "2026-10-16"),
        ("America/Los_Angeles", "2026-10-16T06:59:59Z", "2026-10-15"),
        ("Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25"),  # A day of 25 hours.
        ("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-26"),
    ],
)
def test_a_day_is_one_of_the_programs_time_zone(timezone: str, at: str, day: str) -> None:
    assert counts.day_of(datetime.fromisoformat(at), timezone) == day


def test_everything_is_counted_to_the_programs_own_day(stage: Any) -> None:
    program = Program("kolkata", "K", ("k.example",), "INR", "https://k.example/", NOW, "t", "Asia/Kolkata")
    stage.stores.catalogue.add_program_once(program)
    click = a_click(program="kolkata", at=datetime(2026, 10, 15, 18, 30, tzinfo=UTC))
    counting.count_clicks(stage.stores, "s", [record_of(click, 1)], NOW)
    entry = an_entry(1, program="kolkata", booked_at="2026-10-15T18:29:59.999Z")
    counting.count_money(stage.stores, "s", [entry], NOW)
    days = stats.report(stage.stores, "kolkata", by="day").rows
    assert {day: (row.clicks, row.conversions) for day, row in days.items()} == {
        "2026-10-15": (0, 1),
        "2026-10-16": (1, 0),
    }
    upto = "2026-10-15T18:30:00Z"
    assert stats.report(stage.stores, "kolkata", until=upto).totals.clicks == 0
    assert stats.report(stage.stores, "kolkata", since=upto).totals.clicks == 1
