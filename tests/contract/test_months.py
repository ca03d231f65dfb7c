"""Closing months: when, in which order, with what in them, and never again."""

import hashlib
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.contract.outside import total


def link_of(text):
    """Whether a JSON string is a link to a file."""
    return isinstance(text, str) and text.startswith("http")


def strings(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value]


@pytest.fixture
def anna(shop):
    return shop.partner()


def test_a_month_is_closed_24_hours_after_its_end(shop, stack, anna):
    shop.sell(click_id=shop.clicked(anna))
    for instant in ("2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z", "2026-12-01T23:59:59Z"):
        stack.at(instant)
        stack.reconcile()
        stack.close_month()
        assert not stack.published(shop.id, "2026-11")
    assert total(shop.close(at="2026-12-02T00:00:00Z").of_kind("accrual")) == Decimal("2.00")


def test_a_close_that_runs_twice_changes_nothing(shop, stack, anna):
    shop.sell(click_id=shop.clicked(anna))
    first = shop.close()
    stack.close_month()
    stack.at("2026-12-05T00:00:00Z")
    stack.reconcile()
    stack.close_month()
    assert stack.books(shop.id, "2026-11") == first


def test_a_close_without_a_reconcile_before_it_loses_nothing(shop, stack, anna):
    conversion = shop.sell(click_id=shop.clicked(anna))
    stack.at("2026-12-02T00:00:00Z")
    stack.close_month()
    stack.at("2027-01-02T00:00:00Z")
    stack.reconcile()
    stack.close_month()
    booked = [
        entry
        for month in ("2026-11", "2026-12")
        for entry in stack.books(shop.id, month).of(conversion, "accrual")
    ]
    assert len(booked) == 1


def test_months_that_were_missed_are_closed_in_order(shop, stack, anna):
    token = shop.clicked(anna)
    shop.sell(click_id=token)
    stack.at("2026-12-05T00:00:00Z")
    shop.sell(click_id=token)
    stack.at("2027-02-10T00:00:00Z")
    stack.reconcile()
    for _ in range(3):
        stack.close_month()
    books = [stack.books(shop.id, month) for month in ("2026-11", "2026-12", "2027-01")]
    assert [total(month.of_kind("accrual")) for month in books[:2]] == [2, 2]
    for earlier, later in pairwise(books):
        assert later.manifest["previous"] == {
            "month": earlier.manifest["month"],
            "sha256": hashlib.sha256(earlier.manifest_bytes).hexdigest(),
        }
    assert not stack.published(shop.id, "2027-02")


def test_a_month_in_which_nothing_happened_is_not_skipped(shop, stack, anna):
    token = shop.clicked(anna)
    shop.sell(click_id=token)
    stack.at("2026-12-02T00:00:00Z")
    shop.close()
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert [entry for entry in december.entries if entry["kind"] == "accrual"] == []
    assert december.manifest["previous"]["month"] == "2026-11"


def test_the_manifest_names_its_program_month_and_parts(shop, anna):
    shop.sell(click_id=shop.clicked(anna))
    books = shop.close()
    assert books.manifest["program"] == shop.id
    assert books.manifest["month"] == "2026-11"
    assert {"schema", "program", "month", "parts"} <= set(books.manifest)
    names = [part["name"] for part in books.manifest["parts"]]
    assert {"ledger-00000.csv", "summary.csv"} <= set(names)
    assert len(names) == len(set(names))
    rows = {part["name"]: part["rows"] for part in books.manifest["parts"]}
    assert sum(rows[name] for name in names if name.startswith("ledger-")) == len(books.entries)
    assert rows["summary.csv"] == len(books.summary)


def test_published_objects_never_change(shop, stack, anna):
    conversion = shop.sell(click_id=shop.clicked(anna))
    first = shop.close()
    shop.adjust(conversion, "refund", amount=500).expect(200, 201)
    shop.sell(click_id=shop.clicked(anna), occurred_at="2026-11-30T12:00:00Z")
    shop.terms(commissions=[{"event": "sale", "kind": "flat", "amount": 1}])
    shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert stack.books(shop.id, "2026-11") == first


def test_a_refund_after_the_close_is_a_linked_reversal_in_the_open_month(shop, stack, anna):
    conversion = shop.sell(click_id=shop.clicked(anna))
    november = shop.close()
    (accrual,) = november.of(conversion, "accrual")
    stack.at("2026-12-10T00:00:00Z")
    shop.adjust(conversion, "refund", amount=500).expect(200, 201)
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    (reversal,) = december.of(conversion, "reversal")
    assert reversal["reverses"] == accrual["entry_id"]
    assert reversal["commission_amount"] == "-0.50"
    row = december.summary[(anna.id, "EUR")]
    assert (row["opening"], row["accrued"], row["reversed"], row["closing"]) == (
        "2.00",
        "0.00",
        "-0.50",
        "1.50",
    )


def test_a_sale_told_after_the_close_of_its_month_goes_to_the_open_one(shop, stack, anna):
    token = shop.clicked(anna)
    shop.close()
    stack.at("2026-12-04T00:00:00Z")
    late = shop.sell(click_id=token, occurred_at="2026-11-30T23:00:00Z")
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    (accrual,) = december.of(late, "accrual")
    assert accrual["occurred_at"].startswith("2026-11-30T23:00:00")


def test_a_sale_told_between_the_months_end_and_its_close_goes_to_its_month(shop, stack, anna):
    token = shop.clicked(anna)
    stack.at("2026-12-01T12:00:00Z")
    late = shop.sell(click_id=token, occurred_at="2026-11-30T23:59:59Z")
    early = shop.sell(click_id=token, occurred_at="2026-12-01T00:00:00Z")
    november = shop.close()
    assert len(november.of(late, "accrual")) == 1
    assert november.of(early) == []
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert len(december.of(early, "accrual")) == 1


def test_a_refund_received_after_the_months_end_belongs_to_the_next(shop, stack, anna):
    conversion = shop.sell(click_id=shop.clicked(anna))
    stack.reconcile()
    stack.at("2026-12-01T06:00:00Z")
    shop.adjust(conversion, "refund", amount=500).expect(200, 201)
    november = shop.close()
    assert november.of(conversion, "reversal") == []
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert len(december.of(conversion, "reversal")) == 1


def test_a_month_is_one_of_the_programs_time_zone(a_shop, stack):
    shop = a_shop(timezone="America/New_York")
    token = shop.clicked(shop.partner())
    stack.at("2026-12-01T06:00:00Z")
    november = shop.sell(click_id=token, occurred_at="2026-12-01T04:59:59Z")
    december = shop.sell(click_id=token, occurred_at="2026-12-01T05:00:00Z")
    for instant in ("2026-12-02T00:00:00Z", "2026-12-02T04:59:59Z"):
        stack.at(instant)
        stack.reconcile()
        stack.close_month()
        assert not stack.published(shop.id, "2026-11")
    books = shop.close(at="2026-12-02T05:00:00Z")
    assert len(books.of(november, "accrual")) == 1
    assert books.of(december) == []


def test_a_month_begins_early_east_of_greenwich(a_shop, stack):
    shop = a_shop(timezone="Asia/Tokyo")
    token = shop.clicked(shop.partner())
    stack.at("2026-11-30T16:00:00Z")
    november = shop.sell(click_id=token, occurred_at="2026-11-30T14:59:59Z")
    december = shop.sell(click_id=token, occurred_at="2026-11-30T15:00:00Z")
    books = shop.close(at="2026-12-01T15:00:00Z")
    assert len(books.of(november, "accrual")) == 1
    assert books.of(december) == []


def test_a_release_is_booked_in_the_month_in_which_the_hold_ends(shop, stack, anna):
    token = shop.clicked(anna)
    stack.at("2026-11-28T12:00:00Z")
    conversion = shop.sell(click_id=token)
    november = shop.close()
    assert november.of(conversion, "release") == []
    assert november.summary[(anna.id, "EUR")]["payable"] == "0.00"
    stack.at("2026-12-13T00:00:00Z")
    stack.reconcile()
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    (release,) = december.of(conversion, "release")
    assert release["commission_amount"] == "2.00"
    row = december.summary[(anna.id, "EUR")]
    assert (row["opening"], row["accrued"], row["closing"], row["payable"]) == (
        "2.00",
        "0.00",
        "2.00",
        "2.00",
    )


def test_a_held_conversion_confirmed_after_the_close_is_booked_once(shop, stack, anna):
    shop.pixel(
        {
            "program": shop.id,
            "event": "sale",
            "order_id": "P-1",
            "amount": "20.00",
            "currency": "EUR",
            "click_id": shop.clicked(anna),
        }
    )
    november = shop.close()
    assert november.entries == []
    shop.tell(shop.order(2000, order_id="P-1")).expect(200, 201)
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert [entry["commission_amount"] for entry in december.of_kind("accrual")] == ["2.00"]


def test_a_conversion_healed_after_the_close_is_booked_in_the_open_month(shop, stack, anna):
    token = shop.clicked(anna)
    order = shop.order()
    conversion = shop.tell(order).expect(201).json["id"]
    assert shop.close().entries == []
    stack.at("2026-12-05T00:00:00Z")
    shop.tell({**order, "click_id": token, "occurred_at": "2026-11-10T12:00:00Z"})
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert len(december.of(conversion, "accrual")) == 1


def test_drafts_are_rewritten_until_the_month_is_published(shop, stack, anna):
    token = shop.clicked(anna)
    shop.sell(click_id=token)
    assert total(shop.draft().entries) == Decimal("2.00")
    shop.sell(click_id=token)
    assert total(shop.draft().entries) == Decimal("4.00")
    assert not stack.published(shop.id, "2026-11")
    assert total(shop.close().of_kind("accrual")) == Decimal("4.00")


def test_the_api_tells_what_is_draft_and_what_is_published(shop, stack, anna):
    shop.sell(click_id=shop.clicked(anna))
    shop.draft()
    assert stack.api("GET", f"/v1/ledgers/{shop.id}/2026-11").expect(200)
    books = shop.close()
    answer = stack.api("GET", f"/v1/ledgers/{shop.id}/2026-11").expect(200).json
    assert books.manifest in [value for value in answer.values() if isinstance(value, dict)]
    links = [text for text in strings(answer) if link_of(text)]
    assert links
    listed = stack.api("GET", "/v1/ledgers?limit=200").expect(200).json["data"]
    assert any(row["program"] == shop.id and row["month"] == "2026-11" for row in listed)


def test_a_month_that_is_not_there_is_not_found(shop, stack):
    stack.api("GET", f"/v1/ledgers/{shop.id}/1999-01").refused(404)
    stack.api("GET", "/v1/ledgers/nobodys/2026-11").refused(404)
