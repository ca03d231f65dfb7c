"""Paying partners: where, from how much on, and that a published month's batch was paid.

Marking a batch books one payout for each of its payments that isn't settled yet, in the open month. A
payment is what was payable when its month was closed, less what the partner was paid in later months: a
batch that was marked late, or after a newer one, never pays the same money twice.
"""

import csv
import hashlib
import io
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain import booking
from chalicelib.domain.booking import Due
from chalicelib.domain.errors import Conflict, NotFound, Unavailable
from chalicelib.domain.journal import Books
from chalicelib.domain.money import parse_signed_major
from chalicelib.domain.payout import review
from chalicelib.domain.payout.batch import Account, Settings
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.review import refuse
from chalicelib.services import fraud
from chalicelib.services.folders import published_folder
from chalicelib.storage.payouts import Mark, Request
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

AT_ONCE = 500
"""Payments that one request books; reconcile goes on with the rest."""

_ATTEMPTS = 8
_GATES_FROM = 2
"""In a payment's transaction the actions before this are its own records."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A request, the payments that it settled, and how many still wait."""

    request: Request
    marks: Sequence[Mark]
    waiting: int


def set_settings(stores: Stores, program: Program, settings: Settings) -> Settings:
    """Keep how the program pays from now on, in the form in which it is kept.

    Raises:
        Refused: `currency_unknown`, `amount_invalid`, `name_invalid`, `iban_invalid`, `bic_invalid`.
    """
    kept, problems = review.settings(settings)
    refuse(problems)
    stores.payouts.put_settings(program.id, kept)
    return kept


def set_accounts(
    stores: Stores, partner: str, accounts: Sequence[Account], now: datetime
) -> Sequence[Account]:
    """Keep where the partner is paid from now on, in the form in which it is kept.

    Raises:
        Refused: `method_unknown`, `currency_unknown`, `account_repeated`, `too_many_accounts`, and what the
            methods say of their details.
    """
    kept, problems = review.accounts(accounts)
    refuse(problems)
    fraud.accounts_changed(stores, partner, stores.payouts.accounts(partner), kept, now)
    stores.payouts.put_accounts(partner, kept)
    return kept


def mark_paid(stores: Stores, program: Program, wanted: Request, now: datetime) -> Progress:
    """Book that the batch of a published month was paid; the same request again only goes on.

    Raises:
        NotFound: `batch_unknown`, the month isn't published.
        Conflict: `payout_conflict`, the id stands for another batch; `nothing_due`.
        Unavailable: storage is away; the same request may be repeated.
    """
    if not any(wanted.method in {None, due.method} for due in batch_of(stores, program, wanted.month)):
        raise Conflict("nothing_due", "nothing is due in this batch")
    request = wanted
    if not stores.payouts.add_request_once(program.id, wanted):
        request = stores.payouts.find_request(program.id, wanted.id) or wanted
        if (request.month, request.method) != (wanted.month, wanted.method):
            raise Conflict("payout_conflict", "this id is recorded for another batch", "id")
    return carry_on(stores, program, request, AT_ONCE, now)


def carry_on(stores: Stores, program: Program, request: Request, at_most: int, now: datetime) -> Progress:
    """Settle payments of the request that aren't settled yet, up to so many.

    Raises:
        Unavailable: storage is away, or others kept changing the same records.
    """
    dues = [d for d in batch_of(stores, program, request.month) if request.method in {None, d.method}]
    settled = {mark.payment: mark for mark in stores.payouts.marks(program.id, request.month)}
    left = [due for due in dues if due.id not in settled]
    if left:
        _announce(stores, program, now)
    for due in left[:at_most]:
        settled[due.id] = _pay(stores, program, due, request, now)
    own = [settled[d.id] for d in dues if d.id in settled and settled[d.id].request == request.id]
    return Progress(request, own, max(len(left) - at_most, 0))


def batch_states(stores: Stores, program: Program, month: Month) -> list[tuple[Due, Mark | None]]:
    """The payments of a published month's batch, each with how it was settled (None: it waits).

    Raises:
        NotFound, Unavailable: as `batch_of`.
    """
    settled = {mark.payment: mark for mark in stores.payouts.marks(program.id, month)}
    return [(due, settled.get(due.id)) for due in batch_of(stores, program, month)]


def batch_of(stores: Stores, program: Program, month: Month) -> list[Due]:
    """What a published month's batch pays, as its `payouts.csv` says.

    Raises:
        NotFound: `batch_unknown`.
        Unavailable: `ledger_damaged`, the file is not what the month's manifest says.
    """
    books = stores.journal.books(program)
    folder = published_folder(program.id, month)
    manifest = stores.bucket.find(folder + "manifest.json")
    if books.closed_through is None or month > books.closed_through or manifest is None:
        raise NotFound("batch_unknown", "there is no published ledger for this month", "month")
    body = stores.bucket.find(folder + "payouts.csv") or b""
    named = {part["name"]: part["sha256"] for part in json.loads(manifest)["parts"]}
    if hashlib.sha256(body).hexdigest() != named.get("payouts.csv"):
        raise Unavailable("ledger_damaged", f"the payouts of {month} are not the published ones")
    rows = csv.DictReader(io.StringIO(body.decode(), newline=""))
    dues = (_due(row, month) for row in rows)
    return [due for due in dues if due.due_minor > 0]


def _due(row: Mapping[str, str], month: Month) -> Due:
    amount = parse_signed_major(row["due"], row["currency"])
    return Due(row["payment_id"], month, row["partner"], row["currency"], amount, row["method"])


def _announce(stores: Stores, program: Program, now: datetime) -> None:
    """Note that the drafts of the months that may take the entries will be behind."""
    books = stores.journal.books(program)
    first = books.next_to_close
    for month in sorted({first, first.next(), books.month_for(Month.of(now, program.timezone))}):
        stores.journal.mark_dirty(program.id, month, 0, now, secrets.token_hex(8))


def _pay(stores: Stores, program: Program, due: Due, request: Request, now: datetime) -> Mark:
    full_month: Books | None = None
    for _ in range(_ATTEMPTS):
        known = stores.payouts.find_mark(program.id, due)
        if known is not None:
            return known
        before = stores.payouts.paid(program.id, due.partner, due.currency)
        books = full_month or stores.journal.books(program)
        full_month = None
        amount = due.due_minor - before.since(due.month)
        entry = booking.payout_entry(due, amount, request.id, program, books, now) if amount > 0 else None
        try:
            return stores.payouts.settle(program.id, due, before, request.id, entry, books)
        except ConditionFailed as failure:
            if books.closing and min(failure.failed) >= _GATES_FROM:
                full_month = replace(books, closed_through=books.closing, closing=None)
    raise Unavailable("storage_busy", "the payment is being settled by others; try again")
