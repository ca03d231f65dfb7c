"""What the rules say of one conversion: a check for each that found something, or is broken."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.domain.conversion import Signal
from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.fraud import injection
from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import Arms
from chalicelib.domain.period import format_instant, parse_instant

FINDING = "finding"
"""The signal of a finding about the partner that reached this conversion: `rule action version words`."""

DISMISSED = "finding_dismissed"
"""The signal that a person found such a finding to be wrong: when, and the detail of the finding's own."""

BROKEN = "setting_broken"


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at before money is booked.

    One that is not passed does its `action`: `hold` makes the conversion wait, `reject` pays nothing, `flag`
    only says so. `version` and `evidence` are those of the fraud rule of this name, where it is one.
    """

    name: str
    passed: bool
    detail: str
    action: Action = Action.HOLD
    version: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    lifted_at: datetime | None = None

    @property
    def stops(self) -> bool:
        """Whether money waits, or is refused, because of it."""
        return not self.passed and self.action in {Action.HOLD, Action.REJECT}


def examine(case: Case, arms: Arms, cleared_at: datetime | None) -> tuple[Check, ...]:
    """What the rules in force found; once somebody cleared the conversion, nothing of it stops money."""
    return tuple(_lifted(check, dismissed_at, cleared_at) for check, dismissed_at in _found(case, arms))


def refused_touches(case: Case, arms: Arms) -> dict[str, str]:
    """Why touches may not earn, by click id: those that were injected, where the program acts on that."""
    armed = arms.of("injection")
    if armed is None or armed.action is Action.FLAG:
        return {}
    return {touch.click_id: injection.REASON for touch in injection.injected(case, armed.values)}


def finding_signal(rule: str, action: Action, version: int, words: str) -> str:
    """The detail of a `FINDING` signal."""
    return f"{rule} {action} {version} {words}"


def dismissal_signal(finding: Signal, at: datetime) -> Signal:
    """The signal that this `FINDING` was dismissed."""
    return Signal(DISMISSED, finding.partner, f"{format_instant(at)} {finding.detail}")


def _found(case: Case, arms: Arms) -> Iterator[tuple[Check, datetime | None]]:
    """Each check, and when what it rests on was dismissed."""
    for broken in arms.broken:
        yield Check(broken.name, False, f"{BROKEN}: {broken.words}"), None
    for armed in arms.conversion:
        try:
            trace = armed.find(case, armed.values)
        except (LinkledgerError, ArithmeticError, LookupError, TypeError, ValueError) as failure:
            yield Check(armed.name, False, f"{BROKEN}: {failure}"), None
            continue
        if trace is not None:
            yield Check(armed.name, False, trace.words, armed.action, armed.version, trace.evidence), None
    for signal in case.signals:
        if signal.name == FINDING and signal.partner in case.earners:
            rule, action, version, words = signal.detail.split(" ", 3)
            evidence = {"partner": signal.partner}
            check = Check(rule, False, words, Action(action), int(version), evidence)
            yield check, _dismissed_at(case, signal)


def _dismissed_at(case: Case, finding: Signal) -> datetime | None:
    told = (
        s.detail.split(" ", 1) for s in case.signals if (s.name, s.partner) == (DISMISSED, finding.partner)
    )
    return min((parse_instant(at, "at") for at, detail in told if detail == finding.detail), default=None)


def _lifted(check: Check, dismissed_at: datetime | None, cleared_at: datetime | None) -> Check:
    """The check as a person left it, who dismissed the finding or approved the conversion."""
    lifts = [(dismissed_at, "dismissed by a reviewer"), (cleared_at, "approved by a reviewer")]
    first = min(((at, words) for at, words in lifts if at is not None), default=None)
    if first is None or not check.stops:
        return check
    at, words = first
    return replace(check, passed=True, detail=f"{check.detail}; {words}", lifted_at=at)
