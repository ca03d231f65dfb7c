"""A partner's statement as a page: the same facts as its CSV, to be read and printed; no script in it.

Written in pieces, so that a long statement is never held as a whole. The policy in its head lets nothing
but its own style through, should the page ever be shown where others' content is.
"""

import base64
import hashlib
from collections.abc import Iterator
from html import escape

from chalicelib.domain.journal import Entry
from chalicelib.domain.ledger import SUMMARY_COLUMNS, Balance, Tally
from chalicelib.domain.money import format_major
from chalicelib.domain.period import Month, format_instant

_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;color:#111;background:#fff;max-width:72em;margin:2em auto;"
    "padding:0 1em}table{border-collapse:collapse;width:100%;margin:1em 0 2em}"
    "caption{text-align:left;font-weight:600;padding:.4em 0}"
    "th,td{border-bottom:1px solid #bbb;padding:.3em .5em;text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "@media print{body{font-size:9pt;margin:0;max-width:none}thead{display:table-header-group}"
    "tr{break-inside:avoid}@page{size:A4 landscape;margin:12mm}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_ENTRY_HEADS = (
    "Booked",
    "Occurred",
    "Kind",
    "Order",
    "Event",
    "Sale",
    "Commission",
    "Share",
    "Reason",
    "Entry",
)
_NUMERIC = frozenset({"Sale", "Commission"})


def name(partner: str) -> str:
    """The page's file within the month's folder."""
    return f"statements/{partner}.html"


def head(program: str, month: Month, partner: str, tally: Tally) -> str:
    """All that stands above the entries: who, when, and the balances by currency."""
    title = f"Statement {month} of {escape(partner)} in {escape(program)}"
    balances = "".join(
        _balance_row(currency, balance)
        for (owner, currency), balance in sorted(tally.balances.items())
        if owner == partner
    )
    balance_heads = "".join(_heading(text.capitalize(), numeric=True) for text in SUMMARY_COLUMNS[2:])
    entry_heads = "".join(_heading(text, numeric=text in _NUMERIC) for text in _ENTRY_HEADS)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n<body><main>\n<h1>{title}</h1>\n"
        f'<table><caption>Balances</caption>\n<thead><tr><th scope="col">Currency</th>{balance_heads}'
        f"</tr></thead>\n<tbody>\n{balances}</tbody></table>\n"
        f"<table><caption>Entries, in the order of booking</caption>\n<thead><tr>{entry_heads}"
        "</tr></thead>\n<tbody>\n"
    )


def row(entry: Entry) -> str:
    """The entry as a row of the table."""
    cells = (
        (format_instant(entry.booked_at), False),
        (format_instant(entry.occurred_at), False),
        (entry.kind, False),
        (entry.order_id, False),
        (entry.event, False),
        (f"{format_major(entry.sale_minor, entry.currency)} {entry.currency}", True),
        (f"{format_major(entry.commission_minor, entry.currency)} {entry.currency}", True),
        (entry.share, False),
        (entry.reason, False),
        (entry.id, False),
    )
    return f"<tr>{''.join(_cell(text, numeric) for text, numeric in cells)}</tr>\n"


def tail() -> str:
    """What closes the page."""
    return "</tbody></table>\n</main></body></html>\n"


def _balance_row(currency: str, balance: Balance) -> str:
    amounts: Iterator[int] = (getattr(balance, column) for column in SUMMARY_COLUMNS[2:])
    cells = "".join(_cell(format_major(amount, currency), numeric=True) for amount in amounts)
    return f'<tr><th scope="row">{currency}</th>{cells}</tr>\n'


def _heading(text: str, *, numeric: bool) -> str:
    return f'<th scope="col"{_class(numeric)}>{text}</th>'


def _cell(text: str, numeric: bool) -> str:
    return f"<td{_class(numeric)}>{escape(text)}</td>"


def _class(numeric: bool) -> str:
    return ' class="n"' if numeric else ""
