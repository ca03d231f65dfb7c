"""Exchange rates of programs, in the catalogue table: added, never edited."""

from collections.abc import Sequence
from datetime import date, datetime

from chalicelib.domain.audit import Change
from chalicelib.domain.period import format_instant
from chalicelib.domain.rates import Rate, Rates
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item
from chalicelib.storage.conditions import ABSENT, Condition, equals
from chalicelib.storage.table import Table, transact
from chalicelib.storage.trail import Trail

BATCH = 90
"""Rates that one transaction adds, beside the version that it counts up."""


class RateBook:
    """Every program's rates. `version` counts the additions, so that two never cross."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._trail = Trail(settings)

    def of(self, program: str) -> Rates:
        """All rates of the program."""
        return Rates(map(_read, self._table.query(_key(program), prefix="rate#")))

    def version(self, program: str) -> int:
        """How often rates were added."""
        head = self._table.find(_key(program), "version")
        return head["version"] if head else 0

    def add(self, program: str, rates: Sequence[Rate], version: int, now: datetime) -> None:
        """Add up to `BATCH` rates to those of that version.

        Raises:
            ConditionFailed: others added rates meanwhile.
        """
        head = {"pk": _key(program), "sk": "version", "version": version + 1}
        condition: Condition = equals("version", version) if version else ABSENT
        actions = [self._table.put_action(_record(program, rate, now), ABSENT) for rate in rates]
        added = {f"{rate.base}{rate.quote} {rate.day.isoformat()}": rate.text for rate in rates}
        change = Change("rates", str(version + 1), program, None, added)
        transact([self._table.put_action(head, condition), *actions, self._trail.action(change)])


def _key(program: str) -> str:
    return f"rates#{program}"


def _record(program: str, rate: Rate, now: datetime) -> Item:
    return {
        "pk": _key(program),
        "sk": f"rate#{rate.base}{rate.quote}#{rate.day.isoformat()}",
        "day": rate.day.isoformat(),
        "base": rate.base,
        "quote": rate.quote,
        "rate": rate.text,
        "source": rate.source,
        "received_at": format_instant(now),
    }


def _read(item: Item) -> Rate:
    return Rate(date.fromisoformat(item["day"]), item["base"], item["quote"], item["rate"], item["source"])
