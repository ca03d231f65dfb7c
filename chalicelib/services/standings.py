"""What a partner has earned by now, by state: its newest statement, and what was booked since.

Statements of open months are drafts, which follow by the hour; entries are there within seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.journal import Entry
from chalicelib.domain.ledger import Balance
from chalicelib.domain.payout import FORMATS
from chalicelib.domain.payout.batch import payments_of
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services import earnings, ledgers, payout_facts
from chalicelib.services.close import GRACE
from chalicelib.services.ledgers import Ledger, Status
from chalicelib.storage.stores import Stores

BOOKED_LATE = timedelta(hours=3)
"""How long after the time that stands on it an entry may be booked, so that it is looked for: a release is
booked by the hourly pass that finds the hold over."""

MOST_ENTRIES = 1000
"""Entries of all partners, the newest of each shard, that are looked at after the drafts were written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is pending, payable and was paid so far in one currency, in minor units.

    `due` is the part of `payable` that the next payout takes as things are; `carried_because` says in one
    word why it takes none.
    """

    currency: str
    pending: int
    payable: int
    paid: int
    due: int
    carried_because: str


@dataclass(frozen=True, slots=True)
class Standings:
    """The partner's money in each currency, the program's own first.

    `as_of` is when it was so: now, or where too much was booked since, when the drafts were written. The next
    payout is of `month`, which is closed at `closes_at`.
    """

    rows: tuple[Standing, ...]
    as_of: datetime
    month: Month
    closes_at: datetime


def of_partner(stores: Stores, program: Program, partner: str, now: datetime) -> Standings:
    """What is pending, approved, due and paid at this moment."""
    # Before the statements: an entry that a draft takes up in between is then found twice, and counted once.
    drafted_at = stores.journal.drafted_at(program.id)
    booked = _booked_since(stores, program, partner, drafted_at)
    months = ledgers.of_program(stores, program)
    newest = earnings.newest(stores, months, partner)
    balances: dict[str, Balance] = {}
    if newest is not None:
        payable = newest.balances("payable")
        for currency, closing in newest.balances("closing").items():
            balances[currency] = Balance(opening=closing, payable_opening=payable.get(currency, 0))
    known = _stated(stores, months, partner) if booked else frozenset()
    for entry in booked or ():
        if entry.id not in known:
            balances.setdefault(entry.currency, Balance()).add(entry)
    month = stores.journal.books(program).next_to_close
    as_of = now if booked is not None or drafted_at is None else drafted_at
    rows = _rows(stores, program, partner, month, balances)
    return Standings(rows, as_of, month, month.end(program.timezone) + GRACE)


def _rows(
    stores: Stores, program: Program, partner: str, month: Month, balances: dict[str, Balance]
) -> tuple[Standing, ...]:
    currencies = sorted({program.currency, *balances}, key=lambda code: (code != program.currency, code))
    payables = {(partner, currency): balance.payable for currency, balance in balances.items()}
    facts = payout_facts.known(stores, program, month, payables)
    payments = {one.currency: one for one in payments_of(program.id, month, payables, facts, FORMATS)}
    rows = []
    for currency in currencies:
        balance, payment = balances.get(currency, Balance()), payments.get(currency)
        rows.append(
            Standing(
                currency,
                balance.closing - balance.payable,
                balance.payable,
                sum(stores.payouts.paid(program.id, partner, currency).by_month.values()),
                payment.due_minor if payment else 0,
                payment.carried_because if payment else "",
            )
        )
    return tuple(rows)


def _booked_since(
    stores: Stores, program: Program, partner: str, drafted_at: datetime | None
) -> list[Entry] | None:
    """The partner's entries in months whose drafts are behind; None where that is too much to look at."""
    found: list[Entry] = []
    for month in sorted({note.month for note in stores.journal.dirty(program.id)}):
        since = month.start(program.timezone)
        if drafted_at is not None:
            since = max(since, drafted_at - BOOKED_LATE)
        for shard in range(program.shards):
            entries = stores.journal.newest_entries(program.id, month, shard, since, MOST_ENTRIES)
            if len(entries) == MOST_ENTRIES:
                return None
            found += [entry for entry in entries if entry.partner == partner]
    return found


def _stated(stores: Stores, months: list[Ledger], partner: str) -> frozenset[str]:
    """The ids of the entries that the drafts hold already."""
    drafts = [ledger for ledger in months if ledger.status is Status.DRAFT]
    statements = [found for ledger in drafts if (found := earnings.find(stores, ledger, partner))]
    return frozenset(line["entry_id"] for found in statements for line in found.entries)
