"""Reviewing: conversions that wait for a person, with what was seen of them, and a person's decisions.

A decision is an adjustment like any other, with one id for each kind, so that the same decision twice is one.
Nothing else ends a hold: no time does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import observe
from chalicelib.domain.conversion import AdjustmentKind, State
from chalicelib.domain.decision import Decision
from chalicelib.domain.errors import Invalid, LinkledgerError, NotFound
from chalicelib.domain.program import Program
from chalicelib.services import adjustments, conversions
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.stores import Stores

MAX_AT_ONCE = 100
"""Conversions that one call decides."""

MAX_REASON = 300
DECISIONS = frozenset({AdjustmentKind.APPROVE, AdjustmentKind.REJECT})


@dataclass(frozen=True, slots=True)
class Held:
    """A conversion that waits, and why."""

    conversion: Conversion
    decision: Decision


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of one conversion: its state, or the error that kept it from being decided."""

    conversion: str
    state: State | None = None
    duplicate: bool = False
    error: LinkledgerError | None = None


def queue_page(
    stores: Stores, program: Program, limit: int, start: dict[str, Any] | None
) -> tuple[list[Held], dict[str, Any] | None]:
    """Up to `limit` conversions that wait for a person, and where the next page starts."""
    wanted = conversions.Wanted(program, State.HELD)
    listed, next_key = conversions.list_page(stores, wanted, limit, start)
    found = (stores.conversions.find(one.id) for one in listed)
    return [Held(one, conversions.explain(stores, one)) for one in found if one], next_key


def decide_all(
    stores: Stores,
    program: Program,
    kind: AdjustmentKind,
    chosen: Sequence[str],
    reason: str,
    now: datetime,
) -> list[Reviewed]:
    """Approve or reject each of these conversions; one that can't be decided stops no other.

    Raises:
        Invalid: `reason_required`, `reason_invalid`, `decision_invalid`, `too_many_conversions`.
    """
    if kind not in DECISIONS:
        raise Invalid("decision_invalid", "decision is approve or reject", "decision")
    if not reason.strip():
        raise Invalid("reason_required", "say why", "reason")
    if len(reason) > MAX_REASON:
        raise Invalid("reason_invalid", f"reason may have {MAX_REASON} characters", "reason")
    if not 1 <= len(chosen) <= MAX_AT_ONCE:
        raise Invalid("too_many_conversions", f"name 1 to {MAX_AT_ONCE} conversions", "conversions")
    return list(_decide(stores, program, kind, dict.fromkeys(chosen), reason, now))


def _decide(
    stores: Stores,
    program: Program,
    kind: AdjustmentKind,
    chosen: dict[str, None],
    reason: str,
    now: datetime,
) -> Iterator[Reviewed]:
    for conversion in chosen:
        try:
            found = stores.conversions.find(conversion)
            if found is None or found.facts.report.program != program.id:
                raise NotFound("conversion_unknown", "there is no such conversion")
            done = adjustments.adjust(stores, conversion, f"review-{kind}", kind, None, reason, now)
        except LinkledgerError as error:
            yield Reviewed(conversion, error=error)
            continue
        if not done.duplicate:
            observe.info("conversion_reviewed", conversion=conversion, decision=kind)
            observe.count(f"review_{kind}")
        yield Reviewed(conversion, done.state, done.duplicate)
