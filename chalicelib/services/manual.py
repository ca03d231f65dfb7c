"""Bonuses and corrections by hand: each with a reason and an actor, once for each id."""

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.booking import Manual, ManualKind, manual_entry
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Unavailable
from chalicelib.domain.journal import Books, Entry
from chalicelib.domain.money import MAX_AMOUNT_MINOR, check_amount, check_currency
from chalicelib.domain.program import Program
from chalicelib.services.links import not_enrolled
from chalicelib.storage.codec import compact
from chalicelib.storage.records import Record
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """What was asked for by hand, and the entry that it became."""

    wanted: Manual
    entry: Entry


@dataclass(frozen=True, slots=True)
class Booked:
    """What was booked, and whether it was there before."""

    kept: Kept
    duplicate: bool

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.kept.entry


def book(stores: Stores, program: Program, manual: Manual, now: datetime) -> Booked:
    """Book it in the open month, payable at once.

    Raises:
        Invalid: `id_invalid`, `reason_invalid`, `amount_invalid`, `currency_unknown`.
        NotFound: `partner_not_enrolled`; `conversion_unknown`, also where the partner has no part in it.
        Conflict: `entry_conflict`, the id is there with other content.
        Unavailable: nothing is certain; the same may be sent again.
    """
    _check(manual)
    if stores.catalogue.find_enrollment(program.id, manual.partner) is None:
        raise not_enrolled()
    answers = _answered(stores, program, manual)
    full_month: Books | None = None
    for _ in range(_ATTEMPTS):
        known = stores.journal.find_by_hand(program.id, manual.id)
        if known is not None:
            _check_same(known[0], manual)
            return Booked(_kept(*known), duplicate=True)
        books = full_month or stores.journal.books(program)
        full_month = None
        entry = manual_entry(manual, answers, program, books, now)
        stores.journal.mark_dirty(program.id, entry.month, entry.shard, now, secrets.token_hex(8))
        try:
            stores.journal.book_by_hand(program.id, manual.id, _content(manual), entry, books)
        except ConditionFailed as failure:
            if books.closing and 0 not in failure.failed:
                full_month = replace(books, closed_through=books.closing, closing=None)
            continue
        return Booked(Kept(manual, entry), duplicate=False)
    raise Unavailable("storage_busy", "the month is being closed; try again")


def list_page(
    stores: Stores, program: Program, limit: int, start: Record | None
) -> tuple[list[Kept], Record | None]:
    """Up to `limit` of what was booked by hand, by id, and where the next page starts (None at the end)."""
    found, next_key = stores.journal.by_hand_page(program.id, limit, start)
    return [_kept(item, entry) for item, entry in found], next_key


def check_id(text: str) -> None:
    """Let the id on that a caller chose for something booked by hand.

    Raises:
        Invalid: `id_invalid`.
    """
    if not _ID.fullmatch(text):
        raise Invalid("id_invalid", "id must be 1 to 100 letters, digits or ._:-", "id")


def _check(manual: Manual) -> None:
    check_id(manual.id)
    if not 1 <= len(manual.reason.strip()) <= 300:
        raise Invalid("reason_invalid", "reason is 1 to 300 characters", "reason")
    check_currency(manual.currency)
    if manual.kind is ManualKind.BONUS:
        check_amount(manual.amount_minor)
    if manual.amount_minor == 0 or abs(manual.amount_minor) > MAX_AMOUNT_MINOR:
        raise Invalid("amount_invalid", "amount must not be 0", "amount")


def _answered(stores: Stores, program: Program, manual: Manual) -> Entry | None:
    if manual.conversion is None:
        return None
    found = stores.conversions.find(manual.conversion)
    accrual = found.booked.accrual_of(manual.partner) if found else None
    if found is None or accrual is None or found.facts.report.program != program.id:
        raise NotFound("conversion_unknown", "there is no such conversion of this partner", "conversion")
    return accrual


def _content(manual: Manual) -> Record:
    return compact(
        {
            "partner": manual.partner,
            "kind": str(manual.kind),
            "amount": manual.amount_minor,
            "currency": manual.currency,
            "reason": manual.reason,
            "actor": manual.actor,
            "conversion": manual.conversion,
        }
    )


def _kept(known: Record, entry: Entry) -> Kept:
    wanted = Manual(
        known["sk"],
        known["partner"],
        ManualKind(known["kind"]),
        known["amount"],
        known["currency"],
        known["reason"],
        known["actor"],
        known.get("conversion"),
    )
    return Kept(wanted, entry)


def _check_same(known: Record, manual: Manual) -> None:
    """Refuse other content under the id; who asks for it again, and why, doesn't matter."""
    wanted = _content(manual)
    names = ("partner", "kind", "amount", "currency", "conversion")
    if any(known.get(name) != wanted.get(name) for name in names):
        raise Conflict("entry_conflict", "this id is booked with other content", "id")
