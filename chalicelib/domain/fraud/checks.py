"""What the rules say of one conversion: a check for each that found something, or is broken."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.fraud import injection
from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import Arms

FINDING = "finding"
"""The signal of a finding about the partner that reached this conversion: `rule action version words`."""

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

    @property
    def stops(self) -> bool:
        """Whether money waits, or is refused, because of it."""
        return not self.passed and self.action in {Action.HOLD, Action.REJECT}


def examine(case: Case, arms: Arms, *, cleared: bool) -> tuple[Check, ...]:
    """What the rules in force found; once somebody `cleared` the conversion, nothing of it stops money."""
    found = tuple(_found(case, arms))
    return tuple(_cleared(check) if check.stops else check for check in found) if cleared else found


def refused_touches(case: Case, arms: Arms) -> dict[str, str]:
    """Why touches may not earn, by click id: those that were injected, where the program acts on that."""
    armed = arms.of("injection")
    if armed is None or armed.action is Action.FLAG:
        return {}
    return {touch.click_id: injection.REASON for touch in injection.injected(case, armed.values)}


def finding_signal(rule: str, action: Action, version: int, words: str) -> str:
    """The detail of a `FINDING` signal."""
    return f"{rule} {action} {version} {words}"


def _found(case: Case, arms: Arms) -> Iterator[Check]:
    for broken in arms.broken:
        yield Check(broken.name, False, f"{BROKEN}: {broken.words}")
    for armed in arms.conversion:
        try:
            trace = armed.find(case, armed.values)
        except (LinkledgerError, ArithmeticError, LookupError, TypeError, ValueError) as failure:
            yield Check(armed.name, False, f"{BROKEN}: {failure}")
            continue
        if trace is not None:
            yield Check(armed.name, False, trace.words, armed.action, armed.version, trace.evidence)
    for signal in case.signals:
        if signal.name == FINDING and signal.partner in case.earners:
            rule, action, version, words = signal.detail.split(" ", 3)
            evidence = {"partner": signal.partner}
            yield Check(rule, False, words, Action(action), int(version), evidence)


def _cleared(check: Check) -> Check:
    words = f"{check.detail}; approved by a reviewer"
    return Check(check.name, True, words, check.action, check.version, check.evidence)
