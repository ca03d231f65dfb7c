"""A month's files: exact, deterministic, and the same books in every one of them."""

import csv
import hashlib
import io
import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import ledger
from chalicelib.domain.journal import Account, Entry, Kind
from chalicelib.domain.ledger import Balance, Part, Tally
from chalicelib.domain.money import format_major, parse_signed_major
from chalicelib.domain.period import Month
from tests.domain.builders import SOLD, an_entry

OCTOBER = Month(2026, 10)
CURRENCIES = ["EUR", "JPY", "KWD", "USD"]
PARTNERS = ["anna", "berta-2", "carla_x", "0"]
AMOUNTS = st.integers(-(10**12), 10**12)
PENDING, PAYABLE = Account.PENDING, Account.PAYABLE

Carried = dict[tuple[str, str], tuple[int, int]]


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    kinds = st.sampled_from([(kind, account) for kind in Kind for account in Account])
    rows = draw(
        st.lists(
            st.tuples(
                kinds, AMOUNTS, st.sampled_from(PARTNERS), st.sampled_from(CURRENCIES), st.integers(-9, 40)
            ),
            max_size=25,
        )
    )
    return [
        an_entry(
            kind, amount, id=f"ent_{n}", account=account, partner=partner, currency=currency,
            booked_at=SOLD + timedelta(days=day), conversion=f"cnv_{n % 4}", first=kind is Kind.ACCRUAL,
        )
        for n, ((kind, account), amount, partner, currency, day) in enumerate(rows)
    ]  # fmt: skip


OPENINGS = st.dictionaries(
    st.tuples(st.sampled_from(PARTNERS), st.sampled_from(CURRENCIES)), st.tuples(AMOUNTS, AMOUNTS), max_size=6
)


def tallied(found: Sequence[Entry], opened: Carried | None = None) -> Tally:
    tally = Tally.opened_with(opened or {})
    for entry in found:
        tally.add(entry)
    return tally


def read(records: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(records, newline=""), strict=True))


def summary_of(tally: Tally, partner: str | None = None) -> list[dict[str, str]]:
    return read("".join(ledger.summary_lines(tally, partner)))


class TestSummary:
    """A line per partner and currency, whose columns add up."""

    def test_every_kind_has_its_column_and_payable_is_what_is_no_longer_held(self) -> None:
        found = [
            an_entry(Kind.ACCRUAL, 5_000),
            an_entry(Kind.REVERSAL, -500),
            an_entry(Kind.CORRECTION, -200),
            an_entry(Kind.RELEASE, 3_000),
            an_entry(Kind.REVERSAL, -100, account=PAYABLE),
            an_entry(Kind.CORRECTION, 50, account=PAYABLE),
            an_entry(Kind.PAYOUT, 2_000, account=PAYABLE),
        ]
        assert summary_of(tallied(found, {("anna", "EUR"): (1_000, 400)})) == [
            {
                "partner": "anna",
                "currency": "EUR",
                "opening": "10.00",
                "accrued": "50.00",
                "reversed": "-6.00",
                "corrected": "-1.50",
                "paid": "20.00",
                "closing": "32.50",
                "payable": "13.50",
            }
        ]

    @given(entries(), OPENINGS)
    def test_closing_is_opening_and_what_happened(self, found: list[Entry], opened: Carried) -> None:
        tally = tallied(found, opened)
        for row in summary_of(tally):
            cents = {
                name: parse_signed_major(row[name], row["currency"]) for name in ledger.SUMMARY_COLUMNS[2:]
            }
            earned = cents["accrued"] + cents["reversed"] + cents["corrected"]
            assert cents["closing"] == cents["opening"] + earned - cents["paid"]
            key = (row["partner"], row["currency"])
            mine = [entry for entry in found if (entry.partner, entry.currency) == key]
            assert cents["closing"] == opened.get(key, (0, 0))[0] + sum(
                -e.commission_minor if e.kind is Kind.PAYOUT else e.commission_minor
                for e in mine
                if e.kind is not Kind.RELEASE
            )

    @given(entries(), entries(), OPENINGS)
    def test_two_months_after_one_another_come_to_the_same_as_one(
        self, first: list[Entry], second: list[Entry], opened: Carried
    ) -> None:
        carried = tallied(first, opened).carried()
        assert tallied(second, carried).carried() == tallied([*first, *second], opened).carried()

    @given(entries(), entries(), OPENINGS)
    def test_pieces_that_are_put_together_come_to_the_same_as_one(
        self, first: list[Entry], second: list[Entry], opened: Carried
    ) -> None:
        merged = Tally.opened_with(opened)
        for piece in (first, second):
            merged.merge(tallied(piece))
        assert merged == tallied([*first, *second], opened)

    def test_a_balance_of_nothing_is_not_carried_and_an_offset_one_is(self) -> None:
        assert not Balance(opening=5, paid=5, payable_opening=5).carries
        assert Balance(payable_opening=5).carries
        assert Balance(opening=-5).carries

    def test_a_partner_sees_its_own_lines_only(self) -> None:
        tally = tallied([an_entry(), an_entry(partner="berta"), an_entry(currency="JPY")])
        assert [(row["partner"], row["currency"]) for row in summary_of(tally, "anna")] == [
            ("anna", "EUR"),
            ("anna", "JPY"),
        ]

    @given(entries().flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
    def test_the_order_of_entries_does_not_matter(self, both: tuple[list[Entry], list[Entry]]) -> None:
        assert summary_of(tallied(both[0])) == summary_of(tallied(both[1]))


class TestLines:
    """One line an entry, in the contract's columns."""

    def test_a_line_carries_what_it_is_about(self) -> None:
        entry = an_entry(Kind.REVERSAL, -334, sale_minor=-3_334, share="1/3", reverses="ent_0")
        (row,) = read(ledger.header(ledger.ENTRY_COLUMNS) + ledger.entry_line(entry))
        assert row == {
            "entry_id": "ent_reversal-334",
            "booked_at": "2026-10-15T12:00:00.000Z",
            "occurred_at": "2026-10-15T12:00:00.000Z",
            "kind": "reversal",
            "conversion_id": "cnv_1",
            "order_id": "1001",
            "event": "purchase",
            "partner": "anna",
            "currency": "EUR",
            "sale_amount": "-33.34",
            "commission_amount": "-3.34",
            "share": "1/3",
            "terms_version": "1",
            "reverses": "ent_0",
            "reason": "purchase; click one; 1000 bp",
        }

    @pytest.mark.parametrize(
        ("currency", "sale", "commission"),
        [("JPY", "10000", "-5"), ("KWD", "10.000", "-0.005"), ("CLF", "1.0000", "-0.0005")],
    )
    def test_amounts_have_the_currencys_own_digits(self, currency: str, sale: str, commission: str) -> None:
        line = ledger.entry_line(an_entry(commission=-5, currency=currency))
        (row,) = read(ledger.header(ledger.ENTRY_COLUMNS) + line)
        assert (row["sale_amount"], row["commission_amount"]) == (sale, commission)

    @pytest.mark.parametrize(
        "payload", ["=1+1", " =1+1", "＝1+1", "@SUM(A1)", "-1\r\n=2", "\t=1", '=HYPERLINK("x")']
    )
    @pytest.mark.parametrize("field", ["order_id", "event", "cause"])
    def test_what_others_wrote_is_no_formula_and_stays_in_its_cell(self, field: str, payload: str) -> None:
        line = ledger.entry_line(an_entry(**{field: payload}))
        (row,) = read(ledger.header(ledger.ENTRY_COLUMNS) + line)
        cell = {"order_id": row["order_id"], "event": row["event"], "cause": row["reason"]}[field]
        assert cell.startswith(f"'{payload}")

    @given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
    def test_any_order_id_is_read_back(self, order_id: str) -> None:
        line = ledger.entry_line(an_entry(order_id=order_id))
        (row,) = read(ledger.header(ledger.ENTRY_COLUMNS) + line)
        assert row["order_id"].removeprefix("'") == order_id.removeprefix("'")


class TestManifest:
    """What a month holds, in canonical JSON, chained to the month before."""

    PARTS = (Part("ledger-00000.csv", "ab" * 32, 120, 2), Part("summary.csv", "cd" * 32, 60, 1))

    def manifest(self, tally: Tally, timezone: str = "Europe/Berlin") -> bytes:
        previous = (Month(2026, 9), "ef" * 32)
        return ledger.manifest("acme", OCTOBER, timezone, "1.0", tally, self.PARTS, previous)

    def test_it_says_what_the_month_holds(self) -> None:
        found = [
            an_entry(first=True),
            an_entry(Kind.RELEASE, terms_version=2),
            an_entry(currency="JPY", terms_version=0),
        ]
        zero = dict.fromkeys(ledger.SUMMARY_COLUMNS[2:], "0.00")
        yen = dict.fromkeys(ledger.SUMMARY_COLUMNS[2:], "0")
        assert json.loads(self.manifest(tallied(found))) == {
            "schema": "linkledger.ledger/1",
            "program": "acme",
            "month": "2026-10",
            "period": {
                "start": "2026-09-30T22:00:00.000Z",
                "end": "2026-10-31T23:00:00.000Z",
                "timezone": "Europe/Berlin",
            },
            "engine": "1.0",
            "terms_versions": [1, 2],
            "counts": {"entries": 3, "conversions": 1, "kinds": {"accrual": 2, "release": 1}},
            "totals": {
                "EUR": zero | {"accrued": "10.00", "closing": "10.00", "payable": "10.00"},
                "JPY": yen | {"accrued": "1000", "closing": "1000"},
            },
            "parts": [
                {"name": "ledger-00000.csv", "sha256": "ab" * 32, "bytes": 120, "rows": 2},
                {"name": "summary.csv", "sha256": "cd" * 32, "bytes": 60, "rows": 1},
            ],
            "previous": {"month": "2026-09", "sha256": "ef" * 32},
        }

    def test_the_first_month_has_none_before_it(self) -> None:
        made = ledger.manifest("acme", OCTOBER, "UTC", "1.0", Tally(), (), None)
        assert json.loads(made)["previous"] is None

    @given(entries().flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
    def test_its_bytes_are_canonical_and_the_same_for_the_same_entries(
        self, both: tuple[list[Entry], list[Entry]]
    ) -> None:
        made = self.manifest(tallied(both[0]))
        assert made == self.manifest(tallied(both[1]))
        canonical = json.dumps(json.loads(made), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert made == canonical.encode() + b"\n"

    @given(entries(), OPENINGS)
    def test_its_totals_are_those_of_the_summary(self, found: list[Entry], opened: Carried) -> None:
        tally = tallied(found, opened)
        totals = json.loads(self.manifest(tally))["totals"]
        for currency, columns in totals.items():
            rows = [row for row in summary_of(tally) if row["currency"] == currency]
            for name, total in columns.items():
                summed = sum(parse_signed_major(row[name], currency) for row in rows)
                assert format_major(summed, currency) == total

    def test_bytes_of_a_known_month_never_change(self) -> None:
        found = [an_entry(first=True), an_entry(Kind.REVERSAL, -250), an_entry(Kind.RELEASE, 750)]
        tally = tallied(found, {("berta", "JPY"): (-500, 0)})
        opened = Tally.opened_with({("berta", "JPY"): (-500, 0)})
        texts = [
            *map(ledger.entry_line, found),
            *ledger.summary_lines(tally),
            ledger.journal_opening("acme", OCTOBER, "UTC", opened, ["EUR", "JPY"]),
            *(ledger.journal_transaction(entry, OCTOBER, "UTC") for entry in found),
            self.manifest(tally).decode(),
        ]
        digest = hashlib.sha256("".join(texts).encode()).hexdigest()
        assert digest == "b20a1fc5455ff41460791de952be49b15fd720d1d41ce7ea9f01bf8080e5323d"


class TestJournal:
    """The same books as plain-text accounting, as a real accounting program reads them."""

    def journal(self, found: Sequence[Entry], opened: Carried) -> str:
        tally = tallied(found, opened)
        currencies = sorted({currency for _, currency in tally.balances})
        head = ledger.journal_opening("acme", OCTOBER, "Europe/Berlin", Tally.opened_with(opened), currencies)
        return head + "".join(ledger.journal_transaction(e, OCTOBER, "Europe/Berlin") for e in found)

    @settings(max_examples=15, deadline=None)
    @given(entries(), OPENINGS)
    def test_its_balances_are_those_of_the_summary(self, found: list[Entry], opened: Carried) -> None:
        text = self.journal(found, opened)
        hledger(text, "check")
        balances = balances_of(text)
        tally = tallied(found, opened)
        for (partner, currency), balance in tally.balances.items():
            pending = balances.get((f"partner:{partner}:pending", currency), 0)
            payable = balances.get((f"partner:{partner}:payable", currency), 0)
            assert Fraction(balance.closing, 10 ** digits(currency)) == pending + payable
            assert Fraction(balance.payable, 10 ** digits(currency)) == payable

    def test_negative_balances_openings_and_currencies_without_decimals_are_read(self) -> None:
        found = [
            an_entry(Kind.ACCRUAL, 1_000, currency="JPY"),
            an_entry(Kind.REVERSAL, -2_500, currency="JPY", account=PAYABLE),
            an_entry(Kind.PAYOUT, 99, currency="KWD", account=PAYABLE),
            an_entry(Kind.ACCRUAL, 0),
        ]
        text = self.journal(found, {("anna", "JPY"): (-7, 0), ("berta", "EUR"): (0, 500)})
        hledger(text, "check")
        assert balances_of(text) == {
            ("partner:anna:pending", "JPY"): 993,
            ("partner:anna:payable", "JPY"): -2_500,
            ("partner:anna:payable", "KWD"): Fraction(-99, 1_000),
            ("program:acme:payouts", "KWD"): Fraction(99, 1_000),
            ("program:acme:commission", "JPY"): 1_500,
            ("partner:berta:pending", "EUR"): -5,
            ("partner:berta:payable", "EUR"): 5,
            ("equity:opening", "JPY"): 7,
        }

    def test_transactions_are_dated_within_their_month_in_the_programs_time_zone(self) -> None:
        times = [SOLD - timedelta(days=30), SOLD.replace(hour=23), SOLD + timedelta(days=30)]
        found = [an_entry(booked_at=at) for at in times]
        dates = [line.split()[0] for line in self.journal(found, {}).splitlines() if line[:4] == "2026"]
        assert dates == ["2026-10-01", "2026-10-16", "2026-10-31"]

    def test_an_empty_month_is_a_journal_too(self) -> None:
        hledger(self.journal([], {}), "check")


def hledger(journal: str, *arguments: str) -> str:
    """What the accounting program says of the journal."""
    program = shutil.which("hledger")
    if program is None:
        pytest.fail("these tests read journals with hledger: apt-get install hledger (.ci/run does)")
    command = [program, "--file", "-", *arguments]
    done = subprocess.run(command, input=journal, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def balances_of(journal: str) -> dict[tuple[str, str], Fraction]:
    """Every account's balance by currency, where there is any."""
    shown = hledger(journal, "balance", "--flat", "--no-total", "--layout=bare", "--output-format=csv")
    found = {(row["account"], row["commodity"]): Fraction(row["balance"]) for row in read(shown)}
    return {key: amount for key, amount in found.items() if amount}


def digits(currency: str) -> int:
    return len(format_major(0, currency).partition(".")[2])
