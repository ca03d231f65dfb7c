"""The state of a stage at a glance, for whoever runs it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services.close import GRACE
from chalicelib.storage.conversion_records import Feed
from chalicelib.storage.queues import Queue
from chalicelib.storage.stores import Stores

RECONCILE_EVERY = timedelta(hours=1)
COUNTED = 10_000
"""Up to how many conversions of a kind are counted in one shard."""

_PATIENCE = 3 * RECONCILE_EVERY


@dataclass(frozen=True, slots=True)
class ProgramState:
    """A program's books and what waits in it, as counts of conversions."""

    program: str
    closed_through: Month | None
    closing: Month | None
    open_months: tuple[Month, ...]
    overdue: tuple[Month, ...]
    due: int
    held: int
    on_hold: int
    quarantined: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageState:
    """`queues` holds about how many messages wait, by the queue's name; None for one that isn't there."""

    at: datetime
    reconciled: datetime | None
    programs: tuple[ProgramState, ...]
    queues: dict[str, int | None] = field(default_factory=dict)

    @property
    def worries(self) -> list[str]:
        """What somebody should look at, a line each; empty where all is well."""
        found = []
        if self.programs and (self.reconciled is None or self.at - self.reconciled > _PATIENCE):
            found.append("no reconcile was done for three hours")
        for one in self.programs:
            found += [f"{one.program}: {month} is over and not closed" for month in one.overdue]
            found += [f"{one.program}: {conversion} is quarantined" for conversion in one.quarantined]
        given_up = [name for name, depth in self.queues.items() if name.endswith("-dead") and depth]
        return found + [f"{name} holds messages that were given up" for name in given_up]


def note_reconcile(stores: Stores, now: datetime) -> None:
    """Note that a reconcile was done."""
    stores.catalogue.note_reconcile(now)


def state_of(stores: Stores, now: datetime) -> StageState:
    """The state of the stage, read from its tables and queues.

    Raises:
        Unavailable: one of them is away.
    """
    kinds = ("reconcile", "jobs", "outbound")
    names = [stores.settings.table(name) for kind in kinds for name in (kind, f"{kind}-dead")]
    programs = [stores.catalogue.program(program) for program in stores.catalogue.programs()]
    return StageState(
        at=now,
        reconciled=stores.catalogue.last_reconcile(),
        programs=tuple(program_state(stores, program, now) for program in programs),
        queues={name: Queue(name).depth() for name in names},
    )


def program_state(stores: Stores, program: Program, now: datetime) -> ProgramState:
    """How far one program's settlement and ledgers are; what waits is counted up to `COUNTED` a shard."""
    books = stores.journal.books(program)
    running = Month.of(now, program.timezone)
    months = []
    month = books.next_to_close
    while month <= running:
        months.append(month)
        month = month.next()
    return ProgramState(
        program=program.id,
        closed_through=books.closed_through,
        closing=books.closing,
        open_months=tuple(months),
        overdue=tuple(month for month in months if now >= month.end(program.timezone) + GRACE),
        due=len(_waiting(stores, program, Feed.DUE)),
        held=len(_waiting(stores, program, Feed.HELD)),
        on_hold=len(_waiting(stores, program, Feed.HOLD)),
        quarantined=tuple(_waiting(stores, program, Feed.QUARANTINED)),
    )


def _waiting(stores: Stores, program: Program, feed: Feed) -> list[str]:
    found: list[str] = []
    for shard in range(program.shards):
        waiting = stores.conversion_queue.waiting(program.id, shard, feed)
        found += [one.id for one in islice(waiting, COUNTED)]
    return found
