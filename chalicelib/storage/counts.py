"""The `counts` table: counters by cell, and how far each stream has been counted.

A batch is counted exactly once. Where its shard is known (Lambda names it for streams with a tumbling
window), one transaction adds to the cells and moves the shard's checkpoint. Where it isn't, the transaction
leaves a mark for every record instead, which costs one more write a record.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.counts import Addition, Cell
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.conditions import ABSENT, Condition, equals
from chalicelib.storage.table import ConditionFailed, Table, transact

MAX_CELLS = 90
"""Cells in one transaction; DynamoDB takes 100 actions."""

MAX_MARKED = 45
"""Records in one transaction that marks each of them."""

_KEPT_FOR = timedelta(days=7)
"""How long checkpoints and marks outlive their record, which a stream keeps for a day."""

_DIGITS = 40
"""A sequence number has at most 40 digits (DynamoDB's API reference); padded, text order is its order."""


class Counts:
    """Counters of all programs."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "counts")

    def checkpoint(self, stream: str, shard: str) -> str:
        """The last sequence number counted of the shard, padded; empty where nothing was."""
        item = self._table.find(f"stream#{stream}#{shard}", "checkpoint")
        return str(item["sequence"]) if item else ""

    def add_from_shard(
        self,
        stream: str,
        shard: str,
        before: str,
        after: str,
        cells: Mapping[Cell, Mapping[str, int]],
        now: datetime,
    ) -> bool:
        """Add to the cells and move the checkpoint, together; False where it is no longer at `before`."""
        read = {"sequence": after, "expires_at": int((now + _KEPT_FOR).timestamp())}
        condition = equals("sequence", before) if before else ABSENT
        checkpoint = self._table.update_action(f"stream#{stream}#{shard}", "checkpoint", read, condition)
        try:
            transact([checkpoint, *self._additions(cells)])
        except ConditionFailed:
            return False
        return True

    def add_marked(
        self, stream: str, sequences: Sequence[str], cells: Mapping[Cell, Mapping[str, int]], now: datetime
    ) -> frozenset[str]:
        """Add to the cells and mark the records, together; nothing where any was marked before, and those
        that were."""
        expires_at = int((now + _KEPT_FOR).timestamp())
        marks = [
            self._table.put_action(
                {"pk": f"stream#{stream}#{sequence}", "sk": "mark", "expires_at": expires_at}, ABSENT
            )
            for sequence in sequences
        ]
        try:
            transact([*marks, *self._additions(cells)])
        except ConditionFailed as error:
            return frozenset(sequences[position] for position in error.failed)
        return frozenset()

    def cells(self, program: str, kind: str, first_day: str, last_day: str) -> Iterator[Addition]:
        """The cells of the program from the first day to the last, both included."""
        items = self._table.query(program, first=f"{kind}#{first_day}", last=f"{kind}#{last_day}#\U0010ffff")
        for item in items:
            amounts = {name: value for name, value in item.items() if isinstance(value, int)}
            yield _cell(program, item["sk"]), amounts

    def note_delivery(self, program: str, method: str, at: datetime) -> None:
        """Keep when the method delivered last; an instant before the kept one changes nothing."""
        text = format_instant(at)
        later = Condition("attribute_not_exists(#at) OR #at < :at", {"#at": "last_at"}, {":at": text})
        try:
            self._table.update(program, f"delivery#{method}", {"last_at": text}, later)
        except ConditionFailed:
            return

    def last_deliveries(self, program: str) -> dict[str, datetime]:
        """When each method delivered last, by its name."""
        items = self._table.query(program, prefix="delivery#")
        return {item["sk"].split("#", 1)[1]: parse_instant(item["last_at"], "last_at") for item in items}

    def note_repeat(self, program: str, method: str, day: str, name: str, expires_at: datetime) -> None:
        """Count a report of an order that was there, in a partition that nothing else waits for."""
        expiry = {"expires_at": int(expires_at.timestamp())}
        self._table.add(f"repeats#{program}", f"{day}#{method}", name, 1, expiry)

    def repeats(
        self, program: str, first_day: str, last_day: str
    ) -> Iterator[tuple[str, str, dict[str, int]]]:
        """Each day's and method's reports of orders that were there, counted by name; from day to day."""
        for item in self._table.query(f"repeats#{program}", first=first_day, last=f"{last_day}#\U0010ffff"):
            day, method = item["sk"].split("#", 1)
            names = item.keys() - {"pk", "sk", "expires_at"}
            yield day, method, {name: int(item[name]) for name in names}

    def _additions(self, cells: Mapping[Cell, Mapping[str, int]]) -> list[dict[str, Any]]:
        return [
            self._table.add_action(cell.program, _sort_key(cell), changed)
            for cell, amounts in cells.items()
            if (changed := {name: amount for name, amount in amounts.items() if amount})
        ]


def padded(sequence: str) -> str:
    """A sequence number in the form whose text order is its order."""
    return sequence.zfill(_DIGITS)


def _sort_key(cell: Cell) -> str:
    last = cell.currency if cell.kind == "money" else cell.verdict
    return "#".join((cell.kind, cell.day, cell.partner, cell.link, cell.channel, last))


def _cell(program: str, sort_key: str) -> Cell:
    kind, day, partner, link, channel, last = sort_key.split("#")
    named = {"currency": last} if kind == "money" else {"verdict": last}
    return Cell(program, kind, day, partner, link, channel, **named)
