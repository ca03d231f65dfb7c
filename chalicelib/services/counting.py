"""Counting clicks and money from the tables' streams, each record exactly once.

Lambda delivers a batch again after any failure, and may cut it elsewhere then. A record that cannot be read
is logged and passed over: it must not stop the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import observe
from chalicelib.domain import counts
from chalicelib.domain.click import Click
from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.counts import Addition, Cell
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.journal import EARNING_KINDS, Kind
from chalicelib.domain.period import parse_instant
from chalicelib.domain.tracking_review import CONFIRMED, counters_of
from chalicelib.services.programs import timezone_of
from chalicelib.storage.clicks import is_repeat, of_item, revised_from
from chalicelib.storage.codec import Item
from chalicelib.storage.counts import MAX_CELLS, MAX_MARKED, padded
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

REPEAT_WITHIN = timedelta(seconds=10)
"""The same visitor on the same link again this soon is marked as a quick repeat, and counts all the same."""

_REPORTS = ("conversion", "confirmation")
"""The items that are reports of an order: its first one, and the one that confirmed it."""

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Record:
    """A change of an item: its number in the stream, whether there was no item before, the item now."""

    sequence: str
    is_new: bool
    item: Item


Reader = Callable[[Record], list[Addition]]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Records that are counted in one transaction."""

    sequences: tuple[str, ...]
    cells: dict[Cell, dict[str, int]]


def count_clicks(stores: Stores, shard: str | None, records: Sequence[Record], now: datetime) -> int:
    """Count a batch of the clicks' stream, having marked its quick repeats; how many records were new.

    Raises:
        Unavailable: storage does not answer; the batch must be delivered again.
    """
    return _count(stores, "clicks", shard, records, lambda record: _of_click(stores, record, now), now)


def count_money(stores: Stores, shard: str | None, records: Sequence[Record], now: datetime) -> int:
    """Count a batch of the journal's stream; how many records were new.

    Raises:
        Unavailable: storage does not answer; the batch must be delivered again.
    """
    return _count(stores, "journal", shard, records, lambda record: _of_entry(stores, record), now)


def count_deliveries(stores: Stores, shard: str | None, records: Sequence[Record], now: datetime) -> int:
    """Count which methods delivered orders, in a batch of the conversions' stream; how many were new.

    Raises:
        Unavailable: storage does not answer; the batch must be delivered again.
    """
    told = [record for record in records if record.is_new and record.item.get("sk") in _REPORTS]
    if not told:
        return 0
    counted = _count(stores, "conversions", shard, told, lambda record: _of_report(stores, record), now)
    for (program, method), at in _newest(stores, told).items():
        stores.counts.note_delivery(program, method, at)
    return counted


def _count(
    stores: Stores, stream: str, shard: str | None, records: Sequence[Record], read: Reader, now: datetime
) -> int:
    if shard is not None:
        return _count_shard(stores, stream, shard, records, read, now)
    return _count_marked(stores, stream, records, read, now)


def _count_shard(
    stores: Stores, stream: str, shard: str, records: Sequence[Record], read: Reader, now: datetime
) -> int:
    counted = 0
    for _ in range(_ATTEMPTS):
        before = stores.counts.checkpoint(stream, shard)
        new = [record for record in records if padded(record.sequence) > before]
        for chunk in _chunks(new, read, len(new), MAX_CELLS):
            after = chunk.sequences[-1]
            if not stores.counts.add_from_shard(stream, shard, before, after, chunk.cells, now):
                break
            before = after
            counted += len(chunk.sequences)
        else:
            return counted
    raise Unavailable("storage_busy", "the shard is being counted by others; try again")


def _count_marked(stores: Stores, stream: str, records: Sequence[Record], read: Reader, now: datetime) -> int:
    counted = 0
    pending = list(records)
    for _ in range(_ATTEMPTS):
        known: set[str] = set()
        for chunk in _chunks(pending, read, MAX_MARKED, MAX_MARKED):
            found = stores.counts.add_marked(stream, chunk.sequences, chunk.cells, now)
            counted += 0 if found else len(chunk.sequences)
            known |= found or set(chunk.sequences)
        pending = [record for record in pending if padded(record.sequence) not in known]
        if not pending:
            return counted
    raise Unavailable("storage_busy", "the records are being counted by others; try again")


def _chunks(records: Sequence[Record], read: Reader, most_records: int, most_cells: int) -> list[_Chunk]:
    """The records in order, in chunks of at most that many records and cells."""
    chunks: list[_Chunk] = []
    sequences: list[str] = []
    additions: list[Addition] = []
    for record in records:
        added = _read_safely(record, read)
        cells = {cell for cell, _ in additions} | {cell for cell, _ in added}
        if sequences and (len(cells) > most_cells or len(sequences) >= most_records):
            chunks.append(_Chunk(tuple(sequences), counts.add_up(additions)))
            sequences, additions = [], []
        sequences.append(padded(record.sequence))
        additions += added
    if sequences:
        chunks.append(_Chunk(tuple(sequences), counts.add_up(additions)))
    return chunks


def _read_safely(record: Record, read: Reader) -> list[Addition]:
    try:
        return read(record)
    except (KeyError, ValueError, TypeError):
        observe.error("record_not_counted", sequence=record.sequence)
        observe.count("record_not_counted")
        return []


def _of_click(stores: Stores, record: Record, now: datetime) -> list[Addition]:
    click = of_item(record.item)
    timezone = timezone_of(stores, click.program)
    if record.is_new:
        return counts.of_click(click, timezone, is_repeat=_mark_repeat(stores, click, record.item, now))
    before = revised_from(record.item)
    return counts.of_revision(click, timezone, before) if before is not None else []


def _mark_repeat(stores: Stores, click: Click, item: Item, now: datetime) -> bool:
    """Whether the click repeats one of a moment before; marked then. Only a returning visitor's can."""
    if is_repeat(item) or not click.is_touchpoint or "returning" not in click.flags:
        return is_repeat(item)
    earlier = stores.clicks.journey(click.program, click.visitor, click.at - REPEAT_WITHIN, click.at, now)
    if not any(
        other.link_id == click.link_id and (other.at, other.nonce) < (click.at, click.nonce)
        for other in earlier
    ):
        return False
    try:
        stores.clicks.mark_repeat(click)
    except ConditionFailed:
        return False
    return True


def _of_entry(stores: Stores, record: Record) -> list[Addition]:
    item = record.item
    if not record.is_new or "entry" not in item or item["kind"] not in EARNING_KINDS:
        return []
    is_reversal = item["kind"] == Kind.REVERSAL
    by_bank = is_reversal and item.get("cause", "").startswith(AdjustmentKind.CHARGEBACK)
    amounts = {
        "accruals": 1 if item["kind"] == Kind.ACCRUAL else 0,
        "reversals": 1 if is_reversal else 0,
        "chargebacks": 1 if by_bank else 0,
        "conversions": 1 if item.get("first") else 0,
        "revenue": int(item.get("sale_minor", 0)),
        "commission": int(item.get("commission_minor", 0)),
    }
    booked_at = parse_instant(item["booked_at"], "booked_at")
    cell = Cell(
        program=item["program"],
        kind="money",
        day=counts.day_of(booked_at, timezone_of(stores, item["program"])),
        partner=item["partner"],
        link=item.get("code") or "",
        channel=item.get("channel") or "partner",
        currency=item["currency"],
    )
    return [(cell, amounts)]


def _of_report(stores: Stores, record: Record) -> list[Addition]:
    report = record.item["report"]
    program, method = report["program"], report["method"]
    at = parse_instant(report["received_at"], "received_at")
    day = counts.day_of(at, timezone_of(stores, program))
    if record.item["sk"] != "conversion":
        return counts.of_delivery(program, method, CONFIRMED, day)
    occurred_at = parse_instant(report["occurred_at"], "occurred_at")
    also = counters_of(report["currency"], report.get("click_id"), occurred_at, at)
    return counts.of_delivery(program, method, record.item["outcome"], day, also)


def _newest(stores: Stores, told: Sequence[Record]) -> dict[tuple[str, str], datetime]:
    """When each method of each program delivered last, in these records."""
    newest: dict[tuple[str, str], datetime] = {}
    for record in told:
        for cell, _ in _read_safely(record, lambda told: _of_report(stores, told)):
            at = parse_instant(record.item["report"]["received_at"], "received_at")
            key = (cell.program, cell.channel)
            newest[key] = max(at, newest.get(key, at))
    return newest
