"""Entries that no conversion makes."""

from datetime import timedelta

from chalicelib.domain.booking import Due, Manual, ManualKind, manual_entry, payout_entry
from chalicelib.domain.journal import Account, Books, Kind
from chalicelib.domain.ledger import Balance
from chalicelib.domain.period import Month
from tests.domain.builders import SOLD, a_program, an_entry

OCTOBER = Month(2026, 10)
BOOKS = Books(opened=OCTOBER)
BONUS = Manual("b-1", "anna", ManualKind.BONUS, 500, "EUR", "thanks", "key_1")
DUE = Due("pay_1", OCTOBER.previous(), "anna", "EUR", 700, "paypal")


def test_a_bonus_is_a_correction_that_is_payable_at_once() -> None:
    entry = manual_entry(BONUS, None, a_program(), BOOKS, SOLD)
    assert (entry.kind, entry.account, entry.commission_minor) == (Kind.CORRECTION, Account.PAYABLE, 500)
    assert (entry.event, entry.conversion, entry.reverses) == ("bonus", "", None)
    assert entry.reason == "bonus b-1: thanks; by key_1"
    assert (entry.sale_minor, entry.share, entry.terms_version, entry.counted) == (0, "1/1", 0, 0)
    balance = Balance()
    balance.add(entry)
    assert (balance.corrected, balance.closing, balance.payable) == (500, 500, 500)


def test_a_correction_names_the_accrual_that_it_answers() -> None:
    accrual = an_entry(id="ent_accrual")
    entry = manual_entry(BONUS, accrual, a_program(), BOOKS, SOLD + timedelta(days=1))
    assert entry.reverses == "ent_accrual"
    assert (entry.conversion, entry.order_id, entry.terms_version) == ("cnv_1", "1001", 1)


def test_a_payout_lowers_what_is_payable() -> None:
    entry = payout_entry(DUE, 700, "p-1", a_program(), BOOKS, SOLD)
    assert (entry.kind, entry.reason) == (Kind.PAYOUT, "payout p-1; pay_1 of 2026-09")
    balance = Balance(opening=1_000, payable_opening=800)
    balance.add(entry)
    assert (balance.paid, balance.closing, balance.payable) == (700, 300, 100)


def test_the_same_cause_has_the_same_id_in_whatever_month_it_is_booked() -> None:
    later = Books(opened=OCTOBER, closed_through=OCTOBER)
    first = payout_entry(DUE, 700, "p-1", a_program(), BOOKS, SOLD)
    second = payout_entry(DUE, 700, "p-1", a_program(), later, SOLD)
    assert first.id == second.id
    assert (second.month, second.booked_at) == (OCTOBER.next(), OCTOBER.end("UTC"))
    bonus = manual_entry(BONUS, None, a_program(), BOOKS, SOLD)
    assert bonus.id != manual_entry(BONUS, None, a_program(id="other"), BOOKS, SOLD).id


def test_entries_of_a_partner_lie_in_one_shard() -> None:
    program = a_program(shards=16)
    payout, bonus = (
        payout_entry(DUE, 1, "p", program, BOOKS, SOLD),
        manual_entry(BONUS, None, program, BOOKS, SOLD),
    )
    assert payout.shard == bonus.shard
