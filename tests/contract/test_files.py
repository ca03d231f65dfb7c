"""The files of a month: columns, sums, balances, statements, the journal."""

import hashlib
import re
from collections import defaultdict
from decimal import Decimal

import pytest

from tests.contract.outside import LEDGER_COLUMNS, Shop, read_csv, total

KINDS = {"accrual", "reversal", "release", "payout", "correction"}


@pytest.fixture(scope="module")
def story(running_stack):
    """Two months: three partners, two currencies, refunds, a coupon, a held and an unattributed sale."""
    stack = running_stack
    stack.at("2026-11-10T12:00:00Z")
    shop = Shop(stack, terms={"model": "linear"})
    anna, ben, cleo = (shop.partner(name) for name in ("anna", "ben", "cleo"))
    shop.coupon(cleo, "CLEO").expect(201)
    visitor = shop.visitor()
    for partner in (anna, ben, anna):
        visitor.follow(partner)
    split = shop.sell(1999, click_id=visitor.click_id)
    yen = shop.sell(12_345, "JPY", click_id=visitor.click_id)
    couponed = shop.sell(5000, coupon="cleo")
    shop.sell(777)
    shop.pixel(
        {
            "program": shop.id,
            "event": "sale",
            "order_id": "P-1",
            "amount": "99.00",
            "currency": "EUR",
            "click_id": visitor.click_id,
        }
    )
    stack.reconcile()
    shop.adjust(split, "refund", amount=1000).expect(200, 201)
    stack.at("2026-11-25T00:00:00Z")
    stack.reconcile()
    november = shop.close()
    stack.at("2026-12-05T00:00:00Z")
    shop.adjust(couponed, "refund").expect(200, 201)
    shop.adjust(yen, "refund", amount=45).expect(200, 201)
    shop.sell(3000, coupon="CLEO")
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    return shop, november, december


@pytest.fixture(params=["2026-11", "2026-12"])
def month(story, request):
    return story[1] if request.param == "2026-11" else story[2]


def test_the_story_made_the_entries_that_it_should(story):
    _shop, november, december = story
    assert total([e for e in november.of_kind("accrual") if e["currency"] == "EUR"]) == Decimal("7.00")
    assert total([e for e in november.of_kind("accrual") if e["currency"] == "JPY"]) == Decimal("1235")
    assert total([e for e in november.of_kind("reversal") if e["currency"] == "EUR"]) == Decimal("-1.00")
    assert total(december.of_kind("accrual")) == Decimal("3.00")
    assert total([e for e in december.of_kind("reversal") if e["currency"] == "EUR"]) == Decimal("-5.00")


def test_a_line_is_an_entry_with_an_id_of_its_own(story):
    _shop, november, december = story
    ids = [entry["entry_id"] for entry in november.entries + december.entries]
    assert len(ids) == len(set(ids))


def test_times_are_rfc_3339_utc_and_kinds_are_known(month):
    for entry in month.entries:
        assert entry["kind"] in KINDS
        for name in ("booked_at", "occurred_at"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", entry[name])


def test_every_line_names_its_conversion_order_terms_and_reason(month):
    for entry in month.entries:
        for name in ("conversion_id", "order_id", "event", "partner", "terms_version", "share"):
            assert entry[name], name
        assert entry["reason"] or entry["kind"] in {"release", "payout"}


def test_amounts_have_the_currencys_own_digits(month):
    shapes = {"EUR": r"-?\d+\.\d\d", "JPY": r"-?\d+"}
    for entry in month.entries:
        for name in ("sale_amount", "commission_amount"):
            assert re.fullmatch(shapes[entry["currency"]], entry[name]), entry


def test_the_file_is_plain_rfc_4180(month):
    content = month.files["ledger-00000.csv"]
    assert content.split(b"\r\n")[0].decode() == ",".join(LEDGER_COLUMNS)
    assert content.endswith(b"\r\n")
    assert not content.startswith(b"\xef\xbb\xbf")


def test_reversals_are_negative_and_linked_and_never_exceed(story):
    _shop, november, december = story
    entries = november.entries + december.entries
    left = {e["entry_id"]: Decimal(e["commission_amount"]) for e in entries if e["kind"] == "accrual"}
    by_id = {e["entry_id"]: e for e in entries}
    for entry in entries:
        if entry["kind"] == "reversal":
            assert Decimal(entry["commission_amount"]) <= 0
            original = by_id[entry["reverses"]]
            for name in ("partner", "currency", "conversion_id", "terms_version", "share"):
                assert entry[name] == original[name]
            left[entry["reverses"]] += Decimal(entry["commission_amount"])
    assert min(left.values()) >= 0


def test_the_summary_adds_up_and_agrees_with_the_lines(month):
    sums = defaultdict(Decimal)
    for entry in month.entries:
        key = (entry["partner"], entry["currency"], entry["kind"])
        sums[key] += Decimal(entry["commission_amount"])
    for (partner, currency), row in month.summary.items():
        amount = {name: Decimal(row[name]) for name in row if name not in {"partner", "currency"}}
        assert amount["closing"] == (
            amount["opening"] + amount["accrued"] + amount["reversed"] + amount["corrected"] - amount["paid"]
        )
        assert amount["accrued"] == sums[(partner, currency, "accrual")]
        assert amount["reversed"] == sums[(partner, currency, "reversal")]
        assert amount["corrected"] == sums[(partner, currency, "correction")]
        assert amount["paid"] == sums[(partner, currency, "payout")]
        assert amount["payable"] <= amount["closing"]
    assert {(partner, currency) for partner, currency, _kind in sums} <= set(month.summary)


def test_a_month_opens_with_what_the_last_one_closed_with(story):
    _shop, november, december = story
    for key, row in november.summary.items():
        if Decimal(row["closing"]) != 0:
            assert december.summary[key]["opening"] == row["closing"]
    for key, row in december.summary.items():
        earlier = november.summary.get(key)
        assert Decimal(row["opening"]) == (Decimal(earlier["closing"]) if earlier else 0)


def test_the_chain_holds(story):
    _shop, november, december = story
    digest = hashlib.sha256(november.manifest_bytes).hexdigest()
    assert december.manifest["previous"] == {"month": "2026-11", "sha256": digest}


def test_each_partner_has_a_statement_of_its_own_lines_alone(story, month):
    partners = {entry["partner"] for entry in month.entries}
    for partner in partners:
        content = month.files[f"statements/{partner}.csv"].decode()
        for entry in month.entries:
            assert (entry["conversion_id"] in content) or entry["partner"] != partner
        for other in partners - {partner}:
            assert other not in content


def test_held_and_unattributed_conversions_have_no_lines(story, month):
    shop = story[0]
    silent = {c["id"] for c in shop.conversions() if c["state"] in {"held", "unattributed"}}
    assert len(silent) == 2
    assert not silent & {entry["conversion_id"] for entry in month.entries}


def test_the_ledger_agrees_with_the_receipts(story):
    shop, november, december = story
    booked = defaultdict(Decimal)
    for entry in november.entries + december.entries:
        if entry["kind"] == "accrual":
            booked[(entry["conversion_id"], entry["partner"])] += Decimal(entry["commission_amount"])
    digits = {"EUR": 100, "JPY": 1}
    told = defaultdict(Decimal)
    for conversion in shop.conversions():
        if conversion["state"] in {"held", "unattributed"}:
            continue
        answer = shop.stack.api("GET", f"/v1/conversions/{conversion['id']}/receipt").json
        for credit in answer["credits"]:
            amount = credit["commission"]
            told[(conversion["id"], credit["partner"])] += (
                Decimal(amount["amount"]) / digits[amount["currency"]]
            )
    assert told == booked


def test_a_program_without_a_sale_publishes_an_empty_ledger(running_stack):
    running_stack.at("2026-11-10T12:00:00Z")
    shop = Shop(running_stack)
    books = shop.close()
    assert books.entries == []
    assert read_csv(books.files["ledger-00000.csv"], LEDGER_COLUMNS) == []
    assert books.summary == {}
