"""The hourly pass: settle what is due, release what is over, set aside what can't be processed, draft."""

from dataclasses import asdict, dataclass
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.errors import LinkledgerError, Unavailable
from chalicelib.domain.program import Program
from chalicelib.services import months, payout_states
from chalicelib.services.settle import Result, Rules, rules_of, settle_conversion
from chalicelib.storage.conversions import Feed
from chalicelib.storage.stores import Stores


@dataclass(slots=True)
class Summary:
    """What a pass came to: conversions by result (`paid`: releases that a paid batch covers), and drafts."""

    programs: int = 0
    booked: int = 0
    decided: int = 0
    unchanged: int = 0
    postponed: int = 0
    quarantined: int = 0
    paid: int = 0
    drafts: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def reconcile(stores: Stores, now: datetime) -> Summary:
    """Carry out one pass over every program; safe to repeat, late, early or beside another one."""
    summary = Summary()
    for program_id in stores.catalogue.programs():
        rules = rules_of(stores, program_id)
        settle_due(stores, rules, now, summary)
        _finish_payouts(stores, rules, now, summary)
        summary.drafts += len(months.refresh_drafts(stores, rules.program, now))
        summary.programs += 1
    return summary


def _finish_payouts(stores: Stores, rules: Rules, now: datetime, summary: Summary) -> None:
    try:
        summary.paid += payout_states.finish_open(stores, rules, now)
    except Unavailable:
        summary.postponed += 1
        observe.count("payouts_postponed")


def settle_due(stores: Stores, rules: Rules, now: datetime, summary: Summary) -> None:
    """Settle everything of a program that waits to be decided or whose hold is over."""
    for shard in range(rules.program.shards):
        for feed in (Feed.DUE, Feed.HOLD):
            until = None if feed is Feed.DUE else now
            work = [listed.id for listed in stores.conversions.in_feed(rules.program.id, shard, feed, until)]
            for conversion in work:
                _settle_or_set_aside(stores, rules, shard, conversion, now, summary)


def _settle_or_set_aside(
    stores: Stores, rules: Rules, shard: int, conversion: str, now: datetime, summary: Summary
) -> None:
    try:
        result = settle_conversion(stores, rules, conversion, now)
    except Unavailable:
        summary.postponed += 1
        observe.count("settlement_postponed")
        return
    except Exception as failure:
        _set_aside(stores, rules.program, shard, conversion, failure, now)
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
    stores: Stores, program: Program, shard: int, conversion: str, failure: Exception, now: datetime
) -> None:
    """One record that can't be processed must not stop the others; it blocks the close of its month."""
    reason = failure.code if isinstance(failure, LinkledgerError) else type(failure).__name__
    observe.error("conversion_quarantined", conversion=conversion, reason=reason)
    observe.count("conversion_quarantined")
    stores.conversions.quarantine(conversion, program.id, shard, reason, now)
