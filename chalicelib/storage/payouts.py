"""How partners are paid (settings and accounts), and what was paid of published months.

A payment is booked in one transaction with its mark, so that it is booked once, and with the record of what
its partner was paid in its currency, so that two batches never pay the same balance twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.audit import Change
from chalicelib.domain.booking import Due
from chalicelib.domain.journal import Books, Entry
from chalicelib.domain.payout.batch import Account, Payer
from chalicelib.domain.payout.batch import Settings as PayoutSettings
from chalicelib.domain.period import Month, format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage import journal
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import ABSENT, PRESENT, equals
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody said that a published month's batch was paid, by this method or (None) by all of them.

    While it is `open` some of it is still to be booked, or conversions to be told that they are paid.
    """

    id: str
    month: Month
    method: str | None
    actor: str
    received_at: datetime
    reached: str = ""
    open: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A payment that is settled: by which request, with which entry (None: it had been paid before)."""

    payment: str
    partner: str
    currency: str
    amount_minor: int
    request: str
    entry: str | None
    after: Month | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a partner was paid in a currency: through which batch, and how much in which month's ledger."""

    version: int = 0
    through: Month | None = None
    by_month: dict[str, int] = field(default_factory=dict)

    def since(self, month: Month) -> int:
        """Paid in ledgers after this month's, in minor units."""
        return sum(amount for name, amount in self.by_month.items() if name > str(month))


class Payouts:
    """Settings, accounts, requests and marks."""

    def __init__(self, settings: Settings) -> None:
        self._catalogue = Table(settings, "catalogue")
        self._trail = Trail(settings)
        self._table = Table(settings, "journal")
        self._journal = journal.Journal(settings)

    def settings(self, program: str) -> PayoutSettings:
        """How the program pays."""
        item = self._catalogue.find(f"program#{program}", "payouts") or {}
        payer = item.get("payer")
        return PayoutSettings(
            {currency: int(amount) for currency, amount in item.get("minimums", {}).items()},
            Payer(payer["name"], payer["iban"], payer.get("bic")) if payer else None,
        )

    def put_settings(self, program: str, settings: PayoutSettings) -> None:
        """Store how the program pays from now on."""
        payer = settings.payer
        kept = compact({"name": payer.name, "iban": payer.iban, "bic": payer.bic}) if payer else None
        item: Item = {"minimums": dict(settings.minimums), "payer": kept}
        self._put(f"program#{program}", item, "payout_settings", program, program)

    def accounts(self, partner: str) -> tuple[Account, ...]:
        """Where the partner is paid."""
        item = self._catalogue.find(f"partner#{partner}", "payouts") or {}
        return tuple(Account(a["method"], a.get("currency"), a["details"]) for a in item.get("accounts", []))

    def put_accounts(self, partner: str, accounts: Sequence[Account]) -> None:
        """Store where the partner is paid from now on."""
        kept = [
            compact({"method": a.method, "currency": a.currency, "details": dict(a.details)})
            for a in accounts
        ]
        self._put(f"partner#{partner}", {"accounts": kept}, "payout_accounts", partner, None)

    def _put(self, pk: str, item: Item, what: str, name: str, program: str | None) -> None:
        known = self._catalogue.find(pk, "payouts")
        before = {k: v for k, v in known.items() if k not in {"pk", "sk"}} if known else None
        stored = self._catalogue.update_action(pk, "payouts", item)
        transact([stored, self._trail.action(Change(what, name, program, before, compact(item)))])

    def add_request_once(self, program: str, request: Request) -> bool:
        """Keep the request, and that it is open; False where there is one with its id."""
        attributes = compact(
            {
                "month": str(request.month),
                "method": request.method,
                "actor": request.actor,
                "received_at": format_instant(request.received_at),
            }
        )
        key = {"pk": _partition(program), "sk": f"request#{request.id}"}
        put = self._table.put_action(key | {"open": True} | attributes, ABSENT)
        change = Change("payout", request.id, program, None, attributes)
        try:
            transact([put, self._trail.action(change)])
        except ConditionFailed:
            return False
        return True

    def find_request(self, program: str, request_id: str) -> Request | None:
        """The request, or None."""
        item = self._table.find(_partition(program), f"request#{request_id}")
        return _read_request(item) if item else None

    def requests_page(
        self, program: str, limit: int, start: Item | None
    ) -> tuple[list[Request], Item | None]:
        """Some requests in order of their ids, and the key to go on from."""
        page = self._table.page(
            "pk",
            "sk",
            _partition(program),
            prefix="request#",
            consistent=True,
            limit=limit,
            start=start,
        )
        return [_read_request(item) for item in page.items], page.next_key

    def open_requests(self, program: str) -> list[Request]:
        """Requests that are not worked off yet."""
        items = self._table.query(_partition(program), prefix="request#")
        return [_read_request(item) for item in items if item.get("open")]

    def reach(self, program: str, request_id: str, reached: str | None) -> None:
        """Note how far the request is worked off; None: to its end."""
        changes: dict[str, object] = (
            {"open": None, "reached": None} if reached is None else {"reached": reached}
        )
        self._table.update(_partition(program), f"request#{request_id}", changes, PRESENT)

    def marks(self, program: str, month: Month) -> Iterator[Mark]:
        """The settled payments of a month's batch, by partner and currency."""
        return map(_read_mark, self._table.query(_partition(program), prefix=f"batch#{month}#"))

    def find_mark(self, program: str, due: Due) -> Mark | None:
        """How the payment was settled, or None."""
        item = self._table.find(_partition(program), _mark_key(due))
        return _read_mark(item) if item else None

    def paid(self, program: str, partner: str, currency: str) -> Paid:
        """What the partner was paid in the currency so far, read consistently."""
        item = self._table.find(_partition(program), f"paid#{partner}#{currency}")
        if item is None:
            return Paid()
        through = Month.parse(item["through"])
        return Paid(item["version"], through, {name: int(v) for name, v in item.get("by_month", {}).items()})

    def settle(
        self, program: str, due: Due, before: Paid, request: str, entry: Entry | None, books: Books
    ) -> Mark:
        """Book the payment's entry (None: nothing is left to pay) with its mark; the mark.

        Raises:
            ConditionFailed: 0 others paid this partner, 1 it is settled already, others: a gate is shut.
        """
        by_month = dict(before.by_month)
        if entry is not None:
            name = str(entry.month)
            by_month[name] = by_month.get(name, 0) + entry.commission_minor
        through = max(due.month, before.through or due.month)
        amount = entry.commission_minor if entry else 0
        entry_id = entry.id if entry else None
        mark = Mark(due.id, due.partner, due.currency, amount, request, entry_id, before.through)
        pk = _partition(program)
        account = {"version": before.version + 1, "through": str(through), "by_month": by_month}
        unchanged = equals("version", before.version) if before.version else ABSENT
        actions = [
            self._table.update_action(pk, f"paid#{due.partner}#{due.currency}", account, unchanged),
            self._table.put_action({"pk": pk, "sk": _mark_key(due), **_mark_record(mark)}, ABSENT),
        ]
        transact([*actions, *(self._journal.booking_actions([entry], books) if entry else [])])
        return mark


def _partition(program: str) -> str:
    return f"{program}#payouts"


def _mark_key(due: Due) -> str:
    return f"batch#{due.month}#{due.partner}#{due.currency}"


def _mark_record(mark: Mark) -> dict[str, Any]:
    return compact(
        {
            "payment": mark.payment,
            "partner": mark.partner,
            "currency": mark.currency,
            "amount": mark.amount_minor,
            "request": mark.request,
            "booked": mark.entry,
            "after": str(mark.after) if mark.after else None,
        }
    )


def _read_mark(item: Item) -> Mark:
    return Mark(
        item["payment"],
        item["partner"],
        item["currency"],
        int(item["amount"]),
        item["request"],
        item.get("booked"),
        Month.parse(item["after"]) if "after" in item else None,
    )


def _read_request(item: Item) -> Request:
    return Request(
        item["sk"].removeprefix("request#"),
        Month.parse(item["month"]),
        item.get("method"),
        item["actor"],
        parse_instant(item["received_at"], "received_at"),
        item.get("reached", ""),
        item.get("open", False),
    )
