"""Deciding again what could not be matched, when something turns up that may match it."""

from datetime import datetime

from chalicelib.storage.conversions import Feed
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed


def wake_unattributed(stores: Stores, program_id: str, now: datetime) -> int:
    """Put a program's unattributed conversions back into the queue; how many there were.

    Called when terms or a promo code arrive. A conversion that changes meanwhile is in the queue already.
    """
    program = stores.catalogue.program(program_id)
    woken = 0
    for shard in range(program.shards):
        for listed in stores.conversions.in_feed(program.id, shard, Feed.UNATTRIBUTED):
            found = stores.conversions.find(listed.id)
            if found is None or found.feed is not Feed.UNATTRIBUTED:
                continue
            try:
                stores.conversions.wake(listed.id, found.version, program.id, shard, now)
            except ConditionFailed:
                continue
            woken += 1
    return woken
