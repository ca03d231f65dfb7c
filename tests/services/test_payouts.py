"""Payout files, marking batches as paid, and what follows from it, against the engine."""

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.booking import Manual, ManualKind
from chalicelib.domain.conversion import AdjustmentKind, Content, State
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.payout.batch import Account, Payer, Settings
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.services import adjustments, capture, manual, payouts
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import reconcile
from chalicelib.storage.payouts import Request
from tests import scene
from tests.faults.books import audit
from tests.scene import AFTER_GRACE, MONTH_START

SEPTEMBER = Month(2026, 9)
SOLD_AT = MONTH_START + timedelta(days=3)
RELEASED = SOLD_AT + timedelta(days=14)
OCTOBER_CLOSE = AFTER_GRACE + timedelta(days=31)
NOVEMBER_CLOSE = AFTER_GRACE + timedelta(days=62)

PAYPAL = Account("paypal", None, {"email": "anna@example.com"})
SEPA = Account("sepa", "EUR", {"name": "Ben Müller", "iban": "DE89 3704 0044 0532 0130 00"})
PAYER = Payer("Acme & Sons", "NL91ABNA0417164300", "ABNANL2A")


@pytest.fixture
def shop(stage) -> Iterator[scene.Scene]:
    """A shop with a payer, whose partner anna is paid by PayPal and ben by bank."""
    made = scene.make(stage.stores)
    for partner in scene.PARTNERS:
        stage.stores.catalogue.add_enrollment_once(
            Enrollment(made.program.id, partner, made.links[partner].code, MONTH_START)
        )
    payouts.set_settings(stage.stores, made.program, Settings({"EUR": 500}, PAYER))
    payouts.set_accounts(stage.stores, "anna", [PAYPAL], MONTH_START)
    payouts.set_accounts(stage.stores, "ben", [SEPA], MONTH_START)
    return made


def files(stage, shop: scene.Scene, month: Month = SEPTEMBER, root: str = "ledgers") -> dict[str, bytes]:
    """The month's files by name."""
    prefix = f"{root}/{shop.program.id}/{month}/"
    return {k.removeprefix(prefix): stage.stores.bucket.find(k) for k in stage.stores.bucket.keys(prefix)}


def rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def paid(stage, shop, at: datetime, id: str = "p-1", month: Month = SEPTEMBER, method: str | None = None):
    wanted = Request(id, month, method, "key_test", at)
    return payouts.mark_paid(stage.stores, shop.program, wanted, at)


def closed_with_sales(stage, shop, *codes: str, amount: int = 10_000) -> list[str]:
    """September closed, with a released sale for each code."""
    sold = [shop.sell(stage.stores, SOLD_AT, amount, code).id for code in codes]
    reconcile(stage.stores, RELEASED)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    return sold


def test_a_months_batch_is_split_over_the_ways_of_paying(stage, shop) -> None:
    closed_with_sales(stage, shop, "ANNA", "BEN")
    found = files(stage, shop)
    listed = {row["partner"]: row for row in rows(found["payouts.csv"])}
    assert {p: (row["due"], row["method"], row["carried_because"]) for p, row in listed.items()} == {
        "anna": ("10.00", "paypal", ""),
        "ben": ("10.00", "sepa", ""),
    }
    payment = listed["anna"]["payment_id"]
    assert found["payouts-paypal.csv"].decode() == (
        f"anna@example.com,10.00,EUR,{payment},{shop.program.id} 2026-09,PAYPAL\r\n"
    )
    assert b"<IBAN>DE89370400440532013000</IBAN>" in found["payouts-pain001.xml"]
    assert b"<Nm>Ben Muller</Nm>" in found["payouts-pain001.xml"]
    assert "payouts-wise.csv" not in found


def test_what_is_below_the_minimum_or_has_no_account_is_carried_over(stage, shop) -> None:
    payouts.set_accounts(stage.stores, "ben", [], MONTH_START)
    shop.sell(stage.stores, SOLD_AT, 4_000, "ANNA")
    closed_with_sales(stage, shop, "BEN")
    listed = {row["partner"]: row for row in rows(files(stage, shop)["payouts.csv"])}
    assert (listed["anna"]["due"], listed["anna"]["carried_because"]) == ("0.00", "below_minimum")
    assert (listed["ben"]["due"], listed["ben"]["carried_because"]) == ("0.00", "no_account")
    shop.sell(stage.stores, SOLD_AT + timedelta(days=30), 4_000, "ANNA")
    reconcile(stage.stores, SOLD_AT + timedelta(days=44))
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    october = {row["partner"]: row for row in rows(files(stage, shop, SEPTEMBER.next())["payouts.csv"])}
    assert october["anna"]["due"] == "8.00"


def test_a_draft_has_no_payout_file_that_is_no_longer_due(stage, shop) -> None:
    shop.sell(stage.stores, SOLD_AT, code="ANNA")
    reconcile(stage.stores, RELEASED)
    assert "payouts-paypal.csv" in files(stage, shop, root="drafts")
    payouts.set_accounts(stage.stores, "anna", [], MONTH_START)
    shop.sell(stage.stores, RELEASED, code="BEN")
    reconcile(stage.stores, RELEASED)
    found = files(stage, shop, root="drafts")
    assert "payouts-paypal.csv" not in found
    named = {part["name"] for part in json.loads(found["manifest.json"])["parts"]}
    assert set(found) == {"manifest.json", *named}


def test_a_closed_month_keeps_the_details_that_it_was_closed_with(stage, shop) -> None:
    closed_with_sales(stage, shop, "ANNA", "BEN")
    before = files(stage, shop)
    payouts.set_accounts(
        stage.stores, "anna", [Account("wise", None, {"name": "A", "recipient_id": "77"})], MONTH_START
    )
    payouts.set_settings(stage.stores, shop.program, Settings({"EUR": 100_000}))
    assert audit(stage.stores, shop.program).problems == []
    assert files(stage, shop) == before
    assert set(json.loads(before["payouts.json"])["accounts"]) == {"anna", "ben"}


def test_a_close_that_goes_on_later_uses_the_details_of_its_first_run(stage, shop, monkeypatch) -> None:
    shop.sell(stage.stores, SOLD_AT, code="ANNA")
    reconcile(stage.stores, RELEASED)
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.month_files._write_all", _fails)
        with pytest.raises(RuntimeError):
            close_program(stage.stores, shop.program.id, AFTER_GRACE)
    payouts.set_accounts(stage.stores, "anna", [], MONTH_START)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert "payouts-paypal.csv" in files(stage, shop)
    assert audit(stage.stores, shop.program).problems == []


def _fails(*_) -> None:
    raise RuntimeError


def test_a_batch_that_was_paid_is_booked_once_in_the_open_month(stage, shop) -> None:
    sold = closed_with_sales(stage, shop, "ANNA", "BEN")
    first = paid(stage, shop, AFTER_GRACE)
    again = paid(stage, shop, AFTER_GRACE + timedelta(days=1))
    other = paid(stage, shop, AFTER_GRACE, id="p-2")
    assert [mark.amount_minor for mark in first.marks] == [1000, 1000]
    assert again.marks == first.marks
    assert other.marks == []
    entries = audit(stage.stores, shop.program).open_entries
    assert [(str(e.kind), e.commission_minor, str(e.month)) for e in entries] == [
        ("payout", 1000, "2026-10")
    ] * 2
    reconcile(stage.stores, AFTER_GRACE)
    assert {stage.stores.conversions.find(c).state for c in sold} == {State.PAID}
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    summary = rows(files(stage, shop, SEPTEMBER.next())["summary.csv"])
    assert [(r["opening"], r["paid"], r["closing"], r["payable"]) for r in summary] == [
        ("10.00", "10.00", "0.00", "0.00")
    ] * 2
    assert audit(stage.stores, shop.program).problems == []


def test_only_one_ways_payments_may_be_marked(stage, shop) -> None:
    sold = closed_with_sales(stage, shop, "ANNA", "BEN")
    assert [m.partner for m in paid(stage, shop, AFTER_GRACE, method="sepa").marks] == ["ben"]
    reconcile(stage.stores, AFTER_GRACE)
    states = [stage.stores.conversions.find(c).state for c in sold]
    assert states == [State.APPROVED, State.PAID]
    assert [m.partner for m in paid(stage, shop, AFTER_GRACE, id="p-2").marks] == ["anna"]


def test_batches_marked_late_or_out_of_order_never_pay_the_same_money_twice(stage, shop) -> None:
    closed_with_sales(stage, shop, "ANNA")
    shop.sell(stage.stores, SOLD_AT + timedelta(days=30), 5_000, "ANNA")
    reconcile(stage.stores, SOLD_AT + timedelta(days=44))
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    october = SEPTEMBER.next()
    assert rows(files(stage, shop, october)["payouts.csv"])[0]["due"] == "15.00"
    newer = paid(stage, shop, OCTOBER_CLOSE, id="october", month=october)
    older = paid(stage, shop, OCTOBER_CLOSE, id="september")
    assert [m.amount_minor for m in newer.marks] == [1500]
    assert [(m.amount_minor, m.entry) for m in older.marks] == [(0, None)]


def test_money_that_a_later_batch_carried_over_to_the_last_unit_is_no_payment_again(stage, shop) -> None:
    closed_with_sales(stage, shop, "ANNA")
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    newer = paid(stage, shop, OCTOBER_CLOSE, id="october", month=SEPTEMBER.next())
    older = paid(stage, shop, OCTOBER_CLOSE, id="september")
    assert [m.amount_minor for m in newer.marks] == [1000]
    assert [(m.amount_minor, m.entry) for m in older.marks] == [(0, None)]


def test_a_single_unit_is_paid(stage, shop) -> None:
    payouts.set_settings(stage.stores, shop.program, Settings({}, PAYER))
    closed_with_sales(stage, shop, "ANNA", amount=10)
    assert [m.amount_minor for m in paid(stage, shop, AFTER_GRACE).marks] == [1]


def test_a_refund_after_the_payout_leaves_a_debt_that_later_sales_pay_off(stage, shop) -> None:
    (sold,) = closed_with_sales(stage, shop, "ANNA")
    paid(stage, shop, AFTER_GRACE)
    adjustments.adjust(stage.stores, sold, "r", AdjustmentKind.REFUND, None, "", AFTER_GRACE)
    shop.sell(stage.stores, SOLD_AT + timedelta(days=30), 16_000, "ANNA")
    reconcile(stage.stores, SOLD_AT + timedelta(days=44))
    assert stage.stores.conversions.find(sold).state is State.REVERSED
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    found = files(stage, shop, SEPTEMBER.next())
    (row,) = rows(found["summary.csv"])
    assert (row["opening"], row["accrued"], row["reversed"], row["paid"]) == (
        "10.00",
        "16.00",
        "-10.00",
        "10.00",
    )
    assert (row["closing"], row["payable"]) == ("6.00", "6.00")
    assert rows(found["payouts.csv"])[0]["due"] == "6.00"


@pytest.mark.parametrize("refund_first", [True, False])
def test_the_order_of_payout_and_partial_refund_does_not_matter(stage, shop, refund_first: bool) -> None:
    (sold,) = closed_with_sales(stage, shop, "ANNA")
    if refund_first:
        adjustments.adjust(stage.stores, sold, "r", AdjustmentKind.REFUND, 4_000, "", AFTER_GRACE)
        reconcile(stage.stores, AFTER_GRACE)
    paid(stage, shop, AFTER_GRACE)
    reconcile(stage.stores, AFTER_GRACE)
    if not refund_first:
        adjusted = adjustments.adjust(stage.stores, sold, "r", AdjustmentKind.REFUND, 4_000, "", AFTER_GRACE)
        assert adjusted.state is State.PAID
        reconcile(stage.stores, AFTER_GRACE)
    assert stage.stores.conversions.find(sold).state is State.PAID
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    (row,) = rows(files(stage, shop, SEPTEMBER.next())["summary.csv"])
    assert (row["closing"], row["payable"]) == ("-4.00", "-4.00")


def test_a_conversion_is_paid_once_all_its_partners_are(stage, shop) -> None:
    sold = closed_with_sales(stage, shop, "ANNA")[0]
    shop.sell(stage.stores, AFTER_GRACE, code="ANNA")
    later = shop.sell(stage.stores, AFTER_GRACE, code="ANNA").id
    reconcile(stage.stores, AFTER_GRACE + timedelta(days=14))
    paid(stage, shop, AFTER_GRACE + timedelta(days=14))
    reconcile(stage.stores, AFTER_GRACE + timedelta(days=14))
    assert stage.stores.conversions.find(sold).state is State.PAID
    assert stage.stores.conversions.find(later).state is State.APPROVED


def test_a_batch_is_refused_where_there_is_none(stage, shop) -> None:
    with pytest.raises(NotFound, match="batch_unknown"):
        paid(stage, shop, AFTER_GRACE)
    closed_with_sales(stage, shop, "ANNA")
    with pytest.raises(Conflict, match="nothing_due"):
        paid(stage, shop, AFTER_GRACE, method="wise")
    paid(stage, shop, AFTER_GRACE)
    with pytest.raises(Conflict, match="payout_conflict"):
        paid(stage, shop, AFTER_GRACE, method="paypal")


def test_reconcile_books_what_one_request_had_no_time_for(stage, shop, monkeypatch) -> None:
    sold = closed_with_sales(stage, shop, "ANNA", "BEN")
    with monkeypatch.context() as patch:
        patch.setattr(payouts, "AT_ONCE", 1)
        progress = paid(stage, shop, AFTER_GRACE)
    assert (len(progress.marks), progress.waiting) == (1, 1)
    reconcile(stage.stores, AFTER_GRACE)
    assert {stage.stores.conversions.find(c).state for c in sold} == {State.PAID}
    assert stage.stores.payouts.open_requests(shop.program.id) == []
    assert len(audit(stage.stores, shop.program).open_entries) == 2


def a_manual(**changes) -> Manual:
    parts = {
        "id": "b-1",
        "partner": "anna",
        "kind": ManualKind.BONUS,
        "amount_minor": 2_500,
        "currency": "EUR",
        "reason": "best of the month",
        "actor": "key_test",
    }
    return Manual(**parts | changes)


def test_a_bonus_is_booked_once_and_payable_at_once(stage, shop) -> None:
    first = manual.book(stage.stores, shop.program, a_manual(), SOLD_AT)
    again = manual.book(stage.stores, shop.program, a_manual(actor="key_other"), RELEASED)
    assert (first.duplicate, again.duplicate, again.entry) == (False, True, first.entry)
    assert first.entry.reason == "bonus b-1: best of the month; by key_test"
    with pytest.raises(Conflict, match="entry_conflict"):
        manual.book(stage.stores, shop.program, a_manual(amount_minor=2_501), SOLD_AT)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    (row,) = rows(files(stage, shop)["summary.csv"])
    assert (row["corrected"], row["closing"], row["payable"]) == ("25.00", "25.00", "25.00")


def test_a_correction_of_a_conversion_is_linked_to_its_accrual(stage, shop) -> None:
    sold = shop.sell(stage.stores, SOLD_AT, code="ANNA").id
    reconcile(stage.stores, SOLD_AT)
    accrual = stage.stores.conversions.find(sold).booked.entries[0]
    wanted = a_manual(kind=ManualKind.CORRECTION, amount_minor=-300, conversion=sold)
    entry = manual.book(stage.stores, shop.program, wanted, AFTER_GRACE).entry
    assert (entry.reverses, entry.order_id, entry.conversion) == (accrual.id, accrual.order_id, sold)
    with pytest.raises(NotFound, match="conversion_unknown"):
        manual.book(
            stage.stores, shop.program, a_manual(id="b-2", partner="ben", conversion=sold), AFTER_GRACE
        )


def test_a_bonus_for_a_closed_month_is_booked_in_the_open_one(stage, shop) -> None:
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    entry = manual.book(stage.stores, shop.program, a_manual(), SOLD_AT).entry
    assert (str(entry.month), entry.booked_at) == ("2026-10", SEPTEMBER.end("UTC"))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "no blanks"},
        {"reason": " "},
        {"reason": "x" * 301},
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"currency": "XXX"},
    ],
)
def test_a_bonus_without_sense_is_refused(stage, shop, changes) -> None:
    with pytest.raises(Invalid):
        manual.book(stage.stores, shop.program, a_manual(**changes), SOLD_AT)
    with pytest.raises(NotFound, match="not_enrolled"):
        manual.book(stage.stores, shop.program, a_manual(partner="nobody"), SOLD_AT)


def test_a_reason_has_1_to_300_characters(stage, shop) -> None:
    for reason in ("x", "x" * 300):
        wanted = a_manual(id=f"of-{len(reason)}", reason=reason)
        assert not manual.book(stage.stores, shop.program, wanted, SOLD_AT).duplicate


def test_hledger_agrees_with_the_summary_of_every_month(stage, shop, tmp_path: Path) -> None:
    sold = closed_with_sales(stage, shop, "ANNA", "BEN", "BEN")
    paid(stage, shop, AFTER_GRACE)
    adjustments.adjust(stage.stores, sold[1], "r", AdjustmentKind.REFUND, 2_500, "", AFTER_GRACE)
    manual.book(stage.stores, shop.program, a_manual(), AFTER_GRACE)
    yen = a_manual(id="b-2", amount_minor=777, currency="JPY")
    manual.book(stage.stores, shop.program, yen, AFTER_GRACE)
    shop.sell(stage.stores, AFTER_GRACE, code="ANNA")
    reconcile(stage.stores, AFTER_GRACE)
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    close_program(stage.stores, shop.program.id, NOVEMBER_CLOSE)
    for month in (SEPTEMBER, SEPTEMBER.next(), SEPTEMBER.next().next()):
        found = files(stage, shop, month)
        book = tmp_path / "journal.ledger"
        book.write_bytes(found["journal.ledger"])
        _hledger(book, "check")
        closing = {(r["partner"], r["currency"]): r["closing"] for r in rows(found["summary.csv"])}
        payable = {(r["partner"], r["currency"]): r["payable"] for r in rows(found["summary.csv"])}
        assert _balances(book, "^partner:", depth=2) == _without_zeros(closing)
        assert _balances(book, "^partner:.*:payable$", depth=2) == _without_zeros(payable)


def _hledger(book: Path, *arguments: str) -> str:
    command = ["hledger", "-f", str(book), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _balances(book: Path, query: str, depth: int) -> dict[tuple[str, str], str]:
    """Balances by partner and currency; hledger lists one line for each commodity."""
    options = ("-O", "csv", "--layout=bare", f"--depth={depth}", "--flat", "-N")
    found = csv.DictReader(io.StringIO(_hledger(book, "balance", query, *options)))
    return _without_zeros(
        {(r["account"].split(":")[1], r["commodity"]): r["balance"] for r in found if r["commodity"]}
    )


def _without_zeros(balances: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    return {key: amount for key, amount in balances.items() if amount.strip("0.-")}


def test_a_conversion_that_was_worth_more_than_was_paid_is_paid_with_the_next_batch(stage, shop) -> None:
    trusting = replace(shop.program, trust_browser=True)

    def tell(method: Method, amount: int, at: datetime) -> str:
        content = Content(amount, "EUR")
        incoming = Incoming("sale", "grows", content, method, coupon="ANNA", occurred_at=SOLD_AT)
        return capture.record(stage.stores, trusting, incoming, at).id

    sold = tell(Method.PIXEL, 10_000, SOLD_AT)
    reconcile(stage.stores, SOLD_AT + timedelta(days=14))
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    paid(stage, shop, AFTER_GRACE)
    reconcile(stage.stores, AFTER_GRACE)
    assert stage.stores.conversions.find(sold).state is State.PAID
    tell(Method.API, 16_000, AFTER_GRACE)
    reconcile(stage.stores, AFTER_GRACE)
    assert stage.stores.conversions.find(sold).state is State.APPROVED
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    paid(stage, shop, OCTOBER_CLOSE, id="october", month=SEPTEMBER.next())
    reconcile(stage.stores, OCTOBER_CLOSE)
    assert stage.stores.conversions.find(sold).state is State.PAID
