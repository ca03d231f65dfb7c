"""Check-ups: test runs of a program's tracking, apart from everything that is counted or paid.

A check-up has a test link, whose code begins with `~` as no real code can. Its click tokens are signed for
tests alone (`domain.token`), so a test is never taken for a click, nor a click for a test. What is told with
such a token stays with the check-up: it is decided as an order would be, and reaches no conversion, count,
draft, ledger or payout.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain import ids, token
from chalicelib.domain.conversion import Adjustment, Outcome, Report, State

SIGN = "~"
"""With what the code of a test link begins."""

OPEN_FOR = timedelta(hours=1)
"""How long a check-up takes clicks and orders."""

KEPT_FOR = timedelta(days=7)
"""How long it can be looked at."""

MAX_FACTS = 100
"""Clicks and orders that one check-up takes."""

TEST_PARTNER = "test-partner"
"""Who is credited where a check-up names no partner; nobody need have this id."""

_CODE = re.compile(r"~([a-z2-7]{13})", re.ASCII)
_CONVERSION = re.compile(r"cnv_test_([a-z2-7]{13})_[a-z2-7]{26}", re.ASCII)


class Stage(StrEnum):
    """What a check-up looks at, in this order."""

    SETUP = "setup"
    CLICK = "click"
    LANDING = "landing"
    CONVERSION = "conversion"
    RETRY = "retry"
    REFUND = "refund"


class Mark(StrEnum):
    """How a stage stands. What is `warned` works, and may disappoint somebody."""

    WAITING = "waiting"
    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: a stable code, what it is, and how to mend it."""

    code: str
    message: str
    remedy: str
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: its mark, what was found, and what was seen there by name."""

    stage: Stage
    mark: Mark = Mark.WAITING
    findings: tuple[Finding, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkup:
    """One check-up. `destination` is None where the test link leads to the program's default URL.

    `walks` says that it walks by itself; otherwise it watches what somebody else does with its link.
    """

    id: str
    program: str
    created_at: datetime
    walks: bool
    partner: str = TEST_PARTNER
    destination: str | None = None
    steps: tuple[Step, ...] = ()

    @property
    def code(self) -> str:
        """The code of its link."""
        return SIGN + self.id.removeprefix("chk_")

    @property
    def link_id(self) -> str:
        """What its tokens carry where others carry the id of a link."""
        return "lnk_" + self.id.removeprefix("chk_")

    @property
    def open_until(self) -> datetime:
        """Until when it takes clicks and orders."""
        return self.created_at + OPEN_FOR

    @property
    def kept_until(self) -> datetime:
        """Until when it can be looked at."""
        return self.created_at + KEPT_FOR


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that came with the link or a token of a check-up, and what was made of it."""

    at: datetime
    kind: str
    seen: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TestOrder:
    """An order told in a check-up: what it was answered, and what has been done to it since."""

    __test__ = False

    id: str
    report: Report
    outcome: Outcome
    state: State
    partner: str | None
    commission_minor: int
    currency: str
    reason: str
    adjustments: tuple[Adjustment, ...] = ()
    version: int = 1


def id_of_code(code: str) -> str | None:
    """The check-up that a link's code names, or None where it is no test link's."""
    match = _CODE.fullmatch(code)
    return f"chk_{match[1]}" if match else None


def id_of_link(link_id: str) -> str:
    """The check-up that a test token names."""
    return "chk_" + link_id.removeprefix("lnk_")


def id_of_conversion(conversion: str) -> str | None:
    """The check-up of a test's conversion, or None where it is none."""
    match = _CONVERSION.fullmatch(conversion)
    return f"chk_{match[1]}" if match else None


def visitor_of(checkup: Checkup, more: bytes) -> str:
    """A visitor of the check-up, as its cookie and its tokens name one; `more` are two bytes."""
    return token.visitor_text(token.link_bytes(checkup.link_id) + more)


def id_of_visitor(visitor: str) -> str:
    """The check-up that a test's cookie names."""
    return id_of_link(token.link_id(token.visitor_bytes(visitor)[:8]))


def conversion_id(checkup: Checkup, event: str, order_id: str) -> str:
    """The id of an order in a check-up; no real conversion's looks so."""
    digest = ids.derive("cnv", checkup.id, event, order_id).removeprefix("cnv_")
    return f"cnv_test_{checkup.id.removeprefix('chk_')}_{digest}"


def step(stage: Stage, findings: Sequence[Finding], seen: Mapping[str, str] | None = None) -> Step:
    """The stage as its findings leave it."""
    if any(finding.fails for finding in findings):
        mark = Mark.FAILED
    else:
        mark = Mark.WARNED if findings else Mark.PASSED
    return Step(stage, mark, tuple(findings), seen or {})


def failing(steps: Sequence[Step]) -> list[Step]:
    """The stages that failed."""
    return [one for one in steps if one.mark is Mark.FAILED]
