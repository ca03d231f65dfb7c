"""Closing months: claim, freeze, publish, mark. Every step can be repeated, and rivals act as one.

1. Claim: what is due is settled into its months; the books name the month that is being closed.
2. Freeze: the gate of each shard is shut. From then on no entry can enter the month.
3. Publish: the files are built from the frozen entries and written where there is none; bytes that are
   there already must be the same. The manifest comes last: with it the month is published. Of a month that is
   too much for one run, workers write the pieces shard by shard; whoever writes the last one has it go on.
4. Mark: the books say so, and the draft goes.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import ENGINE, observe
from chalicelib.domain.errors import LinkledgerError, Unavailable
from chalicelib.domain.journal import Books
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services import announcing, kept_pieces, mails, month_files, months, notices
from chalicelib.services.month_files import CloseStopped, HandedOn
from chalicelib.services.pacing import HasTime, always
from chalicelib.services.reconcile import Summary, settle_due
from chalicelib.services.settle import rules_of
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

GRACE = timedelta(hours=24)
"""How long after its end a month stays open for what is told late."""

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Closed:
    """A month that is published, and its manifest's hash."""

    program: str
    month: Month
    sha256: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A program whose close was stopped, at which month (None: it can't be read) and why."""

    program: str
    month: Month | None
    code: str


def close_months(
    stores: Stores, now: datetime, has_time: HasTime = always
) -> tuple[list[Closed], list[Stopped]]:
    """Close every month of every program that is over, in order; what stops one stops no other program.

    Where time is over, the programs that are left wait for the next run.
    """
    closed: list[Closed] = []
    stopped: list[Stopped] = []
    for program_id in stores.catalogue.programs():
        if not has_time():
            observe.count("close_out_of_time")
            break
        try:
            closed += close_program(stores, program_id, now, has_time)
        except Exception as failure:
            reason = failure.code if isinstance(failure, LinkledgerError) else type(failure).__name__
            stopped.append(_stopped(stores, program_id, reason))
    return closed, stopped


def _stopped(stores: Stores, program_id: str, reason: str) -> Stopped:
    """What is told of a close that was stopped; where not even the month can be read, it is told without."""
    observe.error("close_stopped", program=program_id, reason=reason)
    observe.count("close_stopped")
    try:
        program = stores.catalogue.program(program_id)
        month = stores.journal.books(program).next_to_close
    except Exception:
        observe.error("close_stopped", program=program_id, reason="books_unreadable")
        return Stopped(program_id, None, reason)
    notices.stopped(stores, program_id, month, reason)
    return Stopped(program_id, month, reason)


def close_program(stores: Stores, program_id: str, now: datetime, has_time: HasTime = always) -> list[Closed]:
    """Close the months of one program that are over, oldest first; which they were.

    One that was handed on to workers is not among them yet.

    Raises:
        CloseStopped: `money_quarantined`, `ledger_differs`; `out_of_time`: reconcile and its
            workers settle what is left, and the next run goes on.
        Unavailable: storage is away; the next run goes on where this one stopped. Also where it was away
            for one conversion only: its money belongs into the month that would be closed without it.
    """
    program = stores.catalogue.program(program_id)
    closed: list[Closed] = []
    months.drop_left_drafts(stores, program)
    if _over(stores, program, now):
        summary = Summary()
        rules = rules_of(stores, program_id)
        if settle_due(stores, rules, now, summary, has_time):
            raise CloseStopped("out_of_time", "there is more to settle than time allows")
        if summary.postponed:
            raise Unavailable("settlement_postponed", f"{summary.postponed} conversions are not settled yet")
    with suppress(HandedOn):
        while month := _over(stores, program, now):
            published = _close_month(stores, program, month, now, has_time)
            closed += [published] if published else []
    return closed


def take_up(stores: Stores, message: Mapping[str, str], now: datetime, has_time: HasTime) -> None:
    """Do what a closer has handed on: write the piece of a `shard`; without one, go on with the close.

    Whoever writes the last piece hands the rest on. What was closed meanwhile is left alone, and what stops
    the close is told.

    Raises:
        Unavailable: storage or the queue is away; the message should come again.
    """
    program = stores.catalogue.program(message["close"])
    month = stores.journal.books(program).closing
    try:
        if "shard" not in message:
            close_program(stores, program.id, now, has_time)
        elif month is not None and str(month) == message["month"]:
            _write_piece(stores, program, month, int(message["shard"]), has_time)
    except CloseStopped as stop:
        _stopped(stores, program.id, stop.code)


def _write_piece(stores: Stores, program: Program, month: Month, shard: int, has_time: HasTime) -> None:
    if shard not in kept_pieces.shards(stores, program, month):
        month_files.keep_piece(stores, program, month, shard, has_time)
    if len(kept_pieces.shards(stores, program, month)) == program.shards:
        stores.jobs.send({"close": program.id})


def _over(stores: Stores, program: Program, now: datetime) -> Month | None:
    """The next month to close, where its time has come."""
    month = stores.journal.books(program).next_to_close
    return month if now >= month.end(program.timezone) + GRACE else None


def _close_month(
    stores: Stores, program: Program, month: Month, now: datetime, has_time: HasTime
) -> Closed | None:
    """The month, published; None where another one has to be closed before it, or a rival has closed it.

    What a rival has closed is not built once more: it may run another version of the code.

    Raises:
        HandedOn: it is too much for one run. CloseStopped: something stops it.
    """
    books = _claim(stores, program, month)
    if books is None or (books.closed_through is not None and books.closed_through >= month):
        return None
    _check_nothing_quarantined(stores, program, month)
    for shard in range(program.shards):
        stores.journal.freeze(program.id, month, shard)
    try:
        sha256 = month_files.publish(stores, program, month, books, has_time)
    except Unavailable:
        if stores.journal.books(program).next_to_close > month:
            return None  # a rival was first, and has cleared away what this one was reading
        raise
    # Told before it is marked: a crash in between tells it twice, but never not at all.
    notices.published(stores, program.id, month, sha256)
    announcing.of_ledger(stores, program.id, month, sha256, now)
    mails.announce_statements(stores, program.id, month)
    _mark(stores, program, month, sha256)
    months.drop_draft(stores, program.id, month)
    kept_pieces.drop(stores, program.id, month)
    observe.count("month_closed")
    return Closed(program.id, month, sha256)


def _claim(stores: Stores, program: Program, month: Month) -> Books | None:
    """The books with this month claimed, or already closed, by us or by a rival.

    None where a sale has opened an earlier month meanwhile, which comes first.
    """
    for _ in range(_ATTEMPTS):
        books = stores.journal.books(program)
        if books.closing == month or (books.closed_through and books.closed_through >= month):
            return books
        if books.next_to_close < month:
            return None
        try:
            stores.journal.claim(program, books, month, ENGINE)
        except ConditionFailed:
            continue
    raise Unavailable("books_busy", "the books are being changed by others")


def _check_nothing_quarantined(stores: Stores, program: Program, month: Month) -> None:
    for conversion, occurred_at in stores.journal.set_aside(program.id):
        if occurred_at is None or Month.of(occurred_at, program.timezone) <= month:
            raise CloseStopped("money_quarantined", f"{conversion} could not be processed")


def _mark(stores: Stores, program: Program, month: Month, sha256: str) -> None:
    """Say in the books that the month is closed; a rival that has said so already has said the same."""
    for _ in range(_ATTEMPTS):
        books = stores.journal.books(program)
        if books.closed_through is not None and books.closed_through >= month:
            return
        try:
            stores.journal.mark_published(program, books, month, sha256)
        except ConditionFailed:
            continue
        return
    raise Unavailable("books_busy", "the books are being changed by others")
