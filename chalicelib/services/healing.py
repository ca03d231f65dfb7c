"""Deciding again what could not be matched, when something turns up that may match it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.program import Program
from chalicelib.storage.conversions import Feed, Listed
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

_DECIDED_WITHIN = timedelta(minutes=15)
"""How long whoever decides may go on with what it read at first: no function of ours runs longer."""


def wake_unattributed(stores: Stores, program_id: str, now: datetime) -> int:
    """Put a program's unattributed conversions back into the queue; how many there were.

    Called when terms or a promo code arrive. A conversion that changes meanwhile is in the queue already.
    """
    program = stores.catalogue.program(program_id)
    stores.wakings.note(program.id, Feed.UNATTRIBUTED, now)
    return _wake(stores, program, Feed.UNATTRIBUTED, lambda _: True, now)


def wake_for_rates(stores: Stores, program: Program, now: datetime) -> int:
    """Put the held conversions of other currencies back into the queue; how many there were."""
    stores.wakings.note(program.id, Feed.HELD, now)
    return _wake_held(stores, program, now)


def wake_again(stores: Stores, program: Program, now: datetime) -> int:
    """Do once more what was done a while ago, for those that were missed then; how many there were.

    A conversion may have been decided just then under what was known before, may not have stood in the
    index yet, or there were too many of them for one request.
    """
    woken = 0
    for noted in stores.wakings.before(program.id, now - _DECIDED_WITHIN):
        if noted.feed is Feed.UNATTRIBUTED:
            woken += _wake(stores, program, Feed.UNATTRIBUTED, lambda _: True, now)
        else:
            woken += _wake_held(stores, program, now)
        stores.wakings.clear(program.id, noted)
    return woken


def _wake_held(stores: Stores, program: Program, now: datetime) -> int:
    booked = {program.currency, program.settle_in or program.currency}
    foreign = len(booked) > 1
    return _wake(
        stores, program, Feed.HELD, lambda held: foreign or held.report.content.currency not in booked, now
    )


def _wake(
    stores: Stores, program: Program, feed: Feed, wanted: Callable[[Listed], bool], now: datetime
) -> int:
    woken = 0
    for shard in range(program.shards):
        for listed in list(stores.conversions.in_feed(program.id, shard, feed)):
            found = stores.conversions.find(listed.id) if wanted(listed) else None
            if found is None or found.feed is not feed:
                continue
            try:
                stores.conversions.wake(listed.id, found.version, program.id, shard, now)
            except ConditionFailed:
                continue
            woken += 1
    return woken
