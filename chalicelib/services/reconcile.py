"""The hourly pass: settle what is due, release what is over, set aside what can't be processed, draft.

What is too much for one pass is handed on, shard by shard, to workers beside it. Nothing else is kept of
how far they are: what was settled has left its place in the queue, so whoever begins again goes on.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.errors import LinkledgerError, Unavailable
from chalicelib.domain.program import Program
from chalicelib.services import fraud_looking, healing, months, payout_states
from chalicelib.services.pacing import HasTime, OutOfTime, always
from chalicelib.services.settle import Result, Rules, rules_of, settle_conversion
from chalicelib.storage.conversion_queue import Waiting
from chalicelib.storage.conversion_records import Feed
from chalicelib.storage.stores import Stores

MOST_IN_ONE_PASS = 5_000
"""Conversions of a program that one pass settles itself, where there is a queue to hand on the rest."""


@dataclass(slots=True)
class Summary:
    """What a pass came to: conversions by result (`paid`: releases that a paid batch covers), what fraud
    rules found of partners, and drafts.

    `handed_on` counts the shards that other workers go on with, `stopped` the programs that something
    stopped.
    """

    programs: int = 0
    booked: int = 0
    decided: int = 0
    unchanged: int = 0
    postponed: int = 0
    quarantined: int = 0
    paid: int = 0
    findings: int = 0
    drafts: int = 0
    handed_on: int = 0
    stopped: int = 0

    @property
    def looked_at(self) -> int:
        """Conversions that were taken up."""
        return self.booked + self.decided + self.unchanged + self.postponed + self.quarantined

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def reconcile(stores: Stores, now: datetime, has_time: HasTime = always) -> Summary:
    """Carry out one pass over every program; safe to repeat, late, early or beside another one.

    When time is over, the programs that are left wait for the next pass.
    """
    summary = Summary()
    for program_id in stores.catalogue.programs():
        if not has_time():
            observe.count("reconcile_out_of_time")
            break
        try:
            _reconcile_program(stores, program_id, now, summary, has_time)
            summary.programs += 1
        except Exception as failure:
            reason = failure.code if isinstance(failure, LinkledgerError) else type(failure).__name__
            observe.error("reconcile_stopped", program=program_id, reason=reason)
            observe.count("reconcile_stopped")
            summary.stopped += 1
    stores.daily_keys.forget_past(now)
    return summary


def _reconcile_program(
    stores: Stores, program_id: str, now: datetime, summary: Summary, has_time: HasTime
) -> None:
    rules = rules_of(stores, program_id)
    healing.wake_again(stores, rules.program, now, has_time)
    _look_at_partners(stores, rules, now, summary)
    until = summary.looked_at + MOST_IN_ONE_PASS if stores.shards_to_settle.is_there else None
    for shard in settle_due(stores, rules, now, summary, _within(summary, until, has_time)):
        _hand_on(stores, program_id, shard, summary)
    _finish_payouts(stores, rules, now, summary, has_time)
    try:
        summary.drafts += len(months.refresh_drafts(stores, rules.program, now, has_time))
    except OutOfTime:
        observe.count("draft_out_of_time")


def _look_at_partners(stores: Stores, rules: Rules, now: datetime, summary: Summary) -> None:
    """Before money is released; where it fails, the next pass looks again, and nothing waits for it."""
    try:
        summary.findings += len(fraud_looking.look(stores, rules, now))
    except Exception as failure:
        reason = failure.code if isinstance(failure, LinkledgerError) else type(failure).__name__
        observe.error("partners_not_looked_at", program=rules.program.id, reason=reason)
        observe.count("partners_not_looked_at")


def _finish_payouts(stores: Stores, rules: Rules, now: datetime, summary: Summary, has_time: HasTime) -> None:
    try:
        summary.paid += payout_states.finish_open(stores, rules, now, has_time)
    except Unavailable:
        summary.postponed += 1
        observe.count("payouts_postponed")


def settle_due(
    stores: Stores, rules: Rules, now: datetime, summary: Summary, goes_on: HasTime = always
) -> list[int]:
    """Settle everything of a program that waits to be decided or whose hold is over.

    Returns the shards that are left where it could not go on, the one that was begun first.
    """
    for shard in range(rules.program.shards):
        if not _settle_shard(stores, rules, shard, now, summary, goes_on):
            return list(range(shard, rules.program.shards))
    return []


def settle_handed_on(
    stores: Stores, program_id: str, shard: int, now: datetime, has_time: HasTime
) -> Summary:
    """Settle a shard that was handed on, and hand on what time does not allow.

    Raises:
        NotFound: `program_unknown`. Unavailable: storage or the queue is away.
    """
    summary = Summary()
    rules = rules_of(stores, program_id)
    if not _settle_shard(stores, rules, shard, now, summary, has_time):
        stores.shards_to_settle.send({"program": program_id, "shard": shard})
        summary.handed_on += 1
    return summary


def _settle_shard(
    stores: Stores, rules: Rules, shard: int, now: datetime, summary: Summary, goes_on: HasTime
) -> bool:
    """Take up all that waits in the shard, page by page; False where it had to stop before the end."""
    for feed in (Feed.QUARANTINED, Feed.DUE, Feed.HOLD):
        until = now if feed is Feed.HOLD else None
        for waiting in stores.conversion_queue.waiting(rules.program.id, shard, feed, until):
            if not goes_on():
                return False
            _settle_or_set_aside(stores, rules, shard, waiting, now, summary)
    return True


def _within(summary: Summary, until: int | None, has_time: HasTime) -> HasTime:
    """Whether there is time, and the pass has not done its part of the program yet."""
    return lambda: has_time() and (until is None or summary.looked_at < until)


def _hand_on(stores: Stores, program: str, shard: int, summary: Summary) -> None:
    """Let another worker go on; where none can be told, the next pass does."""
    try:
        stores.shards_to_settle.send({"program": program, "shard": shard})
        summary.handed_on += 1
    except Unavailable:
        observe.count("shard_not_handed_on")


def _settle_or_set_aside(
    stores: Stores, rules: Rules, shard: int, waiting: Waiting, now: datetime, summary: Summary
) -> None:
    try:
        result = settle_conversion(stores, rules, waiting.id, now)
    except Unavailable:
        summary.postponed += 1
        observe.count("settlement_postponed")
        return
    except Exception as failure:
        _set_aside(stores, rules.program, shard, waiting, failure, now)
        summary.quarantined += 1
        return
    match result:
        case Result.BOOKED:
            summary.booked += 1
        case Result.DECIDED:
            summary.decided += 1
        case Result.UNCHANGED:
            summary.unchanged += 1


def _set_aside(
    stores: Stores, program: Program, shard: int, waiting: Waiting, failure: Exception, now: datetime
) -> None:
    """One record that can't be processed must not stop the others; it blocks the close of its month.

    It is tried again with every pass.
    """
    reason = failure.code if isinstance(failure, LinkledgerError) else type(failure).__name__
    observe.error("conversion_quarantined", conversion=waiting.id, reason=reason)
    observe.count("conversion_quarantined")
    stores.conversion_queue.quarantine(waiting, program.id, shard, reason, now)
