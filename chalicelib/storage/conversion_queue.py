"""The queue of conversions: what is due, on hold, held, set aside or done, by program and shard."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.conversion import Report, State
from chalicelib.domain.period import format_instant
from chalicelib.settings import Settings
from chalicelib.storage import journal, records
from chalicelib.storage.conditions import equals
from chalicelib.storage.conversion_records import Conversion, Feed, feed_key, feed_of, queue_place, use_record
from chalicelib.storage.table import ConditionFailed, Table, every, transact
from chalicelib.storage.uses import Marked, Uses


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversion that stands in the queue, and its version there; nothing else of it is read."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversion as lists show it."""

    id: str
    state: State
    feed: Feed
    feed_at: str
    report: Report
    partners: tuple[str, ...]


class ConversionQueue:
    """The places in which conversions stand. The index may lag: it finds work, and decides nothing."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "conversions")
        self._journal = journal.Journal(settings)
        self._uses = Uses(settings)

    def waiting(
        self, program: str, shard: int, feed: Feed, until: datetime | None = None
    ) -> Iterator[Waiting]:
        """What stands in that place of the queue, as `in_feed`; also what can't be read."""
        for item in self._in_feed(program, shard, feed, until):
            yield Waiting(item["pk"], item["version"])

    def in_feed(
        self,
        program: str,
        shard: int,
        feed: Feed,
        until: datetime | None = None,
        since: str | None = None,
    ) -> Iterator[Listed]:
        """What stands in that place of the queue, oldest first, up to that time; the index may lag.

        `since` is the `feed_at` to begin with.
        """
        return map(_listed, self._in_feed(program, shard, feed, until, since))

    def _in_feed(
        self, program: str, shard: int, feed: Feed, until: datetime | None, since: str | None = None
    ) -> Iterator[dict[str, Any]]:
        last = f"{format_instant(until)}\U0010ffff" if until else None
        key = feed_key(program, shard, feed)
        return every(
            lambda start: self._table.page(
                "feed", "feed_at", key, index="queue", first=since, last=last, start=start
            )
        )

    def list_page(
        self,
        program: str,
        shard: int,
        feed: Feed,
        limit: int,
        start: dict[str, Any] | None,
        after: str | None = None,
    ) -> tuple[list[Listed], dict[str, Any] | None]:
        """Up to `limit` of that place, newest first, and the key to go on from.

        With `after` (an instant) only what came there later.
        """
        page = self._table.page(
            "feed",
            "feed_at",
            feed_key(program, shard, feed),
            index="queue",
            first=f"{after}\U0010ffff" if after else None,
            newest_first=True,
            limit=limit,
            start=start,
        )
        return [_listed(item) for item in page.items], page.next_key

    def wake(self, conversion: str, version: int, program: str, shard: int, now: datetime) -> None:
        """Put it back into the queue, so that it is decided again.

        Raises:
            ConditionFailed: it changed meanwhile.
        """
        changes = {"version": version + 1, **queue_place(program, shard, Feed.DUE, now, conversion)}
        self._table.update(conversion, "conversion", changes, equals("version", version))

    def note_use(self, found: Conversion, use: Marked | None, now: datetime) -> None:
        """Note what it is among the uses of its promo code; it is in the queue then.

        Raises:
            ConditionFailed: the conversion changed meanwhile.
        """
        report, moved = found.facts.report, list(found.moved_uses)
        if (found.use and found.use.use) != (use and use.use):
            moved += [(one.use.code, one.use.occurred_at) for one in (found.use, use) if one]
        changes = {
            "version": found.version + 1,
            "use": use_record(use) if use else None,
            "moved_uses": [[code, format_instant(at)] for code, at in moved] or None,
            **queue_place(report.program, found.shard, Feed.DUE, now, found.facts.id),
        }
        head = self._table.update_action(
            found.facts.id, "conversion", changes, equals("version", found.version)
        )
        told_at = found.facts.changed_at
        transact([head, *self._uses.actions(report.program, found.facts.id, found.use, use, told_at)])

    def quarantine(self, waiting: Waiting, program: str, shard: int, reason: str, now: datetime) -> None:
        """Set it aside with the reason why it could not be processed, unless it changed meanwhile.

        Its record may be what can't be read: nothing of it is relied on.
        """
        head: dict[str, Any] = next(self._table.query(waiting.id, prefix="conversion"), {})
        aside = feed_key(program, shard, Feed.QUARANTINED)
        if head.get("version") != waiting.version or head["feed"] == aside:
            return
        changes = {
            "version": waiting.version + 1,
            "quarantined": reason,
            **queue_place(program, shard, Feed.QUARANTINED, now, waiting.id),
        }
        unchanged = equals("version", waiting.version)
        told: dict[str, Any] = head.get("confirmation") or head.get("report") or {}
        actions = [
            self._table.update_action(waiting.id, "conversion", changes, unchanged),
            self._journal.set_aside_action(program, waiting.id, told.get("occurred_at", "")),
        ]
        try:
            transact(actions)
        except ConditionFailed:
            return


def _listed(item: dict[str, Any]) -> Listed:
    return Listed(
        id=item["pk"],
        state=State(item["state"]),
        feed=feed_of(item),
        feed_at=item["feed_at"],
        report=records.read_report(item.get("confirmation", item["report"])),
        partners=tuple(item.get("partners", [])),
    )
