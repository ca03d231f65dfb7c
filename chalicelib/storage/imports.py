"""Imports in the catalogue table: which there were, and what each of them made."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.audit import Change
from chalicelib.domain.period import format_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import ABSENT
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail


@dataclass(frozen=True, slots=True)
class Made:
    """One thing that an import made: `name` is its name among those of its kind; `undone` by an undo."""

    kind: str
    name: str
    partner: str
    undone: bool = False


class Imports:
    """Every import of the stage."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._trail = Trail(settings)

    def begin(self, program: str, import_id: str, vendor: str, files: tuple[str, ...], at: datetime) -> None:
        """Note that there is this import, unless it is noted."""
        attributes = {"vendor": vendor, "files": list(files), "began_at": format_instant(at)}
        change = Change("import", import_id, program, None, attributes)
        item = {"pk": f"program#{program}", "sk": f"import#{import_id}", **attributes}
        try:
            transact([self._table.put_action(item, ABSENT), self._trail.action(change)])
        except ConditionFailed:
            return

    def vendor_of(self, program: str, import_id: str) -> str | None:
        """Where the import came from; None where there was none."""
        item = self._table.find(f"program#{program}", f"import#{import_id}")
        return item["vendor"] if item else None

    def note(self, program: str, import_id: str, made: Made) -> None:
        """Note what is about to be made, or (`undone`) that it was taken back."""
        attributes = compact({"partner": made.partner, "undone": made.undone or None})
        self._table.put(_key(program, import_id, made.kind, made.name) | attributes)

    def forget(self, program: str, import_id: str, made: Made) -> None:
        """Forget the note: somebody else made it."""
        key = _key(program, import_id, made.kind, made.name)
        self._table.delete(key["pk"], key["sk"])

    def find(self, program: str, import_id: str, kind: str, name: str) -> Made | None:
        """What is noted of the thing, or None."""
        key = _key(program, import_id, kind, name)
        item = self._table.find(key["pk"], key["sk"])
        return _read(item) if item else None

    def made(self, program: str, import_id: str, kind: str) -> Iterator[Made]:
        """What the import made of this kind, in order of the names."""
        return map(_read, self._table.query(f"import#{program}#{import_id}", prefix=f"{kind}#"))


def _key(program: str, import_id: str, kind: str, name: str) -> Item:
    return {"pk": f"import#{program}#{import_id}", "sk": f"{kind}#{name}"}


def _read(item: Item) -> Made:
    kind, name = item["sk"].split("#", 1)
    return Made(kind, name, item["partner"], item.get("undone", False))
