"""A program's settings of the fraud rules, what its rules found, and who is paid to which account."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.audit import Change
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import Policy, Setting
from chalicelib.domain.fraud.settings import Settings as FraudSettings
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import ABSENT, PRESENT
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail

MAX_KEY = 200
"""Characters of a finding's key: a month, a rule, a partner."""


@dataclass(frozen=True, slots=True)
class Dismissal:
    """That a person found a finding to be wrong or of no matter: who (as the audit log says), why, when."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found of a partner, kept once for each rule, partner and month (`period`).

    `action` is the program's for this rule when it was found. Where it stops money, that is for conversions
    from `first_day` to `last_day` (dates in UTC, both included).
    """

    program: str
    partner: str
    rule: str
    version: int
    action: str
    period: str
    first_day: str
    last_day: str
    words: str
    found_at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)
    dismissal: Dismissal | None = None

    @property
    def stops(self) -> bool:
        """Whether money of its partner waits, or is refused, because of it."""
        return self.action in {Action.HOLD, Action.REJECT} and self.dismissal is None

    def covers(self, day: str) -> bool:
        """Whether it is about conversions of that day."""
        return self.first_day <= day <= self.last_day

    @property
    def key(self) -> str:
        """What tells it from the program's other findings."""
        return f"{self.period}#{self.rule}#{self.partner}"


class FraudBook:
    """Settings, findings and accounts, in the `catalogue` table."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._trail = Trail(settings)

    def policy(self, program: str) -> Policy:
        """Every version of the program's settings, in order, ready to be used."""
        items = self._table.query(f"program#{program}", prefix="fraud#")
        return Policy([_read_settings(item) for item in items])

    def add_settings_once(self, settings: FraudSettings) -> bool:
        """Store a new version; False where there is one of its number."""
        rules = {
            name: {"action": str(s.action), "version": s.version, "parameters": dict(s.parameters)}
            for name, s in settings.rules.items()
        }
        attributes = {
            "program": settings.program,
            "version": settings.version,
            "starts_at": format_instant(settings.starts_at),
            "rules": rules,
        }
        item = {"pk": f"program#{settings.program}", "sk": f"fraud#{settings.version:06d}", **attributes}
        change = Change("fraud_settings", str(settings.version), settings.program, None, attributes)
        try:
            transact([self._table.put_action(item, ABSENT), self._trail.action(change)])
        except ConditionFailed:
            return False
        return True

    def add_finding_once(self, finding: Finding) -> bool:
        """Keep the finding; False where this was found before."""
        record = _record(finding)
        actions = [
            self._table.put_action({"pk": _findings(finding.program), "sk": finding.key, **record}, ABSENT)
        ]
        if finding.stops:
            actions.append(self._table.put_action({**_stop_key(finding), **record}))
        try:
            transact(actions)
        except ConditionFailed:
            return False
        return True

    def find_finding(self, program: str, key: str) -> Finding | None:
        """The finding of that key, or None."""
        item = self._table.find(_findings(program), key) if 1 <= len(key) <= MAX_KEY else None
        return _read_finding(item, self._table.find(_dismissals(program), key)) if item else None

    def findings(self, program: str, first_period: str = "") -> Iterator[Finding]:
        """The program's findings of that period and later ones, oldest first."""
        first, last = first_period or "-", "~"
        dismissed = {i["sk"]: i for i in self._table.query(_dismissals(program), first=first, last=last)}
        for item in self._table.query(_findings(program), first=first, last=last):
            yield _read_finding(item, dismissed.get(item["sk"]))

    def findings_page(
        self, program: str, limit: int, start: Item | None
    ) -> tuple[list[Finding], Item | None]:
        """Some findings, the newest period first, and the key to go on from."""
        page = self._table.page(
            "pk", "sk", _findings(program), newest_first=True, consistent=True, limit=limit, start=start
        )
        keys = [item["sk"] for item in page.items]
        dismissed = (
            {i["sk"]: i for i in self._table.query(_dismissals(program), first=keys[-1], last=keys[0])}
            if keys
            else {}
        )
        return [_read_finding(item, dismissed.get(item["sk"])) for item in page.items], page.next_key

    def stopping(self, program: str, partner: str) -> list[Finding]:
        """The findings that stop money of this partner now."""
        return [_read_finding(i, None) for i in self._table.query(_stops(program), prefix=f"{partner}#")]

    def dismiss(self, finding: Finding, dismissal: Dismissal) -> bool:
        """Keep that the finding was dismissed; False where it was before."""
        told = {"by": dismissal.by, "reason": dismissal.reason, "at": format_instant(dismissal.at)}
        item = {"pk": _dismissals(finding.program), "sk": finding.key, **told, "lifted": False}
        stop = _stop_key(finding)
        change = Change("finding", finding.key, finding.program, {}, {"dismissed": dismissal.reason})
        try:
            transact(
                [
                    self._table.put_action(item, ABSENT),
                    self._table.delete_action(stop["pk"], stop["sk"]),
                    self._trail.action(change),
                ]
            )
        except ConditionFailed:
            return False
        return True

    def unlifted(self, program: str) -> list[Finding]:
        """The dismissed findings of which not all stopped conversions were told yet."""
        waiting = [i["sk"] for i in self._table.query(_dismissals(program)) if not i["lifted"]]
        found = (self.find_finding(program, key) for key in waiting)
        return [finding for finding in found if finding is not None]

    def note_lifted(self, finding: Finding) -> None:
        """Note that every conversion which the dismissed finding stopped was told."""
        self._table.update(_dismissals(finding.program), finding.key, {"lifted": True}, PRESENT)

    def add_payee(self, account: str, partner: str) -> None:
        """Keep that this account (an HMAC) is this partner's."""
        self._table.put({"pk": f"payee#{account}", "sk": partner})

    def remove_payee(self, account: str, partner: str) -> None:
        """Forget that this account is this partner's."""
        self._table.delete(f"payee#{account}", partner)

    def payees(self, account: str) -> tuple[str, ...]:
        """The partners who are paid to this account."""
        return tuple(item["sk"] for item in self._table.query(f"payee#{account}"))


def _findings(program: str) -> str:
    return f"findings#{program}"


def _dismissals(program: str) -> str:
    return f"dismissals#{program}"


def _stops(program: str) -> str:
    return f"stops#{program}"


def _stop_key(finding: Finding) -> Item:
    """Where a finding that stops money is found by its partner."""
    return {"pk": _stops(finding.program), "sk": f"{finding.partner}#{finding.period}#{finding.rule}"}


def _read_settings(item: Item) -> FraudSettings:
    """As it was kept: what can't be used is found when the rules are armed, and holds what they look at."""
    kept: Any = item.get("rules")
    rules: dict[str, Setting] = {}
    for name, one in kept.items() if isinstance(kept, dict) else [("settings", kept)]:
        readable = isinstance(one, dict) and isinstance(one.get("parameters", {}), dict)
        rules[name] = (
            Setting(str(one.get("action")), one.get("version", 0), one.get("parameters", {}))
            if readable
            else Setting("unreadable")
        )
    starts_at = parse_instant(item["starts_at"], "starts_at")
    return FraudSettings(item["program"], item["version"], starts_at, rules)


def _record(finding: Finding) -> Item:
    return compact(
        {
            "program": finding.program,
            "partner": finding.partner,
            "rule": finding.rule,
            "version": finding.version,
            "action": str(finding.action),
            "period": finding.period,
            "first_day": finding.first_day,
            "last_day": finding.last_day,
            "words": finding.words,
            "evidence": finding.evidence,
            "found_at": format_instant(finding.found_at),
        }
    )


def _read_finding(item: Item, dismissed: Item | None) -> Finding:
    at = parse_instant(dismissed["at"], "at") if dismissed else None
    return Finding(
        program=item["program"],
        partner=item.get("partner", ""),
        rule=item["rule"],
        version=item.get("version", 0),
        action=item["action"],
        period=item["period"],
        first_day=item.get("first_day", ""),
        last_day=item.get("last_day", ""),
        words=item["words"],
        evidence=item.get("evidence", {}),
        found_at=parse_instant(item["found_at"], "found_at"),
        dismissal=Dismissal(dismissed["by"], dismissed["reason"], at) if dismissed and at else None,
    )
