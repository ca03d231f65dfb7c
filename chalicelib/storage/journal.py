"""The journal (ledger entries by program, month and shard) and the books (how far months are closed).

An entry is booked in a transaction that checks that its month's gate on its shard is open. Once every
gate of a month stands closed, no entry can enter it: what is read then is the month, for ever.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from chalicelib.domain.journal import Books, Entry
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.settings import Settings
from chalicelib.storage import records
from chalicelib.storage.table import ABSENT, Condition, Table, transact

_GATE = "gate"


class Journal:
    """Entries, gates and the books of every program."""

    def __init__(self, settings: Settings) -> None:
        self._entries = Table(settings, "journal")
        self._catalogue = Table(settings, "catalogue")

    def booking_actions(self, entries: Sequence[Entry], books: Books) -> list[dict[str, Any]]:
        """What books these entries, for a transaction: gates checked, entries put.

        An entry of a month before the books' first one opens that month, which can only be while no
        month was closed.
        """
        partitions = {_partition(entry.program, entry.month, entry.shard) for entry in entries}
        actions = [self._entries.check_action(pk, _GATE, ABSENT) for pk in sorted(partitions)]
        actions += [self._entries.put_action(_item(entry), ABSENT) for entry in entries]
        earliest = min((entry.month for entry in entries), default=books.opened)
        if earliest < books.opened:
            actions.append(self._opening_action(entries[0].program, earliest))
        return actions

    def book_by_hand(
        self, program: str, key: str, content: dict[str, Any], entry: Entry, books: Books
    ) -> None:
        """Book an entry that somebody asked for under this key, once.

        Raises:
            ConditionFailed: 0 the key is used already, others: the month was frozen meanwhile.
        """
        item = {"pk": f"{program}#manual", "sk": key, **content, "booked": records.entry_record(entry)}
        once = self._entries.put_action(records.compact(item), ABSENT)
        transact([once, *self.booking_actions([entry], books)])

    def find_by_hand(self, program: str, key: str) -> tuple[dict[str, Any], Entry] | None:
        """What was asked for under this key, and the entry that it became; None where nothing was."""
        item = self._entries.find(f"{program}#manual", key)
        return (item, records.read_entry(item["booked"])) if item else None

    def entries(self, program: str, month: Month, shard: int) -> Iterator[Entry]:
        """The entries of one shard of a month, in the ledger's order, page by page."""
        for item in self._entries.query(_partition(program, month, shard), prefix="entry#"):
            yield records.read_entry(item)

    def freeze(self, program: str, month: Month, shard: int) -> None:
        """Close the gate: from now on nothing is booked in this partition."""
        self._entries.put_once({"pk": _partition(program, month, shard), "sk": _GATE})

    def books(self, program: Program) -> Books:
        """How far the program's months are closed, read consistently."""
        began = Month.of(program.created_at, program.timezone)
        item = self._catalogue.find(_program_key(program.id), "books") or {}
        opened = _month(item, "opened") or began
        return Books(
            opened=min(opened, began),
            closed_through=_month(item, "closed_through"),
            closing=_month(item, "closing"),
            engine=item.get("engine"),
            sha256=item.get("sha256"),
        )

    def claim(self, program: Program, books: Books, month: Month, engine: str) -> None:
        """Mark that this month is being closed, by this version of the code.

        Raises:
            ConditionFailed: the books changed meanwhile.
        """
        changes = {"closing": str(month), "engine": engine, "opened": str(books.opened)}
        self._catalogue.update(_program_key(program.id), "books", changes, _unchanged(books))

    def mark_published(self, program: Program, books: Books, month: Month, sha256: str) -> None:
        """Mark that this month is closed, and its manifest's hash.

        Raises:
            ConditionFailed: the books changed meanwhile.
        """
        changes = {"closed_through": str(month), "closing": None, "engine": None, "sha256": sha256}
        self._catalogue.update(_program_key(program.id), "books", changes, _unchanged(books))

    def mark_dirty(self, program: str, month: Month, shard: int, now: datetime, mark: str) -> None:
        """Note that the month's draft no longer shows everything."""
        self._catalogue.put(
            {"pk": _program_key(program), "sk": f"dirty#{month}#{shard}", "mark": mark, "at": now.isoformat()}
        )

    def dirty(self, program: str) -> list[tuple[Month, str, str]]:
        """Months whose drafts are behind: month, sort key and mark of each note."""
        found = self._catalogue.query(_program_key(program), prefix="dirty#")
        return [(Month.parse(item["sk"].split("#")[1]), item["sk"], item["mark"]) for item in found]

    def clear_dirty(self, program: str, sort_key: str, mark: str) -> None:
        """Remove a note, unless it was written again meanwhile."""
        self._catalogue.delete_if(_program_key(program), sort_key, "mark", mark)

    def _opening_action(self, program: str, month: Month) -> dict[str, Any]:
        earlier = Condition(
            "attribute_not_exists(#closed) AND attribute_not_exists(#closing)"
            " AND (attribute_not_exists(#opened) OR #opened > :month)",
            {"#closed": "closed_through", "#closing": "closing", "#opened": "opened"},
            {":month": str(month)},
        )
        return self._catalogue.update_action(_program_key(program), "books", {"opened": str(month)}, earlier)


def _unchanged(books: Books) -> Condition:
    """The books are as they were read."""
    names, values, clauses = {}, {}, []
    for name in ("closed_through", "closing"):
        month = getattr(books, name)
        names[f"#{name}"] = name
        if month is None:
            clauses.append(f"attribute_not_exists(#{name})")
        else:
            clauses.append(f"#{name} = :{name}")
            values[f":{name}"] = str(month)
    names["#opened"] = "opened"
    values[":opened"] = str(books.opened)
    clauses.append("(attribute_not_exists(#opened) OR #opened >= :opened)")
    return Condition(" AND ".join(clauses), names, values)


def _item(entry: Entry) -> dict[str, Any]:
    partition = _partition(entry.program, entry.month, entry.shard)
    return {"pk": partition, "sk": f"entry#{entry.sort_key}", **records.entry_record(entry)}


def _partition(program: str, month: Month, shard: int) -> str:
    return f"{program}#{month}#{shard}"


def _program_key(program: str) -> str:
    return f"program#{program}"


def _month(item: dict[str, Any], name: str) -> Month | None:
    return Month.parse(item[name]) if name in item else None
