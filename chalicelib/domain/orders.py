"""Orders as a shop's export or a partner's own list tells them, read from CSV.

Strict about money and tolerant about spreadsheets: any of three delimiters, a byte order mark, UTF-16 and
Windows-1252, apostrophes before cells and decimal commas are read; whatever could mean two things is not
guessed. A row that can't be read is reported with its line, and stops no other.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.cells import _EXPONENT, clean, parse_amount, parse_time
from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.errors import Invalid, TooLarge
from chalicelib.domain.order_formats import FORMATS, Format, fold

MAX_ROWS = 50_000
MAX_CELL = 100_000


class Status(StrEnum):
    """Where an order stands in its shop."""

    PAID = "paid"
    OPEN = "open"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a file. `line` is its first line in it, 1 being the header.

    `ids` are the names under which it may have been reported, the likeliest first; `amount_minor` is None
    in a partner's list that tells none; `refunded_minor` what was given back of it so far.
    """

    line: int
    ids: tuple[str, ...]
    amount_minor: int | None
    currency: str
    status: Status = Status.PAID
    refunded_minor: int = 0
    occurred_at: datetime | None = None
    coupon: str | None = None
    click_id: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read, and why."""

    line: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class OrderFile:
    """What a file holds; `tells_status` says whether it knows of cancellations and refunds."""

    format: str
    orders: tuple[Order, ...]
    bad_rows: tuple[BadRow, ...]
    tells_status: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file: the program's currency and time zone, and columns that the caller named."""

    currency: str
    timezone: str
    columns: Mapping[str, str]
    amount_needed: bool = True


def read_orders(raw: bytes, reading: Reading) -> OrderFile:
    """The orders in a CSV file.

    Raises:
        Invalid: `csv_invalid`, `csv_empty`, `column_unknown`, `columns_unknown` (no known export).
        TooLarge: `csv_too_large`, above 50,000 rows.
    """
    header, rows = read_rows(raw)
    form = _format_of(header, reading)
    places = form.places(header)
    orders: dict[str, Order] = {}
    bad: list[BadRow] = []
    for line, cells in rows:
        row = {name: clean(cells[at]) for name, at in places.items() if at < len(cells) and clean(cells[at])}
        if form.continues(row, cells):
            continue
        try:
            check_width(header, cells)
            order = _order(line, row, form, reading)
            if order.ids[0] in orders:
                raise Invalid("order_repeated", "this order stands in the file twice")
            orders[order.ids[0]] = order
        except Invalid as problem:
            bad.append(BadRow(line, problem.code, problem.message))
    return OrderFile(
        form.name, tuple(orders.values()), tuple(bad), "status" in places or "refunded" in places
    )


def read_rows(raw: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a CSV file, and its rows that are not empty, each with its line.

    Raises:
        Invalid: `csv_invalid`, `csv_empty`.
        TooLarge: `csv_too_large`, above 50,000 rows.
    """
    return _rows(_decode(raw))


def check_width(header: Sequence[str], cells: Sequence[str]) -> None:
    """Let a row on that says nothing beyond the header: `12,50` without quotes is 12 and another cell.

    Raises:
        Invalid: `row_invalid`.
    """
    if any(cell.strip() for cell in cells[len(header) :]):
        raise Invalid("row_invalid", "the row has more cells than the header")


def _decode(raw: bytes) -> str:
    """Text as spreadsheets save it: UTF-8, UTF-16 with its mark, else Windows-1252."""
    try:
        if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return raw.decode("utf-16")
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return raw.decode("cp1252")
    except UnicodeDecodeError:
        raise Invalid("csv_invalid", "the file is not text in UTF-8", "csv") from None


def _rows(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    if "\x00" in text:
        raise Invalid("csv_invalid", "the file holds NUL", "csv")
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, cells))
            if len(found) > MAX_ROWS + 1:
                raise TooLarge("csv_too_large", f"a file may have {MAX_ROWS} rows", "csv")
            line = reader.line_num + 1
    except csv.Error as error:
        raise Invalid("csv_invalid", f"line {reader.line_num}: {error}", "csv") from None
    if not found:
        raise Invalid("csv_empty", "the file has no header", "csv")
    return found[0][1], found[1:]


def _format_of(header: Sequence[str], reading: Reading) -> Format:
    names = {fold(name) for name in header}
    if reading.columns:
        missing = [column for column in reading.columns.values() if fold(column) not in names]
        if missing:
            raise Invalid("column_unknown", f"the file has no column {missing[0][:100]}", "columns")
        return Format("mapped", {name: (column,) for name, column in reading.columns.items()})
    for form in FORMATS:
        if form.fits(names, amount_needed=reading.amount_needed):
            return form
    raise Invalid("columns_unknown", "this is no export that is known: name its columns in `columns`", "csv")


def _order(line: int, row: Mapping[str, str], form: Format, reading: Reading) -> Order:
    currency = row.get("currency", reading.currency).upper()
    if currency not in DIGITS:
        raise Invalid("currency_unknown", "currency must be an ISO 4217 code such as EUR")
    ids = _ids(row)
    if "amount" not in row and reading.amount_needed:
        raise Invalid("amount_missing", "the row has no amount")
    amount = parse_amount(row["amount"], currency) if "amount" in row else None
    refunded = parse_amount(row["refunded"].removeprefix("-"), currency) if "refunded" in row else 0
    status = _status(row, form)
    if amount is not None and refunded > amount:
        raise Invalid("refund_exceeds_sale", "more was refunded than the order's amount")
    if refunded and refunded == amount and status is Status.PAID:
        status = Status.REFUNDED
    return Order(
        line=line,
        ids=ids,
        amount_minor=amount,
        currency=currency,
        status=status,
        refunded_minor=refunded,
        occurred_at=parse_time(row["occurred_at"], reading.timezone, american=form.american_dates)
        if "occurred_at" in row
        else None,
        coupon=_code(row["coupon"]) if "coupon" in row else None,
        click_id=row.get("click_id"),
        customer_id=row.get("customer_id"),
    )


def _code(cell: str) -> str:
    """The first promo code of the cell; exports of WooCommerce write `code:SUMMER|amount:5.00`, too."""
    first = re.split("[,;]", cell)[0].strip()
    named = re.search(r"(?:^|\|)\s*code:([^|]*)", first)
    return named[1].strip() if named else first


def _ids(row: Mapping[str, str]) -> tuple[str, ...]:
    """The order's names, those that a spreadsheet rounded left out; a `#` before one may have been left."""
    told = [row[name] for name in ("order_id", "order_name") if name in row]
    whole = [text for text in told if not _EXPONENT.fullmatch(text)]
    if told and not whole:
        raise Invalid("order_id_rounded", f"a spreadsheet rounded the order's id to {told[0][:40]}")
    names = [name for text in whole for name in (text, text.removeprefix("#")) if name]
    if not names:
        raise Invalid("order_id_missing", "the row has no order id")
    if any(len(name) > 128 or not name.isprintable() for name in names):
        raise Invalid("order_id_invalid", "an order id is 1 to 128 printable characters")
    return tuple(dict.fromkeys(names))


def _status(row: Mapping[str, str], form: Format) -> Status:
    if "cancelled_at" in row:
        return Status.CANCELLED
    if "status" not in row:
        return Status.PAID
    known = form.statuses.get(fold(row["status"]).removeprefix("wc-"))
    if known is None:
        raise Invalid("status_unknown", f"what does the status {row['status'][:40]} mean?")
    return Status(known)
