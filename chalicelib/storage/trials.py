"""Trial programs in the `catalogue` table: made for one check-up over HTTP, and removed after it.

A trial stands in none of the lists of programs and keys, so that no job, report or ledger ever sees it.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.credentials import ApiKey
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.program import Program
from chalicelib.domain.terms import Terms
from chalicelib.settings import Settings
from chalicelib.storage import catalogue_records as records
from chalicelib.storage.conditions import ABSENT
from chalicelib.storage.credential_records import key_record
from chalicelib.storage.table import Table, transact

_LIST = "trials"


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial program and the one key for it."""

    program: str
    key: str
    began_at: datetime


class Trials:
    """Every trial that was not ended yet."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")

    def begin(self, program: Program, terms: Terms, key: ApiKey) -> Trial:
        """Keep a program with its terms and a key, for as long as they are tried."""
        trial = Trial(program.id, key.id, program.created_at)
        listed = {"pk": _LIST, "sk": program.id, "key": key.id, "at": format_instant(trial.began_at)}
        items = [
            {"pk": f"program#{program.id}", "sk": "program", **records.program_record(program)},
            {
                "pk": f"program#{program.id}",
                "sk": records.terms_key(terms.version),
                **records.terms_record(terms),
            },
            {"pk": f"key#{key.id}", "sk": "key", **key_record(key)},
            listed,
        ]
        transact([self._table.put_action(item, ABSENT) for item in items])
        return trial

    def all(self) -> list[Trial]:
        """Those that were not ended: also what a deployment left that was killed in between."""
        return [
            Trial(item["sk"], item["key"], parse_instant(item["at"], "at"))
            for item in self._table.query(_LIST)
        ]

    def end(self, trial: Trial) -> None:
        """Remove all of it, however often it is called."""
        keys = (
            (f"key#{trial.key}", "key"),
            (f"program#{trial.program}", records.terms_key(1)),
            (f"program#{trial.program}", "program"),
            (_LIST, trial.program),
        )
        transact([self._table.delete_action(pk, sk) for pk, sk in keys])
