"""What people set up, kept in the `catalogue` table: each change with its line in the audit log."""

from collections.abc import Callable
from typing import TypeVar

from chalicelib.domain.audit import Change
from chalicelib.domain.ids import SLUG
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item
from chalicelib.storage.conditions import ABSENT, PRESENT
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail

T = TypeVar("T")


class Logged:
    """Reads values, and adds and removes them in one transaction with their line in the audit log."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._trail = Trail(settings)

    def _find(self, given_id: str, pk: str, sk: str, read: Callable[[Item], T]) -> T | None:
        item = self._table.find(pk, sk) if SLUG.fullmatch(given_id) else None
        return read(item) if item else None

    def _page(
        self, pk: str, prefix: str, limit: int, start: Item | None, read: Callable[[Item], T]
    ) -> tuple[list[T], Item | None]:
        page = self._table.page("pk", "sk", pk, prefix=prefix, consistent=True, limit=limit, start=start)
        return [read(item) for item in page.items], page.next_key

    def _add_once(self, change: Change, *items: Item) -> bool:
        puts = [self._table.put_action(item, ABSENT) for item in items]
        try:
            transact([*puts, self._trail.action(change)])
        except ConditionFailed:
            return False
        return True

    def _remove(self, change: Change, *keys: tuple[str, str]) -> None:
        first, *others = (
            self._table.delete_action(pk, sk, PRESENT if at == 0 else None)
            for at, (pk, sk) in enumerate(keys)
        )
        try:
            transact([first, *others, self._trail.action(change)])
        except ConditionFailed:
            return
