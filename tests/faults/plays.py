"""Paths that are played under faults, and the enumeration of their calls.

There are five ways to break a call and hundreds of calls: `make faults` plays every one of them, which takes
long. The suite breaks each call of a path in one of the ways, which take turns.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import Unavailable
from chalicelib.storage.stores import Stores
from tests.faults.transport import Crash, Fault, Wire, new_process, wired

ENUMERATED = [fault for fault in Fault if fault is not Fault.RIVAL]
STEP = 1 if os.environ.get("EVERY_CALL") else len(ENUMERATED)
"""From one call that this way breaks to the next."""

MOST_TELLING = ENUMERATED if STEP == 1 else [Fault.CRASH_AFTER]
"""The way in which the suite breaks long paths, whose steps it breaks in every way elsewhere."""

RIVAL_STEP = 1 if os.environ.get("EVERY_CALL") else 4
"""From one call before which a rival acts to the next; each rival begins at another one."""


@dataclass
class Play:
    """One path under test: what stands before it, the path itself, and what must hold after it.

    `act` is what a client, a schedule or a stream would repeat until it is answered.
    """

    prepare: Callable[[Stores], object]
    act: Callable[[Stores, object], object]
    check: Callable[[Stores, object], None]


def fail_every_call(monkeypatch: pytest.MonkeyPatch, play: Play, fault: Fault) -> None:
    """Play it once for each of its calls, with the fault at that call; what must hold holds every time."""
    at = ENUMERATED.index(fault) % STEP
    while True:
        prepared = play.prepare(bootstrap.stores())
        with wired(monkeypatch, Wire(fault, at)) as wire, suppress(Crash, Unavailable):
            new_process()
            play.act(bootstrap.stores(), prepared)
        new_process()
        play.act(bootstrap.stores(), prepared)
        play.check(bootstrap.stores(), prepared)
        if len(wire.calls) <= at:
            break
        at += STEP
    assert at > 3, "the path makes calls, and each was tried"
