"""Orders from files of shops and people."""

from datetime import UTC, datetime

import pytest

from chalicelib.domain import orders
from chalicelib.domain.cells import parse_amount
from chalicelib.domain.errors import Invalid, TooLarge
from chalicelib.domain.orders import Reading, Status, read_orders

EUROS = Reading("EUR", "UTC", {})

SHOPIFY = (
    "Name,Email,Financial Status,Currency,Total,Discount Code,Created at,Lineitem name,Cancelled at,"
    "Refunded Amount,Id\n"
    "#1001,a@example.com,paid,USD,49.90,ANNA10,2026-09-10 14:00:00 +0200,Shirt,,0.00,5001\n"
    "#1001,a@example.com,,,,,,Socks,,,\n"
    "#1002,b@example.com,partially_refunded,USD,30.00,,2026-09-11 09:00:00 +0200,Hat,,10.00,5002\n"
    "#1003,c@example.com,refunded,USD,20.00,,2026-09-12 09:00:00 +0200,Hat,,20.00,5003\n"
    "#1004,d@example.com,paid,USD,20.00,,2026-09-12 09:00:00 +0200,Hat,2026-09-13 09:00:00 +0200,0.00,5004\n"
    "#1005,e@example.com,pending,USD,20.00,,2026-09-12 09:00:00 +0200,Hat,,0.00,5005\n"
)


def read(text: str, reading: Reading = EUROS) -> orders.OrderFile:
    return read_orders(text.encode(), reading)


def test_shopifys_export_is_read_one_order_for_all_its_items() -> None:
    found = read(SHOPIFY)
    assert (found.format, found.bad_rows, found.tells_status) == ("shopify", (), True)
    assert [(o.ids, o.status, o.amount_minor, o.refunded_minor) for o in found.orders] == [
        (("5001", "#1001", "1001"), Status.PAID, 4990, 0),
        (("5002", "#1002", "1002"), Status.PAID, 3000, 1000),
        (("5003", "#1003", "1003"), Status.REFUNDED, 2000, 2000),
        (("5004", "#1004", "1004"), Status.CANCELLED, 2000, 0),
        (("5005", "#1005", "1005"), Status.OPEN, 2000, 0),
    ]
    assert found.orders[0].currency == "USD"
    assert found.orders[0].coupon == "ANNA10"
    assert found.orders[0].occurred_at == datetime(2026, 9, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("SUMMER", "SUMMER"),
        ('"SUMMER, WINTER"', "SUMMER"),
        ("code:summer|description:|amount:5.00", "summer"),
        ("id:7|code:summer|amount:5.00;id:8|code:winter|amount:1.00", "summer"),
        ("", None),
    ],
)
def test_woocommerces_ways_to_write_codes_are_read(cell: str, code: str | None) -> None:
    header = "order_id,order_number,status,order_total,coupon_items"
    (order,) = read(f"{header}\n17,17,completed,49.90,{cell}\n").orders
    assert order.coupon == code


def test_woocommerces_export_is_read() -> None:
    found = read(
        "order_id,order_number,order_date,status,order_total,order_currency,customer_id\n"
        "17,W-17,9/6/2026 6:29:00,wc-completed,49.90,EUR,7\n"
    )
    (order,) = found.orders
    assert (found.format, order.ids, order.amount_minor) == ("woocommerce", ("17", "W-17"), 4990)
    assert (order.customer_id, order.occurred_at) == ("7", datetime(2026, 9, 6, 6, 29, tzinfo=UTC))


def test_columns_that_the_caller_names_are_read() -> None:
    named = Reading(
        "EUR", "Europe/Berlin", {"order_id": "Bestellung", "amount": "Summe", "occurred_at": "Tag"}
    )
    found = read("Bestellung;Summe;Tag\nA-1;1.234,50 €;2026-09-10\n", named)
    assert [(o.ids, o.amount_minor) for o in found.orders] == [(("A-1",), 123450)]
    assert found.orders[0].occurred_at == datetime(2026, 9, 9, 22, tzinfo=UTC)
    assert not found.tells_status


def test_a_named_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        read("a,b\n1,2\n", Reading("EUR", "UTC", {"order_id": "a", "amount": "c"}))
    assert refusal.value.code == "column_unknown"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_of_spreadsheets_is_read(encoding: str) -> None:
    raw = "order_id\tamount\ncafé\t9.90\n".encode(encoding)
    assert read_orders(raw, EUROS).orders[0].ids == ("café",)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("5.12346E+12,9.90,,", "order_id_rounded"),
        (",9.90,,", "order_id_missing"),
        ("A,,,", "amount_missing"),
        ("A,-9.90,,", "amount_invalid"),
        ("A,9.9999,,", "amount_invalid"),
        ("A,1.000,,", "amount_ambiguous"),
        ("A,1e3,,", "amount_invalid"),
        ('A,"1,234",,', "amount_ambiguous"),
        ("A,9.90,XXX,", "currency_unknown"),
        ("A,9.90,,maybe", "status_unknown"),
        (f"{'A' * 129},9.90,,", "order_id_invalid"),
        ("A,9.90,EUR,paid,5", "row_invalid"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported_and_stops_no_other(row: str, code: str) -> None:
    found = read(f"order_id,amount,currency,status\n{row}\nB,1.00,EUR,paid\n")
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [(2, code)]
    assert [order.ids for order in found.orders] == [("B",)]


def test_a_decimal_comma_without_quotes_is_not_guessed() -> None:
    found = read("order_id,amount\nA,12,50\nB,1.00,\n")
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [(2, "row_invalid")]
    assert [order.ids for order in found.orders] == [("B",)]


def test_an_order_that_stands_there_twice_is_reported() -> None:
    found = read("order_id,amount\nA,1\nA,2\n")
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [(3, "order_repeated")]
    assert [order.amount_minor for order in found.orders] == [100]


def test_lines_are_counted_as_an_editor_shows_them() -> None:
    found = read('order_id,amount,coupon\n"A",1.00,"two\nlines"\n\nB,x,\n')
    assert [bad.line for bad in found.bad_rows] == [5]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.90", "EUR", 1990),
        ("19,90", "EUR", 1990),
        ("1,234.50", "EUR", 123450),
        ("1.234,50", "EUR", 123450),
        ("1,234,567", "EUR", 123456700),
        ("€ 5", "EUR", 500),
        ("5\u00a0EUR", "EUR", 500),
        ("007.50", "EUR", 750),
        ("1500", "JPY", 1500),
        ("1.250", "KWD", 1250),
    ],
)
def test_amounts_are_read_as_spreadsheets_write_them(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize("text", ["", "1,23,4", "1.2.3", "(5)", "5-", "NaN", "١٢", "9" * 400])
def test_amounts_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_amount(text, "EUR")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "csv_empty"),
        ("what,ever\n1,2\n", "columns_unknown"),
        ('order_id,amount\n"A,1\n', "csv_invalid"),
        ("order_id,amount\nA\x00,1\n", "csv_invalid"),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(text)
    assert refusal.value.code == code


def test_a_file_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "MAX_ROWS", 2)
    assert len(read("order_id,amount\nA,1\nB,1\n").orders) == 2
    with pytest.raises(TooLarge):
        read("order_id,amount\nA,1\nB,1\nC,1\n")


def test_a_partners_list_may_tell_no_amounts() -> None:
    lenient = Reading("EUR", "UTC", {}, amount_needed=False)
    assert read("order_id\nA\n", lenient).orders[0].amount_minor is None
    assert read("order_id,amount\nA,1\n", lenient).orders[0].amount_minor == 100
