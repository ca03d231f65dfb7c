"""Whether the books agree with what was sent, worked out without the project's own code."""

import csv
import hashlib
import io
import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bench.outside import Client, Program

RATE_BP = 1000
_COUNTED_WITHIN_S = 120


class Reader(Protocol):
    """Reads the ledger bucket."""

    def read(self, key: str) -> bytes | None:
        """An object, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """An order as it was told; `partner` is the one that its last click in the window belongs to."""

    amount_minor: int
    at: datetime
    partner: str | None

    @property
    def commission_minor(self) -> int:
        """10 % of the sale, halves away from zero; nothing without a partner."""
        return (self.amount_minor * RATE_BP + 5000) // 10000 if self.partner else 0


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison."""

    name: str
    passed: bool
    detail: str


@dataclass
class Report:
    """What was counted, and the checks."""

    verdicts: dict[str, int] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    money: dict[str, Decimal] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    manifests: dict[str, bytes] = field(default_factory=dict)

    @property
    def failures(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if not check.passed]

    def compare(self, name: str, expected: object, found: object) -> None:
        """Add the check that both are the same."""
        same = expected == found
        told = f"{found or 'none'}" if same else f"{expected} expected, {found} found"
        self.checks.append(Check(name, same, told))


def check(
    client: Client, program: Program, months: Sequence[str], told: dict[str, Told], hits: int
) -> Report:
    """Compare clicks, conversions, money and files with what was sent."""
    report = Report()
    report.verdicts = counted(client, program.id, hits)
    report.compare("clicks in = clicks kept", hits, sum(report.verdicts.values()))
    kept = {row["order_id"]: row["state"] for row in client.conversions(program.id)}
    report.states.update(kept.values())
    report.compare("orders in = conversions kept", len(told), len(kept))
    report.compare("orders that were not told, or are missing", set(), set(kept) ^ set(told))
    entries = read_months(client, program.id, months, report)
    _check_money(report, entries, told)
    return report


def counted(client: Client, program: str, hits: int) -> dict[str, int]:
    """The counts by verdict, as soon as the stream has caught up (or as they are when it doesn't)."""
    deadline = time.monotonic() + _COUNTED_WITHIN_S
    while True:
        verdicts = client.clicks_by_verdict(program)
        if sum(verdicts.values()) >= hits or time.monotonic() > deadline:
            return verdicts
        time.sleep(0.5)


def read_months(client: Reader, program: str, months: Sequence[str], report: Report) -> list[dict[str, str]]:
    """The entries of all published months, hashes, chain and balances checked on the way."""
    entries: list[dict[str, str]] = []
    broken, unbalanced = [], []
    before: dict[str, str] | None = None
    opening: dict[tuple[str, str], str] = {}
    for month in months:
        folder = f"ledgers/{program}/{month}"
        raw = client.read(f"{folder}/manifest.json")
        if raw is None:
            continue
        report.manifests[month] = raw
        manifest = json.loads(raw)
        if manifest["previous"] != before:
            broken.append(f"{month} does not follow {before}")
        before = {"month": month, "sha256": hashlib.sha256(raw).hexdigest()}
        files = {}
        for part in manifest["parts"]:
            content = client.read(f"{folder}/{part['name']}") or b""
            if hashlib.sha256(content).hexdigest() != part["sha256"]:
                broken.append(f"{month}/{part['name']}")
            files[part["name"]] = content
        lines = [row for name in sorted(files) if name.startswith("ledger-") for row in rows_of(files[name])]
        entries += lines
        opening, wrong = _check_summary(rows_of(files["summary.csv"]), lines, opening)
        unbalanced += [f"{month} {row}" for row in wrong]
    report.compare("every month is published", list(months), list(report.manifests))
    report.compare("files or links of the chain that differ from the manifests' hashes", [], broken)
    report.compare("summaries that do not add up or do not open with the last closing", [], unbalanced)
    return entries


def _check_summary(
    summary: list[dict[str, str]], entries: list[dict[str, str]], opening: dict[tuple[str, str], str]
) -> tuple[dict[tuple[str, str], str], list[str]]:
    """The closing balances, and the rows that don't add up."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        sums[entry["partner"], entry["currency"], entry["kind"]] += Decimal(entry["commission_amount"])
    closing, wrong = {}, []
    for row in summary:
        key = (row["partner"], row["currency"])
        columns = ("opening", "accrued", "reversed", "corrected", "paid", "closing")
        opened, accrued, back, corrected, paid, closed = (Decimal(row[name]) for name in columns)
        adds_up = (
            closed == opened + accrued + back + corrected - paid
            and accrued == sums[(*key, "accrual")]
            and back == sums[(*key, "reversal")]
            and opened == Decimal(opening.get(key, "0"))
        )
        if not adds_up:
            wrong.append(row["partner"])
        closing[key] = row["closing"]
    return closing, wrong


def _check_money(report: Report, entries: list[dict[str, str]], told: dict[str, Told]) -> None:
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for order in told.values():
        if order.partner:
            expected[order.partner] += Decimal(order.commission_minor) / 100
    booked: dict[str, Decimal] = defaultdict(Decimal)
    accruals: Counter[str] = Counter()
    misplaced = []
    for entry in entries:
        report.kinds[entry["kind"]] += 1
        if entry["kind"] != "accrual":
            continue
        booked[entry["partner"]] += Decimal(entry["commission_amount"])
        accruals[entry["order_id"]] += 1
        order = told[entry["order_id"]]
        wanted = (order.partner, Decimal(order.commission_minor) / 100, Decimal(order.amount_minor) / 100)
        found = (entry["partner"], Decimal(entry["commission_amount"]), Decimal(entry["sale_amount"]))
        if wanted != found:
            misplaced.append(entry["order_id"])
    differing = {partner for partner in {*expected, *booked} if expected[partner] != booked[partner]}
    report.compare("ledger = commissions: partners that differ", set(), differing)
    report.compare("lines that pay another partner or another amount", [], misplaced)
    report.compare("orders booked twice", [], [order for order, times in accruals.items() if times > 1])
    report.money = {
        "sales": Decimal(sum(order.amount_minor for order in told.values())) / 100,
        "attributed sales": Decimal(sum(o.amount_minor for o in told.values() if o.partner)) / 100,
        "commissions expected": sum(expected.values(), Decimal(0)),
        "commissions booked": sum(booked.values(), Decimal(0)),
    }


def rows_of(content: bytes) -> list[dict[str, str]]:
    """The lines of a CSV file with a header."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))
