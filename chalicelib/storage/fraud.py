"""A program's settings of the fraud rules, what its rules found, and who is paid to which account."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.audit import Change
from chalicelib.domain.fraud.settings import Policy, Setting
from chalicelib.domain.fraud.settings import Settings as FraudSettings
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import ABSENT
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail


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
        return self._table.put_once({"pk": _findings(finding.program), "sk": finding.key, **_record(finding)})

    def findings(self, program: str, first_period: str = "") -> Iterator[Finding]:
        """The program's findings of that period and later ones, oldest first."""
        items = self._table.query(_findings(program), first=first_period or "-", last="~")
        return map(_read_finding, items)

    def findings_page(
        self, program: str, limit: int, start: Item | None
    ) -> tuple[list[Finding], Item | None]:
        """Some findings, the newest period first, and the key to go on from."""
        page = self._table.page(
            "pk", "sk", _findings(program), newest_first=True, consistent=True, limit=limit, start=start
        )
        return [_read_finding(item) for item in page.items], page.next_key

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


def _read_finding(item: Item) -> Finding:
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
    )
