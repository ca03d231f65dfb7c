"""Payout settings and accounts, as they are told and as they are kept."""

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.domain.payout.batch import Account, Payer, Settings
from chalicelib.domain.payout.review import MAX_ACCOUNTS, accounts, settings

IBAN = "DE89 3704 0044 0532 0130 00"
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "KWD", "SEK", "NOK", "DKK", "PLN", "CZK")


def paypal(currency: str | None = None, email: str = "anna@example.com") -> Account:
    return Account("paypal", currency, {"email": email})


def told(problems: list[Invalid]) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in problems]


def test_a_payer_is_kept_as_banks_write_it() -> None:
    wanted = Settings({"EUR": 5_000}, Payer("Strauß und Söhne", IBAN, "cobadeff"))
    kept, problems = settings(wanted)
    assert problems == []
    assert kept.minimums == {"EUR": 5_000}
    assert kept.payer == Payer("Strauss und Sohne", "DE89370400440532013000", "COBADEFF")


def test_a_payer_needs_no_bic_and_settings_no_payer() -> None:
    kept, problems = settings(Settings({}, Payer("Acme", IBAN)))
    assert (kept.payer, problems) == (Payer("Acme", "DE89370400440532013000"), [])
    assert settings(Settings()) == (Settings(), [])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (
            Settings({"EURO": 1, "USD": -1}),
            [("currency_unknown", "minimums"), ("amount_invalid", "minimums.USD")],
        ),
        (Settings({}, Payer("Acme", "DE00")), [("iban_invalid", "payer.iban")]),
        (Settings({}, Payer("-Acme", IBAN)), [("name_invalid", "payer.name")]),
        (Settings({}, Payer("Acme", IBAN, "X")), [("bic_invalid", "payer.bic")]),
        (
            Settings({"EUR": -1}, Payer("", IBAN)),
            [("amount_invalid", "minimums.EUR"), ("name_invalid", "payer.name")],
        ),
    ],
)
def test_everything_that_is_wrong_with_settings_is_told(
    wanted: Settings, expected: list[tuple[str, str | None]]
) -> None:
    assert told(settings(wanted)[1]) == expected


def test_an_account_for_all_and_one_for_each_currency_are_kept() -> None:
    wanted = [paypal(), *(paypal(currency) for currency in CURRENCIES[: MAX_ACCOUNTS - 1])]
    assert accounts(wanted) == (wanted, [])
    assert told(accounts([*wanted, paypal("CZK")])[1]) == [("too_many_accounts", "accounts")]


def test_everything_that_is_wrong_with_accounts_is_told_by_its_place() -> None:
    wanted = [
        paypal(),
        Account("cheque", None, {}),
        paypal("EURO"),
        paypal("EUR"),
        paypal("EUR"),
        paypal("USD", "anna"),
    ]
    kept, problems = accounts(wanted)
    assert kept == [paypal(), paypal("EUR")]
    assert told(problems) == [
        ("method_unknown", "accounts[1].method"),
        ("currency_unknown", "accounts[2].currency"),
        ("account_repeated", "accounts[4].currency"),
        ("payout_details_invalid", "accounts[5].details.email"),
    ]
