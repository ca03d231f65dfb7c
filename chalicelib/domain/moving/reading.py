"""Reading a vendor's file: strictly where money is told, and with each row's line where it can't be read."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from chalicelib.domain.cells import clean, parse_amount, parse_time
from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.errors import Invalid
from chalicelib.domain.moving.source import NAMES, PARTNER, Sheet, Source, fold
from chalicelib.domain.orders import check_width, read_rows
from chalicelib.domain.partner import MAX_USES


@dataclass(frozen=True, slots=True)
class Told:
    """What a row tells; `line` is its line in `file`, 1 being the header. An empty text is nothing."""

    file: str
    line: int
    partner: str = ""
    email: str = ""
    name: str = ""
    code: str = ""
    destination: str = ""
    coupon: str = ""
    customer: str = ""
    since: datetime | None = None
    balance_minor: int = 0
    currency: str = ""
    max_uses: int | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that can't be read, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class File:
    """What a file tells: of which kind it is, and which of its columns are left aside."""

    name: str
    kind: str
    rows: tuple[Told, ...]
    unread: tuple[Unread, ...]
    ignored: tuple[str, ...]


def read(
    source: Source, files: Mapping[str, bytes], currency: str, timezone: str, columns: Mapping[str, str]
) -> tuple[File, ...]:
    """The rows of a vendor's files, which are given by name.

    Args:
        currency: of balances where a file names none.
        timezone: of times without one.
        columns: columns that the caller named, under names of ours; they stand before the vendor's own, in
            each of the files that has them.

    Raises:
        Invalid: `csv_invalid`, `csv_empty`, `name_unknown`, `column_unknown`, `columns_unknown`.
        TooLarge: `csv_too_large`.
    """
    sheets = {name: read_rows(raw) for name, raw in files.items()}
    _check_named(columns, {fold(column) for header, _ in sheets.values() for column in header})
    return tuple(
        _read(source, name, header, rows, currency, timezone, columns)
        for name, (header, rows) in sheets.items()
    )


def _read(
    source: Source,
    name: str,
    header: Sequence[str],
    rows: Sequence[tuple[int, Sequence[str]]],
    currency: str,
    timezone: str,
    columns: Mapping[str, str],
) -> File:
    sheet = _sheet(source, name, header, columns)
    places = sheet.places(header)
    told: list[Told] = []
    unread: list[Unread] = []
    for line, cells in rows:
        row = {key: clean(cells[at]) for key, at in places.items() if at < len(cells)}
        try:
            check_width(header, cells)
            told.append(_told(source, name, line, row, currency, timezone))
        except Invalid as problem:
            unread.append(Unread(name, line, problem.message))
    ignored = tuple(column for at, column in enumerate(header) if at not in places.values())
    return File(name, sheet.kind, tuple(told), tuple(unread), ignored)


def _check_named(columns: Mapping[str, str], present: Collection[str]) -> None:
    for name, column in columns.items():
        if name not in NAMES:
            raise Invalid("name_unknown", f"{name!r} is none of {', '.join(NAMES)}", "columns")
        if fold(column) not in present:
            raise Invalid("column_unknown", f"no file has a column {column[:100]!r}", "columns")


def _sheet(source: Source, file: str, header: Sequence[str], columns: Mapping[str, str]) -> Sheet:
    """The kind of file that has this header; what the caller named completes it, or makes one of its own."""
    fitting = next((sheet for sheet in source.sheets if sheet.fits(header)), None)
    present = {fold(column) for column in header}
    named = {name: (column,) for name, column in columns.items() if fold(column) in present}
    if fitting is not None and not named:
        return fitting
    sheet = Sheet("mapped", {**(fitting.columns if fitting else {}), **named}, (PARTNER,))
    if not sheet.fits(header):
        raise _unknown(source, file, header)
    return sheet


def _unknown(source: Source, file: str, header: Sequence[str]) -> Invalid:
    expected = "; ".join(
        f"{sheet.kind}: " + ", ".join(columns[0] for columns in sheet.columns.values())
        for sheet in source.sheets
    )
    found = ", ".join(header)[:300]
    return Invalid(
        "columns_unknown",
        f"{file} is no known file of {source.name}: it has {found}; known are {expected}. "
        'Which column is which is said by --columns email="...", and so on',
    )


def _told(source: Source, file: str, line: int, row: Mapping[str, str], currency: str, timezone: str) -> Told:
    partner, email = row.get("partner", ""), row.get("email", "")
    if not partner and not email:
        raise Invalid("partner_missing", "the row names no partner, neither by id nor by e-mail address")
    parts = (row.get("first_name", ""), row.get("last_name", ""))
    money = row.get("currency", "").upper() or currency
    if money not in DIGITS:
        raise Invalid("currency_unknown", "currency must be an ISO 4217 code such as EUR")
    return Told(
        file,
        line,
        partner,
        email,
        row.get("name", "") or " ".join(part for part in parts if part),
        row.get("code", "") or _code_of(source, row.get("link", "")),
        row.get("destination", ""),
        row.get("coupon", ""),
        row.get("customer", ""),
        _since(row.get("since", ""), timezone),
        _balance(row.get("balance", ""), money),
        money,
        _limit(row.get("max_uses", "")),
    )


def _code_of(source: Source, link: str) -> str:
    """What names the partner in an address: one of the vendor's parameters, else the end of the path."""
    if not link:
        return ""
    try:
        parts = urlsplit(link if "//" in link else f"//{link}")
    except ValueError:
        raise Invalid("link_invalid", f"{link[:100]!r} is no address") from None
    query = parse_qs(parts.query)
    found = next((query[name][0] for name in source.parameters if name in query), "")
    return found or parts.path.rstrip("/").rsplit("/", 1)[-1]


def _since(text: str, timezone: str) -> datetime | None:
    """A time as spreadsheets write it, or as an API counts it: seconds or milliseconds since 1970."""
    if re.fullmatch(r"[0-9]{10}(?:[0-9]{3})?", text, re.ASCII):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    return parse_time(text, timezone, american=True) if text else None


def _limit(text: str) -> int | None:
    if text and not re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII):
        raise Invalid("max_uses_invalid", f"max_uses must be from 1 to {MAX_USES}")
    return int(text) if text else None


def _balance(text: str, currency: str) -> int:
    """Minor units: what is owed, or below 0 what was paid too much."""
    if not text:
        return 0
    bare = text.strip()
    return -parse_amount(bare[1:], currency) if bare.startswith("-") else parse_amount(bare, currency)
