"""Payout settings and accounts, checked and brought into the form in which they are kept."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import check_amount, check_currency
from chalicelib.domain.payout import FORMATS
from chalicelib.domain.payout.batch import Account, Payer, Settings
from chalicelib.domain.payout.iban import check_bic, check_iban, check_name

MAX_ACCOUNTS = 10


def settings(wanted: Settings) -> tuple[Settings, list[Invalid]]:
    """The settings as they are kept, and everything that is wrong with them."""
    problems: list[Invalid] = []
    for currency, amount in wanted.minimums.items():
        try:
            check_currency(currency, "minimums")
            check_amount(amount, f"minimums.{currency}")
        except Invalid as problem:
            problems.append(problem)
    try:
        return replace(wanted, payer=_payer(wanted.payer) if wanted.payer else None), problems
    except Invalid as problem:
        return wanted, [*problems, problem]


def accounts(wanted: Sequence[Account]) -> tuple[list[Account], list[Invalid]]:
    """The accounts as they are kept, and everything that is wrong with them."""
    if len(wanted) > MAX_ACCOUNTS:
        return [], [Invalid("too_many_accounts", f"a partner has at most {MAX_ACCOUNTS}", "accounts")]
    kept: list[Account] = []
    problems: list[Invalid] = []
    for position, account in enumerate(wanted):
        try:
            kept.append(_account(account, kept))
        except Invalid as problem:
            field = f"accounts[{position}].{problem.field}"
            problems.append(Invalid(problem.code, problem.message, field))
    return kept, problems


def _account(account: Account, others: Sequence[Account]) -> Account:
    if account.method not in FORMATS:
        raise Invalid("method_unknown", f"must be one of {', '.join(FORMATS)}", "method")
    if account.currency is not None:
        check_currency(account.currency)
    if any(other.currency == account.currency for other in others):
        raise Invalid("account_repeated", "another account is for this currency", "currency")
    return replace(account, details=FORMATS[account.method].check(account.details))


def _payer(payer: Payer) -> Payer:
    return Payer(
        check_name(payer.name, "payer.name"),
        check_iban(payer.iban, "payer.iban"),
        check_bic(payer.bic, "payer.bic") if payer.bic is not None else None,
    )
