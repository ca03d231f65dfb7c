"""Keeping clicks without standing in the visitor's way.

A click's write has a budget. What cannot be written within it is spilled: remembered, to be written at the
next opportunity, and put on the log, from where `python -m chalicelib.cli replay-clicks` reads it back.
Both write a click only where its key is not there yet, so it is counted once whatever happens.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from chalicelib import observe
from chalicelib.domain.click import Click
from chalicelib.domain.errors import Unavailable
from chalicelib.storage import aws
from chalicelib.storage.clicks import MAX_WAITING, to_item
from chalicelib.storage.codec import Item
from chalicelib.storage.stores import Stores

EVENT = "click_spilled"
RETRY_WITHIN_S = 0.05
"""A call that failed sooner than this is tried again; one attempt takes 0.15 s at most."""

DRAIN_AT_ONCE = 5

T = TypeVar("T")


def promptly(call: Callable[[], T], retry_within_s: float = RETRY_WITHIN_S) -> T:
    """The call's result within about 0.2 s: repeated, with jitter, only where it failed at once.

    What can't be done without may be tried again for longer.

    Raises:
        Unavailable: storage does not answer in time.
    """
    started = time.monotonic()
    while True:
        try:
            with aws.hurried():
                return call()
        except Unavailable:
            if time.monotonic() - started > retry_within_s:
                raise
            time.sleep(random.uniform(0.002, 0.015))  # noqa: S311 - jitter, no secret


def keep(stores: Stores, click: Click, expires_at: datetime, *, storage_answers: bool = True) -> None:
    """Write the click, or spill it; never raises, because a visitor waits."""
    item = to_item(click, expires_at)
    if not storage_answers:
        _spill(stores, item)
        return
    try:
        promptly(lambda: stores.clicks.put_item(item))
    except Unavailable:
        _spill(stores, item)
    except Exception:
        observe.error("click_refused")
        _spill(stores, item)
    else:
        if stores.clicks.waiting:
            drain(stores, DRAIN_AT_ONCE)


def drain(stores: Stores, limit: int = MAX_WAITING) -> int:
    """Write what was spilled and is remembered, until storage fails; how many."""
    written, waiting = 0, stores.clicks.waiting
    while waiting and written < limit:
        item = waiting.popleft()
        try:
            promptly(lambda item=item: stores.clicks.put_late_once(item))  # type: ignore[misc]  # mypy infers no default
        except Unavailable:
            waiting.appendleft(item)
            break
        written += 1
    return written


def replay(stores: Stores, lines: Iterable[str], now: datetime) -> dict[str, int]:
    """Write the clicks of a log: how many were written, already there, expired, and could not be read.

    A line may have something before the JSON, as exported logs do. Lines of other events are passed over.

    Raises:
        Unavailable: storage does not answer; replay the same log again.
    """
    counted = {"written": 0, "known": 0, "expired": 0, "unreadable": 0}
    for line in lines:
        if EVENT not in line:
            continue
        item = _read(line)
        if item is None:
            counted["unreadable"] += 1
        elif item["expires_at"] <= int(now.timestamp()):
            counted["expired"] += 1
        else:
            counted["written" if stores.clicks.put_late_once(item) else "known"] += 1
    return counted


def _spill(stores: Stores, item: Item) -> None:
    """One line on standard output, past any log level, because it is the only copy."""
    stores.clicks.waiting.append(item)
    observe.count(EVENT)
    sys.stdout.write(json.dumps({"message": EVENT, "click": item}, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _read(line: str) -> Item | None:
    try:
        item = json.loads(line[line.index("{") :])["click"]
        keyed = isinstance(item["pk"], str) and isinstance(item["sk"], str)
        return dict(item) if keyed and isinstance(item["expires_at"], int) else None
    except (ValueError, KeyError, TypeError):
        return None
