"""A shard's piece of a month: what it writes, and what reads it back."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.domain import ledger
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.journal import Entry, Kind
from chalicelib.domain.period import Month
from chalicelib.services import pieces
from chalicelib.services.pacing import OutOfTime, always, at_most
from chalicelib.services.pieces import JOURNAL, PAGES, STATEMENTS, Held, Reading
from chalicelib.services.spooling import Growing
from tests.domain.builders import a_program, an_entry

OCTOBER = Month(2026, 10)


def some_entries() -> list[Entry]:
    return [
        an_entry(Kind.ACCRUAL, 1_000, id="ent_1", partner="ben", first=True),
        an_entry(Kind.ACCRUAL, 500, id="ent_2", partner="anna"),
        an_entry(Kind.RELEASE, 1_000, id="ent_3", partner="ben"),
    ]


def write(
    folder: Path,
    has_time: Callable[[], bool] = always,
    entries: list[Entry] | None = None,
    by_month: bool = False,
) -> Held:
    told = some_entries() if entries is None else entries
    return pieces.write(folder, 7, told, a_program(), OCTOBER, has_time, by_month=by_month)


def read(held: Held, folder: Path, bundle: str, *names: str) -> list[tuple[bytes, int]]:
    """What the bundle has under these names, and how many records that are."""
    reading, found = Reading(held, bundle), []
    for number, name in enumerate(names):
        into = Growing(folder / f"read-{number}")
        reading.copy(name, into)
        part = into.part(name)
        found.append(((folder / f"read-{number}").read_bytes(), part.rows))
    reading.finish()
    return found


def test_its_part_of_the_ledger_has_a_header_and_a_row_for_each_entry(tmp_path: Path) -> None:
    part = write(tmp_path).piece.ledger
    assert (part.name, part.rows) == ("ledger-00007.csv", 3)
    rows = (tmp_path / part.name).read_bytes()
    lines = [ledger.entry_line(entry) for entry in some_entries()]
    assert rows.decode() == ledger.header(ledger.ENTRY_COLUMNS) + "".join(lines)
    assert part.bytes == len(rows)


def test_each_partners_share_is_read_back_by_name(tmp_path: Path) -> None:
    held, (one, two, three) = write(tmp_path), some_entries()
    of_ben = (ledger.entry_line(one) + ledger.entry_line(three)).encode()
    of_anna = ledger.entry_line(two).encode()
    assert read(held, tmp_path, STATEMENTS, "anna", "ben") == [(of_anna, 1), (of_ben, 2)]
    assert [records for _, records in read(held, tmp_path, PAGES, "anna", "ben")] == [1, 2]
    ((journal, records),) = read(held, tmp_path, JOURNAL, JOURNAL)
    assert (journal.count(b"ent_"), records) == (3, 3)


def test_who_has_nothing_in_it_gets_nothing_and_moves_nobody(tmp_path: Path) -> None:
    held = write(tmp_path)
    found = read(held, tmp_path, STATEMENTS, "abe", "anna", "bea", "ben", "zoe")
    assert [records for _, records in found] == [0, 1, 0, 2, 0]
    assert [body for body, records in found if not records] == [b""] * 3


def test_it_adds_up_and_knows_months_only_where_the_terms_ask(tmp_path: Path) -> None:
    plain = write(tmp_path).piece
    assert {key: balance.accrued for key, balance in plain.tally.balances.items()} == {
        ("ben", "EUR"): 1_000,
        ("anna", "EUR"): 500,
    }
    assert (plain.tally.conversions, plain.monthly.sales) == (1, {})
    assert set(write(tmp_path, by_month=True).piece.monthly.sales) == {
        (OCTOBER, "ben", "EUR"),
        (OCTOBER, "anna", "EUR"),
    }


def test_the_clock_is_looked_at_every_so_many_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LOOK_EVERY", 2)
    assert write(tmp_path, at_most(2)).piece.ledger.rows == 3
    with pytest.raises(OutOfTime):
        write(tmp_path, at_most(1))
    with pytest.raises(OutOfTime):
        write(tmp_path, at_most(0))
    assert write(tmp_path, at_most(0), entries=[]).piece.ledger.rows == 0


@pytest.mark.parametrize("spoil", [lambda body: body[:-1], lambda body: body[:-2] + b"!\n", lambda body: b""])
def test_a_piece_that_is_not_what_was_written_is_never_used(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    held = write(tmp_path)
    with held.open(STATEMENTS) as kept:
        body = kept.read()
    with pytest.raises(Unavailable) as refused:
        read(replace(held, open=lambda name: io.BytesIO(spoil(body))), tmp_path, STATEMENTS, "anna", "ben")
    assert refused.value.code == "piece_damaged"


def test_a_name_that_nobody_asked_for_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        read(write(tmp_path), tmp_path, STATEMENTS, "anna")
