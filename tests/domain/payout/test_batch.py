"""What a month's batch pays, and what it carries over."""

import csv
import io
import json
from typing import Any

import pytest

from chalicelib.domain.payout import FORMATS, batch
from chalicelib.domain.payout.batch import Account, Facts, Payer, Settings
from chalicelib.domain.period import Month

OCTOBER = Month(2026, 10)
PAYER = Payer("Acme", "NL91ABNA0417164300")
PAYPAL = Account("paypal", None, {"email": "anna@example.com"})
SEPA = Account("sepa", "EUR", {"name": "Anna", "iban": "DE89370400440532013000"})


def some_facts(
    *accounts: Account, minimums: dict[str, int] | None = None, payer: Payer | None = PAYER
) -> Facts:
    return Facts("EUR", Settings(minimums or {}, payer), {"anna": accounts} if accounts else {})


def the_payment(currency: str, payable: int, facts: Facts) -> batch.Payment:
    (payment,) = batch.payments_of("acme", OCTOBER, {("anna", currency): payable}, facts, FORMATS)
    return payment


def test_the_whole_payable_balance_is_due_from_the_minimum_on() -> None:
    facts = some_facts(PAYPAL, minimums={"EUR": 1_000})
    assert the_payment("EUR", 1_000, facts).due_minor == 1_000
    below = the_payment("EUR", 999, facts)
    assert (below.due_minor, below.carried_because) == (0, "below_minimum")
    assert the_payment("USD", 1, facts).due_minor == 1


def test_balances_of_nothing_and_debts_are_no_payments() -> None:
    payables = {("anna", "EUR"): 0, ("ben", "EUR"): -5}
    assert batch.payments_of("acme", OCTOBER, payables, some_facts(PAYPAL), FORMATS) == []


def test_the_account_of_the_currency_goes_before_the_one_for_all() -> None:
    facts = some_facts(PAYPAL, SEPA)
    assert the_payment("EUR", 5, facts).account == SEPA
    assert the_payment("USD", 5, facts).account == PAYPAL


@pytest.mark.parametrize(
    ("facts", "currency", "payable", "reason"),
    [
        (some_facts(), "EUR", 5, "no_account"),
        (some_facts(SEPA), "USD", 5, "no_account"),
        (some_facts(Account("sepa", None, SEPA.details)), "USD", 5, "currency_unsupported"),
        (some_facts(SEPA, payer=None), "EUR", 5, "payer_missing"),
        (some_facts(SEPA), "EUR", 100_000_000_000, "amount_unsupported"),
        (some_facts(PAYPAL), "KWD", 5, "currency_unsupported"),
        (some_facts(PAYPAL), "HUF", 150, "amount_unsupported"),
    ],
)
def test_what_cannot_be_paid_is_carried_over_with_the_reason(
    facts: Facts, currency: str, payable: int, reason: str
) -> None:
    payment = the_payment(currency, payable, facts)
    assert (payment.due_minor, payment.carried_because) == (0, reason)


def test_the_list_shows_every_balance_and_why_nothing_is_due() -> None:
    payables = {("anna", "EUR"): 1_050, ("ben", "JPY"): 70}
    payments = batch.payments_of("acme", OCTOBER, payables, some_facts(PAYPAL), FORMATS)
    rows = list(csv.DictReader(io.StringIO("".join(batch.lines(payments)), newline="")))
    assert [tuple(row.values())[1:] for row in rows] == [
        ("anna", "EUR", "10.50", "0.00", "10.50", "paypal", ""),
        ("ben", "JPY", "70", "0", "0", "", "no_account"),
    ]


def test_a_payments_id_is_its_own_for_ever_and_fits_every_bank() -> None:
    made = batch.payment_id("acme", OCTOBER, "anna", "EUR")
    others = {
        batch.payment_id("acme", OCTOBER, "anna", "USD"),
        batch.payment_id("acme", OCTOBER.next(), "anna", "EUR"),
        batch.payment_id("acme", OCTOBER, "ben", "EUR"),
    }
    assert made == batch.payment_id("acme", OCTOBER, "anna", "EUR")
    assert made not in others
    assert len(made) == 30


@pytest.mark.parametrize("payer", [None, PAYER, Payer("Acme", "NL91ABNA0417164300", "ABNANL2A")])
def test_facts_are_read_back_as_they_were_written(payer: Payer | None) -> None:
    facts = some_facts(PAYPAL, SEPA, minimums={"USD": 1, "EUR": 2}, payer=payer)
    body = batch.facts_json("acme", OCTOBER, facts)
    assert batch.facts_json("acme", OCTOBER, batch.read_facts(body)) == body
    assert list(json.loads(body)["minimums"]) == ["EUR", "USD"]


def test_names_are_kept_as_they_are_written() -> None:
    account = Account("wise", None, {"name": "Zoë Müller", "email": "zoe@example.com"})
    assert "Zoë Müller".encode() in batch.facts_json("acme", OCTOBER, some_facts(account))


def test_only_partners_with_something_due_are_asked_for() -> None:
    payables = {("anna", "EUR"): 499, ("ben", "EUR"): 500, ("cleo", "USD"): 1}
    assert batch.worth_asking(Settings({"EUR": 500}), payables) == ["ben", "cleo"]


def test_every_way_of_paying_offers_the_same() -> None:
    details: dict[str, dict[str, Any]] = {
        "paypal": {"email": "anna@example.com"},
        "wise": {"name": "Anna", "email": "anna@example.com"},
        "sepa": {"name": "Anna", "iban": "DE89370400440532013000"},
    }
    assert set(details) == set(FORMATS)
    for name, way in FORMATS.items():
        assert way.check(details[name]) == details[name]
