"""Wise's batch file for saved recipients and for recipients known by e-mail.

The columns of the template that Wise offers for download; `amountCurrency` `target` fixes what the
recipient gets; at most 1,000 transfers a file (Wise, "How do I fill in my batch template?":
https://wise.com/help/articles/2663302/, and https://wise.com/us/blog/everything-about-batch-payments).
"""

import re
from collections.abc import Iterator, Mapping

from chalicelib.domain import spreadsheet
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import format_major
from chalicelib.domain.payout.batch import Account, Batch, Facts, File, Format, Payment, file_name
from chalicelib.domain.payout.paypal import EMAIL

MAX_LINES = 1_000

COLUMNS = (
    "recipientId",
    "name",
    "recipientEmail",
    "recipientDetail",
    "sourceCurrency",
    "targetCurrency",
    "amountCurrency",
    "amount",
    "paymentReference",
    "receiverType",
)

_RECIPIENT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9]{1,20}", re.ASCII)
_TYPES = {"person": "PERSON", "business": "INSTITUTION"}


def check(details: Mapping[str, str]) -> dict[str, str]:
    """The details themselves: `name`, `recipient_id` or `email` or both, `type` (person or business).

    Raises:
        Invalid: `payout_details_invalid`.
    """
    if not {"name"} < set(details) <= {"name", "recipient_id", "email", "type"} or set(details) == {
        "name",
        "type",
    }:
        raise _invalid("wise takes a name with a recipient_id or an email, and a type", "details")
    name = details["name"]
    if not 1 <= len(name) <= 140 or not name.isprintable() or spreadsheet.safe(name) != name:
        raise _invalid("name is 1 to 140 printable characters", "details.name")
    if "recipient_id" in details and not _RECIPIENT.fullmatch(details["recipient_id"]):
        raise _invalid("recipient_id is the recipientId of Wise's own template", "details.recipient_id")
    if "email" in details and not EMAIL.fullmatch(details["email"]):
        raise _invalid("email must be an address such as anna@example.com", "details.email")
    if details.get("type", "person") not in _TYPES:
        raise _invalid("type is person or business", "details.type")
    return dict(details)


def refuses(_account: Account, _currency: str, _amount_minor: int, _facts: Facts) -> str | None:
    """Wise says itself, at the upload, which routes it does not serve."""
    return None


def files(batch: Batch) -> Iterator[File]:
    """`payouts-wise.csv`, all currencies together: Wise converts from the program's own."""
    rows = [_row(batch, payment, payment.account) for payment in batch.payments if payment.account]
    for number, start in enumerate(range(0, len(rows), MAX_LINES)):
        part = rows[start : start + MAX_LINES]
        yield File(file_name("wise", "csv", number), "".join([spreadsheet.line(COLUMNS), *part]), len(part))


def _row(batch: Batch, payment: Payment, account: Account) -> str:
    return spreadsheet.line(
        (
            account.details.get("recipient_id", ""),
            account.details["name"],
            account.details.get("email", ""),
            "",
            batch.facts.currency,
            payment.currency,
            "target",
            format_major(payment.due_minor, payment.currency),
            str(batch.month),
            _TYPES[account.details.get("type", "person")],
        )
    )


def _invalid(message: str, field: str) -> Invalid:
    return Invalid("payout_details_invalid", message, field)


FORMAT = Format(check, refuses, files)
