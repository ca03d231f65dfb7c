"""A partner's statement: its lines between its balances, and nobody else's."""

import csv
import io

from chalicelib.domain import ledger, statement
from chalicelib.domain.journal import Kind
from chalicelib.domain.ledger import Tally
from tests.domain.builders import an_entry


def kinds_and_amounts(text: str) -> list[tuple[str, str, str, str]]:
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert all(None not in row and None not in row.values() for row in rows)
    return [(row["kind"], row["partner"], row["currency"], row["commission_amount"]) for row in rows]


def test_a_statement_leads_from_its_opening_to_its_closing_balance() -> None:
    carried = {("anna", "EUR"): (500, 0), ("anna", "JPY"): (-7, -7), ("berta", "EUR"): (900, 900)}
    opened, tally = Tally.opened_with(carried), Tally.opened_with(carried)
    found = [an_entry(Kind.ACCRUAL, 1_000), an_entry(Kind.RELEASE, 1_000)]
    for entry in [*found, an_entry(partner="berta")]:
        tally.add(entry)
    parts = [
        *statement.opening_lines("anna", opened),
        *map(ledger.entry_line, found),
        *statement.closing_lines("anna", tally),
    ]
    assert kinds_and_amounts("".join(parts)) == [
        ("opening", "anna", "EUR", "5.00"),
        ("opening", "anna", "JPY", "-7"),
        ("accrual", "anna", "EUR", "10.00"),
        ("release", "anna", "EUR", "10.00"),
        ("closing", "anna", "EUR", "15.00"),
        ("payable", "anna", "EUR", "10.00"),
        ("closing", "anna", "JPY", "-7"),
        ("payable", "anna", "JPY", "-7"),
    ]


def test_a_statement_of_nothing_is_its_header() -> None:
    parts = [*statement.opening_lines("anna", Tally()), *statement.closing_lines("anna", Tally())]
    assert parts == [ledger.header(ledger.ENTRY_COLUMNS)]


def test_its_file_is_named_after_the_partner() -> None:
    assert statement.name("anna") == "statements/anna.csv"
