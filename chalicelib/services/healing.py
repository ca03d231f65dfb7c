"""Deciding again what could not be matched, when something turns up that may match it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.program import Program
from chalicelib.services.pacing import HasTime, always, at_most
from chalicelib.storage.conversion_queue import Listed
from chalicelib.storage.conversion_records import Feed
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed
from chalicelib.storage.wakings import Noted

MOST_IN_ONE_REQUEST = 200
"""Conversions that a request looks at; reconcile takes up all of them, a quarter of an hour later."""

_ATTEMPTS = 8

_DECIDED_WITHIN = timedelta(minutes=15)
"""How long whoever decides may go on with what it read at first: no function of ours runs longer."""


def wake_unattributed(stores: Stores, program_id: str, now: datetime) -> int:
    """Put a program's unattributed conversions back into the queue; how many that were.

    Called when terms or a promo code arrive. A conversion that changes meanwhile is in the queue already.
    Those that are too many for a request wait for reconcile.
    """
    program = stores.catalogue.program(program_id)
    return _note_and_wake(stores, program, Feed.UNATTRIBUTED, now)


def wake(stores: Stores, program: Program, conversion: str, now: datetime) -> None:
    """Put one conversion back into the queue.

    Also one that is there already: whoever decides on it at this moment has to begin again.

    Raises:
        Unavailable: others kept changing it.
    """
    for _ in range(_ATTEMPTS):
        found = stores.conversions.find(conversion)
        if found is None:
            return
        try:
            stores.conversion_queue.wake(conversion, found.version, program.id, found.shard, now)
        except ConditionFailed:
            continue
        return
    raise Unavailable("storage_busy", "the order is being changed by others; try again")


def wake_for_rates(stores: Stores, program: Program, now: datetime) -> int:
    """Put held conversions of other currencies back into the queue, as `wake_unattributed`; how many."""
    return _note_and_wake(stores, program, Feed.HELD, now)


def wake_again(stores: Stores, program: Program, now: datetime, has_time: HasTime = always) -> int:
    """Do once more what was done a while ago, for those that were missed then; how many there were.

    A conversion may have been decided just then under what was known before, may not have stood in the
    index yet, or there were too many of them for one request. Where time is over, the next pass goes on
    from there.
    """
    woken = 0
    for noted in stores.wakings.before(program.id, now - _DECIDED_WITHIN):
        count, reached = _wake(stores, program, noted, now, has_time)
        woken += count
        if reached is not None:
            stores.wakings.reach(program.id, noted, reached)
            break
        stores.wakings.clear(program.id, noted)
    return woken


def _note_and_wake(stores: Stores, program: Program, feed: Feed, now: datetime) -> int:
    stores.wakings.note(program.id, feed, now)
    woken, _ = _wake(stores, program, Noted(feed, now), now, at_most(MOST_IN_ONE_REQUEST))
    return woken


def _wanted(program: Program, feed: Feed) -> Callable[[Listed], bool]:
    """Of those that are held only those that wait for a rate; all where everything is exchanged."""
    booked = {program.currency, program.settle_in or program.currency}
    if feed is Feed.UNATTRIBUTED or len(booked) > 1:
        return lambda _: True
    return lambda held: held.report.content.currency not in booked


def _wake(
    stores: Stores, program: Program, noted: Noted, now: datetime, has_time: HasTime
) -> tuple[int, tuple[int, str] | None]:
    """How many were woken, and the shard and place up to which time allowed it (None: to the end)."""
    woken = 0
    wanted = _wanted(program, noted.feed)
    first_shard, place = noted.reached or (0, None)
    for shard in range(first_shard, program.shards):
        for listed in list(stores.conversion_queue.in_feed(program.id, shard, noted.feed, since=place)):
            if not has_time():
                return woken, (shard, listed.feed_at)
            found = stores.conversions.find(listed.id) if wanted(listed) else None
            if found is None or found.feed is not noted.feed:
                continue
            try:
                stores.conversion_queue.wake(listed.id, found.version, program.id, shard, now)
            except ConditionFailed:
                continue
            woken += 1
        place = None
    return woken, None
