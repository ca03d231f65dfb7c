"""What one partner has earned in one program: by day, and month by month, as the books have it."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.domain import statement, statement_page
from chalicelib.domain.counts import Sums
from chalicelib.domain.errors import NotFound
from chalicelib.domain.money import parse_signed_major
from chalicelib.domain.period import Month, local_day
from chalicelib.domain.program import Program
from chalicelib.domain.spans import Every, Span, spans
from chalicelib.services import ledgers, stats
from chalicelib.services.folders import draft_folder, published_folder
from chalicelib.services.ledgers import Ledger, Status
from chalicelib.storage.stores import Stores

MOST_MONTHS = 24
"""Months whose statements a list shows, the newest."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A month's statement: its lines as `statements/{partner}.csv` has them, and the hash of that file.

    `in_manifest` says whether the published manifest names the same hash; None for a draft.
    """

    ledger: Ledger
    lines: list[dict[str, str]]
    sha256: str
    in_manifest: bool | None

    def balances(self, kind: str) -> dict[str, int]:
        """Minor units by currency of the lines `opening`, `closing` or `payable`."""
        return {
            line["currency"]: parse_signed_major(line["commission_amount"], line["currency"])
            for line in self.lines
            if line["kind"] == kind
        }

    @property
    def entries(self) -> list[dict[str, str]]:
        """The lines that are entries of the ledger."""
        return [line for line in self.lines if line["entry_id"]]


def over_time(
    stores: Stores, program: Program, partner: str, every: Every, now: datetime
) -> list[tuple[Span, Sums]]:
    """What was clicked and earned in each stretch up to now, oldest first."""
    found = spans(every, local_day(now, program.timezone))
    rows = stats.report(
        stores,
        program.id,
        since=found[0].first.isoformat(),
        until=found[-1].last.isoformat(),
        by="day",
        partner=partner,
    ).rows
    by_day = {date.fromisoformat(day): sums for day, sums in rows.items()}
    return [(span, _together([sums for day, sums in by_day.items() if span.holds(day)])) for span in found]


def newest(stores: Stores, months: Iterable[Ledger], partner: str) -> Statement | None:
    """The last of these months' statements that the partner has."""
    return next((found for ledger in reversed([*months]) if (found := find(stores, ledger, partner))), None)


def find(stores: Stores, ledger: Ledger, partner: str) -> Statement | None:
    """The partner's statement of that month, as its files have it; None where there is none."""
    name = statement.name(partner)
    body = stores.bucket.find(_folder(ledger) + name)
    if body is None:
        return None
    sha256 = hashlib.sha256(body).hexdigest()
    named: bool | None = None
    if ledger.status is Status.PUBLISHED:
        manifest = json.loads(stores.bucket.find(_folder(ledger) + "manifest.json") or b'{"parts": []}')
        named = {"name": name, "sha256": sha256} in [
            {"name": part["name"], "sha256": part["sha256"]} for part in manifest["parts"]
        ]
    lines = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    return Statement(ledger, lines, sha256, named)


def statements(stores: Stores, program: Program, partner: str) -> list[Ledger]:
    """The months in which the partner has a statement, newest first."""
    months = ledgers.of_program(stores, program)[-MOST_MONTHS:]
    return [
        ledger
        for ledger in reversed(months)
        if stores.bucket.size(_folder(ledger) + statement.name(partner)) is not None
    ]


def statement_of(stores: Stores, program: Program, partner: str, month: Month) -> Statement:
    """The partner's statement of that month.

    Raises:
        NotFound: `statement_unknown`.
    """
    for ledger in ledgers.of_program(stores, program):
        if ledger.month == month and (found := find(stores, ledger, partner)) is not None:
            return found
    raise NotFound("statement_unknown", "there is no statement for this month", "month")


def file_of(stores: Stores, found: Statement, partner: str, kind: str) -> bytes:
    """A file of the statement as it stands in the ledger: `csv` or `html`.

    Raises:
        NotFound: `statement_unknown`.
    """
    names = {"csv": statement.name(partner), "html": statement_page.name(partner)}
    body = stores.bucket.find(_folder(found.ledger) + names[kind]) if kind in names else None
    if body is None:
        raise NotFound("statement_unknown", "there is no such file")
    return body


def _folder(ledger: Ledger) -> str:
    folder = published_folder if ledger.status is Status.PUBLISHED else draft_folder
    return folder(ledger.program, ledger.month)


def _together(parts: list[Sums]) -> Sums:
    whole = Sums()
    for part in parts:
        whole.clicks += part.clicks
        whole.conversions += part.conversions
        for into, amounts in ((whole.revenue, part.revenue), (whole.commission, part.commission)):
            for currency, amount in amounts.items():
                into[currency] = into.get(currency, 0) + amount
    return whole
