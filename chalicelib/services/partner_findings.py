"""What was found of a partner, as it reaches the partner's sales; and what a person says against it.

A finding that stops money is told to each sale of the partner that is not released, as evidence like any
other: the sale is decided again with it, and waits. A person may dismiss a finding: its sales are told of
that, too, and go on where nothing else stops them. Both are facts, so whoever decides again decides the same.
"""

import itertools
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta

from chalicelib import observe
from chalicelib.domain.conversion import Signal, State
from chalicelib.domain.counts import day_of
from chalicelib.domain.errors import Invalid, NotFound, Unavailable
from chalicelib.domain.fraud.checks import DISMISSED, FINDING, dismissal_signal, finding_signal
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.program import Program
from chalicelib.services import additions
from chalicelib.services.reviews import MAX_REASON
from chalicelib.storage.conversion_records import Conversion, Evidence, Feed
from chalicelib.storage.fraud import Dismissal, Finding
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed
from chalicelib.storage.trail import acting_name

_ATTEMPTS = 8

MOST_AT_ONCE = 200
"""Sales that a dismissal lets go by itself; reconcile does the rest."""


def reach(stores: Stores, program: Program, now: datetime) -> int:
    """Tell the sales whose hold is not over of the findings that stop money; how many were told."""
    today = day_of(now, program.timezone)
    findings = [f for f in stores.fraud.findings(program.id) if f.stops and f.last_day >= today]
    if not findings:
        return 0
    told = 0
    for shard in range(program.shards):
        for listed in list(stores.conversion_queue.in_feed(program.id, shard, Feed.HOLD)):
            day = day_of(listed.report.occurred_at, program.timezone)
            mine = [f for f in findings if f.partner in listed.partners and f.covers(day)]
            told += bool(mine) and _tell_again(stores, listed.id, mine, now)
    return told


def tell_standing(
    stores: Stores, program: Program, found: Conversion, partners: Iterable[str], now: datetime
) -> bool:
    """Tell a sale of the findings that stop money of those who earn by it; whether there was anything new.

    Raises:
        ConditionFailed: the conversion changed meanwhile.
    """
    day = day_of(found.facts.effective.occurred_at, program.timezone)
    standing = [
        f for partner in partners for f in stores.fraud.stopping(program.id, partner) if f.covers(day)
    ]
    return _tell(stores, found, standing, now)


def dismiss(stores: Stores, program: Program, key: str, reason: str, now: datetime) -> tuple[Finding, bool]:
    """The finding with its dismissal, and whether this call dismissed it; its sales go on at once.

    Where there are more than `MOST_AT_ONCE`, or the finding rejected them, the rest follows with reconcile.

    Raises:
        NotFound: `finding_unknown`.
        Invalid: `reason_required`, `reason_invalid`.
        Unavailable: storage is away; the same call may be repeated.
    """
    if not reason.strip():
        raise Invalid("reason_required", "say why", "reason")
    if len(reason) > MAX_REASON:
        raise Invalid("reason_invalid", f"reason may have {MAX_REASON} characters", "reason")
    known = _get(stores, program, key)
    is_new = stores.fraud.dismiss(known, Dismissal(acting_name(), reason.strip(), now))
    if is_new:
        observe.count("finding_dismissed")
        observe.info("finding_dismissed", program=program.id, partner=known.partner, rule=known.rule)
    dismissed = _get(stores, program, key)
    _lift(stores, program, dismissed, (Feed.HELD,), now, MOST_AT_ONCE)
    return dismissed, is_new


def lift(stores: Stores, program: Program, now: datetime) -> int:
    """Tell all that dismissed findings stopped, also what they rejected; how many sales were told."""
    told = 0
    for finding in stores.fraud.unlifted(program.id):
        rejected = (Feed.SETTLED,) if finding.action == Action.REJECT else ()
        told += _lift(stores, program, finding, (Feed.DUE, Feed.HELD, *rejected), now)
        stores.fraud.note_lifted(finding)
    return told


def _get(stores: Stores, program: Program, key: str) -> Finding:
    found = stores.fraud.find_finding(program.id, key)
    if found is None:
        raise NotFound("finding_unknown", "there is no such finding", "finding")
    return found


def _lift(
    stores: Stores,
    program: Program,
    finding: Finding,
    feeds: Collection[Feed],
    now: datetime,
    most: int | None = None,
) -> int:
    """Tell the sales in these places of the queue that the finding was dismissed, up to so many."""
    told = 0
    for feed, shard in itertools.product(feeds, range(program.shards)):
        since = _day_before(finding.first_day) if feed is Feed.SETTLED else None
        for listed in list(stores.conversion_queue.in_feed(program.id, shard, feed, since=since)):
            if told == most:
                return told
            stopped = feed is not Feed.SETTLED or listed.state is State.REJECTED
            if stopped and finding.partner in listed.partners:
                told += _let_go(stores, listed.id, finding, now)
    return told


def _day_before(day: str) -> str:
    """Since when sales of that day may have been told: a shop's clock may be a little ahead."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _let_go(stores: Stores, conversion: str, finding: Finding, now: datetime) -> bool:
    """Tell one sale that the finding was dismissed, if it was told of it.

    Raises:
        Unavailable: others keep changing the conversion.
    """
    for _ in range(_ATTEMPTS):
        found = stores.conversions.find(conversion)
        told = _signal(finding)
        if found is None or finding.dismissal is None or told not in found.facts.signals:
            return False
        try:
            news = Evidence(signals=(dismissal_signal(told, finding.dismissal.at),))
            return additions.add_news(stores, found, news, now)
        except ConditionFailed:
            continue
    raise Unavailable("storage_busy", "the conversion is being changed by others; try again")


def _tell_again(stores: Stores, conversion: str, findings: Sequence[Finding], now: datetime) -> bool:
    found = stores.conversions.find(conversion)
    try:
        return found is not None and _tell(stores, found, findings, now)
    except ConditionFailed:
        return False


def _tell(stores: Stores, found: Conversion, findings: Sequence[Finding], now: datetime) -> bool:
    """Keep the findings with the conversion, unless they are there or somebody approved it."""
    if not findings or found.facts.approved_at is not None:
        return False
    signals = found.facts.signals
    dismissed = {(s.partner, s.detail.split(" ", 1)[1]) for s in signals if s.name == DISMISSED}
    standing = [s for s in signals if s.name == FINDING and (s.partner, s.detail) not in dismissed]
    known = {(s.partner, s.detail.split(" ", 1)[0]) for s in standing}
    new = tuple(_signal(f) for f in findings if (f.partner, f.rule) not in known)
    return bool(new) and additions.add_news(stores, found, Evidence(signals=new), now)


def _signal(finding: Finding) -> Signal:
    words = finding_signal(finding.rule, Action(finding.action), finding.version, finding.words)
    return Signal(FINDING, finding.partner, words)
