"""Notes that conversions were woken because something arrived, until that was done once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.conditions import equals
from chalicelib.storage.conversion_records import Feed
from chalicelib.storage.table import ConditionFailed, Table


@dataclass(frozen=True, slots=True)
class Noted:
    """Since when the conversions of which place of the queue are to be woken once more.

    `reached` is the shard and the place in it up to which that is done.
    """

    feed: Feed
    at: datetime
    reached: tuple[int, str] | None = None


class Wakings:
    """The notes of every program, one for each place of the queue, in the catalogue table."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")

    def note(self, program: str, feed: Feed, at: datetime) -> None:
        """Keep that this place was woken, last at that time."""
        self._table.put({"pk": _key(program), "sk": f"wake#{feed}", "at": format_instant(at)})

    def before(self, program: str, until: datetime) -> Iterator[Noted]:
        """The notes up to that time."""
        for item in self._table.query(_key(program), prefix="wake#"):
            reached = tuple(item["reached"]) if "reached" in item else None
            noted = Noted(Feed(item["sk"].split("#")[1]), parse_instant(item["at"], "at"), reached)
            if noted.at <= until:
                yield noted

    def reach(self, program: str, noted: Noted, reached: tuple[int, str]) -> None:
        """Keep how far it is done, unless the note was written again meanwhile."""
        try:
            self._table.update(
                _key(program), f"wake#{noted.feed}", {"reached": list(reached)}, equals("at", _text(noted))
            )
        except ConditionFailed:
            return

    def clear(self, program: str, noted: Noted) -> None:
        """Remove the note, unless it was written again meanwhile."""
        self._table.delete_if(_key(program), f"wake#{noted.feed}", "at", _text(noted))


def _text(noted: Noted) -> str:
    return format_instant(noted.at)


def _key(program: str) -> str:
    return f"program#{program}"
