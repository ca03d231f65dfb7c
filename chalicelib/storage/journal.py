"""The journal (ledger entries by program, month and shard) and the books (how far months are closed).

An entry is booked in a transaction that checks that its month's gate on its shard is open. Once every
gate of a month stands closed, no entry can enter it: what is read then is the month, for ever.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from chalicelib.domain.audit import Change
from chalicelib.domain.journal import Books, Entry
from chalicelib.domain.period import Month, format_instant, parse_instant
from chalicelib.domain.program import Program
from chalicelib.settings import Settings
from chalicelib.storage import records
from chalicelib.storage.codec import compact
from chalicelib.storage.conditions import ABSENT, Condition
from chalicelib.storage.table import Table, transact
from chalicelib.storage.trail import Trail

_GATE = "gate"
_DRAFTED = "drafts"


@dataclass(frozen=True, slots=True)
class Note:
    """That a month's draft is behind: its key, its mark and when it was written."""

    month: Month
    sort_key: str
    mark: str
    at: datetime


class Journal:
    """Entries, gates and the books of every program."""

    def __init__(self, settings: Settings) -> None:
        self._entries = Table(settings, "journal")
        self._catalogue = Table(settings, "catalogue")
        self._trail = Trail(settings)

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
        once = self._entries.put_action(compact(item), ABSENT)
        change = Change("entry", key, program, None, content)
        transact([once, *self.booking_actions([entry], books), self._trail.action(change)])

    def find_by_hand(self, program: str, key: str) -> tuple[dict[str, Any], Entry] | None:
        """What was asked for under this key, and the entry that it became; None where nothing was."""
        item = self._entries.find(f"{program}#manual", key)
        return (item, records.read_entry(item["booked"])) if item else None

    def by_hand_page(
        self, program: str, limit: int, start: dict[str, Any] | None
    ) -> tuple[list[tuple[dict[str, Any], Entry]], dict[str, Any] | None]:
        """Some of what was booked by hand, in order of the ids, and the key to go on from."""
        page = self._entries.page("pk", "sk", f"{program}#manual", consistent=True, limit=limit, start=start)
        return [(item, records.read_entry(item["booked"])) for item in page.items], page.next_key

    def entries(self, program: str, month: Month, shard: int) -> Iterator[Entry]:
        """The entries of one shard of a month, in the ledger's order, page by page."""
        for item in self._entries.query(_partition(program, month, shard), prefix="entry#"):
            yield records.read_entry(item)

    def newest_entries(
        self, program: str, month: Month, shard: int, since: datetime, limit: int
    ) -> list[Entry]:
        """The newest entries of one shard of a month that were booked from then on, at most so many."""
        found = self._entries.query(
            _partition(program, month, shard),
            first=f"entry#{format_instant(since)}",
            last="entry#\U0010ffff",
            newest_first=True,
        )
        return [records.read_entry(item) for item in islice(found, limit)]

    def keep(self, entries: Sequence[Entry]) -> None:
        """Keep what a month booked as a whole, each entry once; they belong to no shard that is frozen."""
        for entry in entries:
            self._entries.put_once(_item(entry))

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
            {
                "pk": _program_key(program),
                "sk": f"dirty#{month}#{shard}",
                "mark": mark,
                "at": format_instant(now),
            }
        )

    def dirty(self, program: str) -> list[Note]:
        """The notes that months' drafts are behind."""
        found = self._catalogue.query(_program_key(program), prefix="dirty#")
        return [
            Note(
                Month.parse(item["sk"].split("#")[1]),
                item["sk"],
                item["mark"],
                parse_instant(item["at"], "at"),
            )
            for item in found
        ]

    def clear_dirty(self, program: str, note: Note) -> None:
        """Remove a note, unless it was written again meanwhile."""
        self._catalogue.delete_if(_program_key(program), note.sort_key, "mark", note.mark)

    def note_drafted(self, program: str, at: datetime) -> None:
        """Keep that every draft shows what was booked until then."""
        self._catalogue.put({"pk": _program_key(program), "sk": _DRAFTED, "at": format_instant(at)})

    def drafted_at(self, program: str) -> datetime | None:
        """Until when drafts show everything that was booked; None before the first one."""
        item = self._catalogue.find(_program_key(program), _DRAFTED)
        return parse_instant(item["at"], "at") if item else None

    def set_aside_action(self, program: str, conversion: str, occurred_at: str) -> dict[str, Any]:
        """What keeps, for a transaction, that a conversion of that time could not be processed.

        The close reads it here, because the queue's index lags.
        """
        key = {"pk": f"{program}#quarantined", "sk": conversion}
        return self._entries.put_action(key | {"occurred_at": occurred_at, "blocks": True})

    def taken_back_action(self, program: str, conversion: str) -> dict[str, Any]:
        """What keeps, for a transaction, that it was processed after all; nothing is deleted here."""
        return self._entries.put_action({"pk": f"{program}#quarantined", "sk": conversion, "blocks": False})

    def set_aside(self, program: str) -> Iterator[tuple[str, datetime | None]]:
        """The conversions that could not be processed, and when each occurred (None: it can't be read)."""
        for item in self._entries.query(f"{program}#quarantined"):
            if item["blocks"]:
                told = item["occurred_at"]
                yield item["sk"], parse_instant(told, "occurred_at") if told else None

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
