"""PayPal's file for batch payouts on the web.

One line a payment without a header: recipient, amount, currency, customer id (at most 30 characters), note,
wallet; one currency a file, at most 5,000 lines (PayPal, "Use Web UI": https://docs.paypal.ai/send/use-web-ui).
Currencies: https://developer.paypal.com/docs/api/reference/currency-codes/.
"""

import re
from collections.abc import Iterator, Mapping

from chalicelib.domain import spreadsheet
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import format_major
from chalicelib.domain.payout.batch import Account, Batch, Facts, File, Format, file_name

MAX_LINES = 5_000

_CODES = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"
CURRENCIES = frozenset(_CODES.split())
WITHOUT_DECIMALS = frozenset({"HUF", "TWD"})
"""Currencies that ISO 4217 gives two digits, of which PayPal takes none."""

EMAIL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,186}[A-Za-z0-9])?",
    re.ASCII,
)
"""Begins with a letter or digit, so that no spreadsheet takes it for a formula."""


def check(details: Mapping[str, str]) -> dict[str, str]:
    """The details themselves: an `email`.

    Raises:
        Invalid: `payout_details_invalid`.
    """
    if set(details) != {"email"} or not EMAIL.fullmatch(details["email"]):
        raise Invalid("payout_details_invalid", "paypal takes an email", "details.email")
    return dict(details)


def refuses(_account: Account, currency: str, amount_minor: int, _facts: Facts) -> str | None:
    """Why PayPal can't carry this out; None where it can."""
    if currency not in CURRENCIES:
        return "currency_unsupported"
    if currency in WITHOUT_DECIMALS and amount_minor % 100:
        return "amount_unsupported"
    return None


def files(batch: Batch) -> Iterator[File]:
    """`payouts-paypal.csv` in the program's currency, `payouts-paypal-USD.csv` in another."""
    for currency in sorted({payment.currency for payment in batch.payments}):
        base = "paypal" if currency == batch.facts.currency else f"paypal-{currency}"
        rows = [
            spreadsheet.line(
                (
                    payment.account.details["email"],
                    _amount(payment.due_minor, currency),
                    currency,
                    payment.id,
                    f"{batch.program} {batch.month}",
                    "PAYPAL",
                )
            )
            for payment in batch.payments
            if payment.account and payment.currency == currency
        ]
        for number, start in enumerate(range(0, len(rows), MAX_LINES)):
            part = rows[start : start + MAX_LINES]
            yield File(file_name(base, "csv", number), "".join(part), len(part))


def _amount(amount_minor: int, currency: str) -> str:
    text = format_major(amount_minor, currency)
    return text.partition(".")[0] if currency in WITHOUT_DECIMALS else text


FORMAT = Format(check, refuses, files)
