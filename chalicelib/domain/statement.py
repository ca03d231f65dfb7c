"""A partner's statement: its own ledger lines between its opening and its closing balance."""

from collections.abc import Iterator

from chalicelib.domain import ledger, spreadsheet
from chalicelib.domain.ledger import Tally
from chalicelib.domain.money import format_major


def name(partner: str) -> str:
    """The statement's file within the month's folder."""
    return f"statements/{partner}.csv"


def opening_lines(partner: str, opened: Tally) -> Iterator[str]:
    """The header, and a line `opening` for each currency in which something was carried over."""
    yield ledger.header(ledger.ENTRY_COLUMNS)
    for (owner, currency), balance in sorted(opened.balances.items()):
        if owner == partner:
            yield _balance_line("opening", partner, currency, balance.opening)


def closing_lines(partner: str, tally: Tally) -> Iterator[str]:
    """Lines `closing` and `payable` for each currency."""
    for (owner, currency), balance in sorted(tally.balances.items()):
        if owner == partner:
            yield _balance_line("closing", partner, currency, balance.closing)
            yield _balance_line("payable", partner, currency, balance.payable)


def _balance_line(kind: str, partner: str, currency: str, amount_minor: int) -> str:
    cells = dict.fromkeys(ledger.ENTRY_COLUMNS, "")
    cells |= {"kind": kind, "partner": partner, "currency": currency}
    cells["commission_amount"] = format_major(amount_minor, currency)
    return spreadsheet.line(tuple(cells.values()))
