"""Entries that no conversion makes: a payout that was carried out, a bonus or correction by hand."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain import ids
from chalicelib.domain.journal import Account, Books, Entry, Kind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program


class ManualKind(StrEnum):
    """What somebody may book by hand; both stand in the ledger as corrections."""

    BONUS = "bonus"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Manual:
    """Something booked by hand, once for each `id`: by whom (`actor`) and why.

    `conversion` is the one that it is about, where there is one.
    """

    id: str
    partner: str
    kind: ManualKind
    amount_minor: int
    currency: str
    reason: str
    actor: str
    conversion: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A payment of a published batch, to be booked: `month` is the batch's, `due_minor` what it says."""

    id: str
    month: Month
    partner: str
    currency: str
    due_minor: int
    method: str


def manual_entry(
    manual: Manual, answers: Entry | None, program: Program, books: Books, now: datetime
) -> Entry:
    """The entry, in the open month; there is no hold on it, so it is payable at once.

    `answers` is the partner's accrual of the conversion that it is about.
    """
    entry_id = ids.derive("ent", "manual", program.id, manual.id)
    plain = replace(
        _entry(
            entry_id,
            Kind.CORRECTION,
            program,
            books,
            now,
            manual.partner,
            manual.amount_minor,
            manual.currency,
        ),
        event=str(manual.kind),
        basis=f"by {manual.actor}",
        cause=f"{manual.kind} {manual.id}: {manual.reason}",
    )
    if answers is None:
        return plain
    return replace(
        plain,
        conversion=answers.conversion,
        order_id=answers.order_id,
        occurred_at=answers.occurred_at,
        terms_version=answers.terms_version,
        reverses=answers.id,
    )


def payout_entry(
    due: Due, amount_minor: int, request: str, program: Program, books: Books, now: datetime
) -> Entry:
    """The entry that says that a payment was carried out, by the request that told so."""
    entry_id = ids.derive("ent", "payout", due.id)
    return replace(
        _entry(entry_id, Kind.PAYOUT, program, books, now, due.partner, amount_minor, due.currency),
        basis=f"{due.id} of {due.month}",
        cause=f"payout {request}",
    )


def _entry(
    entry_id: str,
    kind: Kind,
    program: Program,
    books: Books,
    now: datetime,
    partner: str,
    amount_minor: int,
    currency: str,
) -> Entry:
    month = books.month_for(Month.of(now, program.timezone))
    return Entry(
        id=entry_id,
        program=program.id,
        month=month,
        shard=ids.shard_of(partner, program.shards),
        kind=kind,
        booked_at=max(now, month.start(program.timezone)),
        occurred_at=now,
        conversion="",
        order_id="",
        event=str(kind),
        partner=partner,
        currency=currency,
        sale_minor=0,
        commission_minor=amount_minor,
        share="1/1",
        terms_version=0,
        account=Account.PAYABLE,
        basis="",
        rate="",
        cause="",
    )
