"""A month's payouts: what is due to whom by which method, and what stays on account and why.

Worked out from the month's payable balances and from facts that are frozen when the month is closed, so
that the files come out the same whenever they are written again.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain import ids, spreadsheet
from chalicelib.domain.ledger import Key
from chalicelib.domain.money import format_major
from chalicelib.domain.period import Month

SCHEMA = "linkledger.payouts/1"

COLUMNS = ("payment_id", "partner", "currency", "payable", "minimum", "due", "method", "carried_because")


@dataclass(frozen=True, slots=True)
class Account:
    """Where a partner is paid by a method of `FORMATS`; `details` are what that method needs.

    `currency` None stands for every currency that no other account of the partner names.
    """

    method: str
    currency: str | None
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose bank account pays; `bic` where the bank asks for one."""

    name: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How a program pays: the least that is paid in a currency (minor units; others: anything), by whom."""

    minimums: Mapping[str, int] = field(default_factory=dict)
    payer: Payer | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a month's payouts depend on beside its balances; `currency` is the program's own."""

    currency: str
    settings: Settings
    accounts: Mapping[str, Sequence[Account]]


@dataclass(frozen=True, slots=True)
class Payment:
    """What one partner gets in one currency: `due_minor` is the whole payable balance, or nothing.

    `carried_because` says in one word why nothing is due.
    """

    id: str
    partner: str
    currency: str
    payable_minor: int
    minimum_minor: int
    account: Account | None
    carried_because: str

    @property
    def due_minor(self) -> int:
        """What is paid now; the rest is carried over."""
        return 0 if self.carried_because else self.payable_minor


@dataclass(frozen=True, slots=True)
class Batch:
    """The payments of a month that are due by one method, in order of partner and currency."""

    program: str
    month: Month
    facts: Facts
    payments: Sequence[Payment]


@dataclass(frozen=True, slots=True)
class File:
    """A file to be uploaded where the money is; `rows` are its payments."""

    name: str
    text: str
    rows: int


@dataclass(frozen=True, slots=True)
class Format:
    """A way of paying.

    `check` takes an account's details and gives them back as they are kept, or raises Invalid; `refuses`
    says in one word why this payment can't go this way (None: it can); `files` writes a batch.
    """

    check: Callable[[Mapping[str, str]], dict[str, str]]
    refuses: Callable[[Account, str, int, Facts], str | None]
    files: Callable[[Batch], Iterator[File]]


def payment_id(program: str, month: Month, partner: str, currency: str) -> str:
    """The id under which this payment is made and booked: 30 characters, letters, digits and a `_`."""
    return ids.derive("pay", program, str(month), partner, currency)


def worth_asking(settings: Settings, payables: Mapping[Key, int]) -> list[str]:
    """The partners whose accounts matter: something above the minimum is payable to them."""
    due = {p for (p, currency), amount in payables.items() if amount >= _least(settings, currency)}
    return sorted(due)


def payments_of(
    program: str, month: Month, payables: Mapping[Key, int], facts: Facts, formats: Mapping[str, Format]
) -> list[Payment]:
    """Every positive payable balance, with what is due of it; by partner and currency."""
    payments = []
    for (partner, currency), payable in sorted(payables.items()):
        if payable <= 0:
            continue
        account = _account_for(facts.accounts.get(partner, ()), currency)
        reason = _why_not(account, currency, payable, facts, formats)
        payments.append(
            Payment(
                payment_id(program, month, partner, currency),
                partner,
                currency,
                payable,
                facts.settings.minimums.get(currency, 0),
                account,
                reason,
            )
        )
    return payments


def lines(payments: Sequence[Payment]) -> Iterator[str]:
    """`payouts.csv`: every positive payable balance, what is due of it, or why it is carried over."""
    yield spreadsheet.line(COLUMNS)
    for payment in payments:
        amounts = (payment.payable_minor, payment.minimum_minor, payment.due_minor)
        yield spreadsheet.line(
            (
                payment.id,
                payment.partner,
                payment.currency,
                *(format_major(amount, payment.currency) for amount in amounts),
                payment.account.method if payment.account else "",
                payment.carried_because,
            )
        )


def facts_json(program: str, month: Month, facts: Facts) -> bytes:
    """`payouts.json`: the facts, as canonical JSON, like the manifest."""
    payer = facts.settings.payer
    body = {
        "schema": SCHEMA,
        "program": program,
        "month": str(month),
        "currency": facts.currency,
        "minimums": dict(facts.settings.minimums),
        "payer": {"name": payer.name, "iban": payer.iban, "bic": payer.bic} if payer else None,
        "accounts": {
            partner: [
                {"method": a.method, "currency": a.currency, "details": dict(a.details)} for a in accounts
            ]
            for partner, accounts in facts.accounts.items()
        },
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def read_facts(body: bytes) -> Facts:
    """The facts that `payouts.json` holds.

    Raises:
        ValueError, KeyError, TypeError: it was not written by `facts_json`.
    """
    read = json.loads(body)
    payer = read["payer"]
    return Facts(
        currency=read["currency"],
        settings=Settings(read["minimums"], Payer(**payer) if payer else None),
        accounts={
            partner: tuple(Account(a["method"], a["currency"], a["details"]) for a in accounts)
            for partner, accounts in read["accounts"].items()
        },
    )


def file_name(base: str, extension: str, number: int) -> str:
    """`payouts-wise.csv`, then `payouts-wise-2.csv` where the first one is full, and so on."""
    return f"payouts-{base}{'' if number == 0 else f'-{number + 1}'}.{extension}"


def _least(settings: Settings, currency: str) -> int:
    return max(settings.minimums.get(currency, 0), 1)


def _account_for(accounts: Sequence[Account], currency: str) -> Account | None:
    named = next((account for account in accounts if account.currency == currency), None)
    return named or next((account for account in accounts if account.currency is None), None)


def _why_not(
    account: Account | None, currency: str, payable: int, facts: Facts, formats: Mapping[str, Format]
) -> str:
    if payable < _least(facts.settings, currency):
        return "below_minimum"
    if account is None:
        return "no_account"
    return formats[account.method].refuses(account, currency, payable, facts) or ""
