"""Paying partners: accounts, minimums, batches that were paid, and entries by hand."""

from collections.abc import Iterable
from typing import Any

from chalice import Blueprint

from chalicelib.domain.booking import Manual, ManualKind
from chalicelib.domain.credentials import Caller, Scope, partner_unknown
from chalicelib.domain.errors import Invalid
from chalicelib.domain.payout import FORMATS
from chalicelib.domain.payout.batch import Account, Payer, Settings
from chalicelib.domain.period import Month, format_instant
from chalicelib.domain.program import Program
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.routes.receipts import AmountView
from chalicelib.services import manual, payouts
from chalicelib.storage.payouts import Request
from chalicelib.storage.stores import Stores

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class AccountBody(Body):
    """Where a partner is paid: `paypal` {email}, `wise` {name, recipient_id, email}, `sepa` {name, iban}."""

    method: str
    details: dict[str, str]
    currency: str | None = None


class NewAccounts(Body):
    """All accounts of a partner; one without a currency stands for every currency that no other names."""

    accounts: list[AccountBody]


class AccountView(View):
    """An account as it is kept."""

    method: str
    currency: str | None
    details: dict[str, str]


class AccountsView(View):
    """All accounts of a partner."""

    partner: str
    accounts: list[AccountView]


class PayerBody(Body):
    """Whose bank account pays by SEPA."""

    name: str
    iban: str
    bic: str | None = None


class NewSettings(Body):
    """The least that is paid, in minor units by currency; and who pays."""

    minimums: dict[str, int] | None = None
    payer: PayerBody | None = None


class PayerView(View):
    """Whose bank account pays by SEPA."""

    name: str
    iban: str
    bic: str | None


class SettingsView(View):
    """How a program pays."""

    program: str
    minimums: dict[str, int]
    payer: PayerView | None


class NewPayout(Body):
    """A published month's batch was paid: by this method, or by all of them."""

    id: str
    month: str
    method: str | None = None


class PaymentView(View):
    """A payment that is settled; without an entry it had been paid with another batch."""

    id: str
    partner: str
    amount: AmountView
    entry: str | None


class PayoutView(View):
    """What was booked; `waiting` payments are booked within the hour, or by the same request again."""

    id: str
    program: str
    month: str
    method: str | None
    payments: list[PaymentView]
    waiting: int


class NewEntry(Body):
    """A bonus or a correction by hand; a correction's amount may be negative."""

    id: str
    partner: str
    kind: ManualKind
    amount: int
    currency: str
    reason: str
    conversion: str | None = None


class ManualEntryView(View):
    """An entry that was booked by hand."""

    id: str
    entry: str
    month: str
    booked_at: str
    partner: str
    amount: AmountView
    reverses: str | None
    reason: str


@bp.route("/v1/partners/{partner}/payout", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewAccounts, returns=AccountsView, scopes={Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER})
def set_accounts(call: Call[NewAccounts]) -> AccountsView:
    """Say where a partner is paid, instead of what was said before; months that are closed keep theirs."""
    partner = _own_partner(call.stores, call.caller, call.path["partner"])
    wanted = [Account(a.method, a.currency, a.details) for a in call.body.accounts]
    return _accounts_view(partner, payouts.set_accounts(call.stores, partner, wanted))


@bp.route("/v1/partners/{partner}/payout", methods=["GET"], content_types=["*/*"])
@endpoint(returns=AccountsView, scopes={Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER})
def get_accounts(call: Call[None]) -> AccountsView:
    """Where a partner is paid."""
    partner = _own_partner(call.stores, call.caller, call.path["partner"])
    return _accounts_view(partner, call.stores.payouts.accounts(partner))


@bp.route("/v1/programs/{program}/payout-settings", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewSettings, returns=SettingsView, scopes=_MERCHANTS)
def set_settings(call: Call[NewSettings]) -> SettingsView:
    """Say how the program pays, instead of what was said before; months that are closed keep theirs."""
    program = _program(call)
    payer = call.body.payer
    wanted = Settings(call.body.minimums or {}, Payer(payer.name, payer.iban, payer.bic) if payer else None)
    return _settings_view(program.id, payouts.set_settings(call.stores, program, wanted))


@bp.route("/v1/programs/{program}/payout-settings", methods=["GET"], content_types=["*/*"])
@endpoint(returns=SettingsView, scopes=_MERCHANTS)
def get_settings(call: Call[None]) -> SettingsView:
    """How the program pays."""
    program = _program(call)
    return _settings_view(program.id, call.stores.payouts.settings(program.id))


@bp.route("/v1/programs/{program}/payouts", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewPayout, returns=PayoutView, scopes=_MERCHANTS)
def mark_paid(call: Call[NewPayout]) -> PayoutView:
    """Mark a published month's batch as paid, which books its payouts; the same id again only goes on."""
    program = _program(call)
    if call.body.method is not None and call.body.method not in FORMATS:
        raise Invalid("method_unknown", f"must be one of {', '.join(FORMATS)}", "method")
    manual.check_id(call.body.id)
    month = Month.parse(call.body.month)
    wanted = Request(call.body.id, month, call.body.method, call.caller.name, call.now)
    progress = payouts.mark_paid(call.stores, program, wanted, call.now)
    return PayoutView(
        id=progress.request.id,
        program=program.id,
        month=str(month),
        method=progress.request.method,
        payments=[
            PaymentView(
                id=mark.payment,
                partner=mark.partner,
                amount=AmountView(amount=mark.amount_minor, currency=mark.currency),
                entry=mark.entry,
            )
            for mark in progress.marks
        ],
        waiting=progress.waiting,
    )


@bp.route("/v1/programs/{program}/entries", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewEntry, returns=ManualEntryView, status=201, scopes=_MERCHANTS)
def book_entry(call: Call[NewEntry]) -> Reply[ManualEntryView]:
    """Book a bonus or a correction by hand; the same id and content again answers 200 with what is there."""
    program = _program(call)
    body = call.body
    wanted = Manual(
        body.id,
        body.partner,
        body.kind,
        body.amount,
        body.currency,
        body.reason,
        call.caller.name,
        body.conversion,
    )
    booked = manual.book(call.stores, program, wanted, call.now)
    entry = booked.entry
    view = ManualEntryView(
        id=body.id,
        entry=entry.id,
        month=str(entry.month),
        booked_at=format_instant(entry.booked_at),
        partner=entry.partner,
        amount=AmountView(amount=entry.commission_minor, currency=entry.currency),
        reverses=entry.reverses,
        reason=entry.reason,
    )
    return Reply(view, 200 if booked.duplicate else 201)


def _program(call: Call[Any]) -> Program:
    call.caller.require_program(call.path["program"])
    return call.stores.catalogue.program(call.path["program"])


def _own_partner(stores: Stores, caller: Caller, partner_id: str) -> str:
    """The partner's id, for itself, an administrator, or the merchant that brought it in and no other."""
    caller.require_partner(partner_id)
    partner = stores.catalogue.partner(partner_id)
    owns = caller.program is not None and partner.owner == caller.program
    if Scope.MERCHANT in caller.scopes and not caller.is_admin and not owns:
        raise partner_unknown()
    return partner.id


def _accounts_view(partner: str, accounts: Iterable[Account]) -> AccountsView:
    views = [AccountView(method=a.method, currency=a.currency, details=dict(a.details)) for a in accounts]
    return AccountsView(partner=partner, accounts=views)


def _settings_view(program: str, settings: Settings) -> SettingsView:
    payer = settings.payer
    return SettingsView(
        program=program,
        minimums=dict(settings.minimums),
        payer=PayerView(name=payer.name, iban=payer.iban, bic=payer.bic) if payer else None,
    )
