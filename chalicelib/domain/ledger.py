"""A month's ledger: entries in, the bytes of its files out. The same entries always give the same bytes.

Everything is written in one pass over each shard's entries, in the journal's order; only balances (one per
partner and currency) are held in memory.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from chalicelib.domain import spreadsheet
from chalicelib.domain.journal import EARNING_KINDS, Account, Entry, Kind
from chalicelib.domain.money import format_major
from chalicelib.domain.period import Month, format_instant

SCHEMA = "linkledger.ledger/1"

ENTRY_COLUMNS = (
    "entry_id",
    "booked_at",
    "occurred_at",
    "kind",
    "conversion_id",
    "order_id",
    "event",
    "partner",
    "currency",
    "sale_amount",
    "commission_amount",
    "share",
    "terms_version",
    "reverses",
    "reason",
)
SUMMARY_COLUMNS = (
    "partner",
    "currency",
    "opening",
    "accrued",
    "reversed",
    "corrected",
    "paid",
    "closing",
    "payable",
)

Key = tuple[str, str]
"""Partner and currency."""


@dataclass(slots=True)
class Balance:
    """One partner's account in one currency over a month, in minor units.

    `payable_opening` and `payable` are the released part of `opening` and `closing`.
    """

    opening: int = 0
    accrued: int = 0
    reversed: int = 0
    corrected: int = 0
    paid: int = 0
    payable_opening: int = 0
    payable_moved: int = 0

    @property
    def closing(self) -> int:
        """What the partner has earned and not been paid at the month's end."""
        return self.opening + self.accrued + self.reversed + self.corrected - self.paid

    @property
    def payable(self) -> int:
        """The part of `closing` that is no longer held back."""
        return self.payable_opening + self.payable_moved - self.paid

    def add(self, entry: Entry) -> None:
        """Take one entry into account."""
        amount = entry.commission_minor
        match entry.kind:
            case Kind.ACCRUAL:
                self.accrued += amount
            case Kind.REVERSAL:
                self.reversed += amount
            case Kind.CORRECTION:
                self.corrected += amount
            case Kind.PAYOUT:
                self.paid += amount
            case Kind.RELEASE:
                self.payable_moved += amount
        if entry.kind in EARNING_KINDS and entry.account is Account.PAYABLE:
            self.payable_moved += amount

    def merge(self, other: "Balance") -> None:
        """Take what moved the other one into account; not what it opened with."""
        self.accrued += other.accrued
        self.reversed += other.reversed
        self.corrected += other.corrected
        self.paid += other.paid
        self.payable_moved += other.payable_moved

    @property
    def carries(self) -> bool:
        """Whether the next month has to know of it."""
        return bool(self.closing or self.payable)


@dataclass(slots=True)
class Tally:
    """What the files of a month add up to, while they are being written."""

    balances: dict[Key, Balance] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    conversions: int = 0
    terms_versions: set[int] = field(default_factory=set)

    @classmethod
    def opened_with(cls, previous: Mapping[Key, tuple[int, int]]) -> "Tally":
        """A tally that begins with the closing and payable balances of the month before."""
        balances = {
            key: Balance(opening=closing, payable_opening=payable)
            for key, (closing, payable) in previous.items()
        }
        return cls(balances=balances)

    def add(self, entry: Entry) -> None:
        """Take one entry into account."""
        self.balances.setdefault((entry.partner, entry.currency), Balance()).add(entry)
        self.kinds[entry.kind] = self.kinds.get(entry.kind, 0) + 1
        self.conversions += entry.first
        if entry.terms_version:
            self.terms_versions.add(entry.terms_version)

    def merge(self, other: "Tally") -> None:
        """Take all that the other one has counted into account; not what it opened with."""
        for key, moved in other.balances.items():
            self.balances.setdefault(key, Balance()).merge(moved)
        for kind, count in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        self.conversions += other.conversions
        self.terms_versions |= other.terms_versions

    def carried(self) -> dict[Key, tuple[int, int]]:
        """Closing and payable balances that the next month opens with."""
        return {key: (b.closing, b.payable) for key, b in sorted(self.balances.items()) if b.carries}


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the ledger, as the manifest names it."""

    name: str
    sha256: str
    bytes: int
    rows: int


def entry_line(entry: Entry) -> str:
    """The entry as a record of `ledger-*.csv`."""
    return spreadsheet.line(
        (
            entry.id,
            format_instant(entry.booked_at),
            format_instant(entry.occurred_at),
            entry.kind,
            entry.conversion,
            spreadsheet.safe(entry.order_id),
            spreadsheet.safe(entry.event),
            entry.partner,
            entry.currency,
            format_major(entry.sale_minor, entry.currency),
            format_major(entry.commission_minor, entry.currency),
            entry.share,
            str(entry.terms_version),
            entry.reverses or "",
            spreadsheet.safe(entry.reason),
        )
    )


def header(columns: Iterable[str]) -> str:
    """The first record of a file."""
    return spreadsheet.line(tuple(columns))


def summary_lines(tally: Tally, partner: str | None = None) -> Iterable[str]:
    """`summary.csv`, by partner and currency; or the one partner's own lines of it."""
    yield header(SUMMARY_COLUMNS)
    for (owner, currency), balance in sorted(tally.balances.items()):
        if partner not in {None, owner}:
            continue
        amounts = (
            balance.opening,
            balance.accrued,
            balance.reversed,
            balance.corrected,
            balance.paid,
            balance.closing,
            balance.payable,
        )
        yield spreadsheet.line((owner, currency, *(format_major(amount, currency) for amount in amounts)))


def journal_opening(
    program: str, month: Month, timezone: str, opened: Tally, currencies: Iterable[str]
) -> str:
    """The head of `journal.ledger`: commodities, and the balances that the month opens with.

    Plain-text accounting as hledger reads it (hledger.org, "Journal format"); a commodity is declared by
    a sample with a decimal mark, also where it has no decimals.
    """
    lines = [f"; {program} {month} ({timezone})\n"]
    for currency in currencies:
        sample = format_major(100_000_000, currency)
        lines.append(f"commodity {sample if '.' in sample else sample + '.'} {currency}\n")
    for (partner, currency), balance in sorted(opened.balances.items()):
        pending = balance.opening - balance.payable_opening
        postings = [("pending", pending), ("payable", balance.payable_opening)]
        lines.append(f"\n{month}-01 opening balance\n")
        lines += [f"    partner:{partner}:{name}  {_quantity(a, currency)}\n" for name, a in postings if a]
        lines.append(f"    equity:opening  {_quantity(-balance.opening, currency)}\n")
    return "".join(lines)


def journal_transaction(entry: Entry, month: Month, timezone: str) -> str:
    """The entry as a balanced transaction, dated where it was booked, within its month."""
    amount, currency = entry.commission_minor, entry.currency
    mine = f"partner:{entry.partner}:"
    match entry.kind:
        case Kind.RELEASE:
            postings = [(mine + "pending", -amount), (mine + "payable", amount)]
        case Kind.PAYOUT:
            postings = [(mine + "payable", -amount), (f"program:{entry.program}:payouts", amount)]
        case _:
            postings = [(mine + entry.account, amount), (f"program:{entry.program}:commission", -amount)]
    lines = "".join(f"    {account}  {_quantity(value, currency)}\n" for account, value in postings)
    return (
        f"\n{month.day_of(entry.booked_at, timezone)} {entry.kind} {entry.conversion}  ; {entry.id}\n{lines}"
    )


def manifest(
    program: str,
    month: Month,
    timezone: str,
    engine: str,
    tally: Tally,
    parts: Iterable[Part],
    previous: tuple[Month, str] | None,
) -> bytes:
    """`manifest.json`: what the month holds, and the SHA-256 chain to the month before it.

    Canonical JSON: keys sorted, no spaces, UTF-8, a line feed at the end.
    """
    listed = [{f.name: getattr(part, f.name) for f in fields(Part)} for part in parts]
    body = {
        "schema": SCHEMA,
        "program": program,
        "month": str(month),
        "period": {
            "start": format_instant(month.start(timezone)),
            "end": format_instant(month.end(timezone)),
            "timezone": timezone,
        },
        "engine": engine,
        "terms_versions": sorted(tally.terms_versions),
        "counts": {
            "entries": sum(tally.kinds.values()),
            "conversions": tally.conversions,
            "kinds": tally.kinds,
        },
        "totals": _totals(tally),
        "parts": listed,
        "previous": {"month": str(previous[0]), "sha256": previous[1]} if previous else None,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _totals(tally: Tally) -> dict[str, dict[str, str]]:
    """The summary's columns added up per currency, as decimals in the currency's own digits."""
    totals: dict[str, dict[str, int]] = {}
    for (_, currency), balance in tally.balances.items():
        sums = totals.setdefault(currency, dict.fromkeys(SUMMARY_COLUMNS[2:], 0))
        for name in sums:
            sums[name] += getattr(balance, name)
    return {
        currency: {name: format_major(amount, currency) for name, amount in sums.items()}
        for currency, sums in totals.items()
    }


def _quantity(amount_minor: int, currency: str) -> str:
    return f"{format_major(amount_minor, currency)} {currency}"
