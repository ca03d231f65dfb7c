"""Paying partners: accounts, minimums, and batches that were paid."""

from collections.abc import Iterable
from typing import Any

from chalice import Blueprint

from chalicelib.domain.booking import Due
from chalicelib.domain.credentials import Caller, Scope, partner_unknown
from chalicelib.domain.errors import Invalid
from chalicelib.domain.payout import FORMATS
from chalicelib.domain.payout.batch import Account, Payer, Settings
from chalicelib.domain.period import Month, format_instant
from chalicelib.domain.program import Program
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.routes.receipts import AmountView
from chalicelib.services import manual, payouts
from chalicelib.storage.payouts import Mark, Request
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


class RequestView(View):
    """Somebody said that a batch was paid; while it is `open`, some of that is still being booked."""

    id: str
    month: str
    method: str | None
    actor: str
    received_at: str
    open: bool


class DueView(View):
    """A payment of a month's batch: what is due, and what was booked for it and by which request."""

    id: str
    partner: str
    method: str
    due: AmountView
    paid: AmountView | None
    entry: str | None
    request: str | None


class PayoutView(View):
    """What was booked; `waiting` payments are booked within the hour, or by the same request again."""

    id: str
    program: str
    month: str
    method: str | None
    payments: list[PaymentView]
    waiting: int


@bp.route("/v1/partners/{partner}/payout", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewAccounts, returns=AccountsView, scopes={Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER})
def set_accounts(call: Call[NewAccounts]) -> AccountsView:
    """Say where a partner is paid, instead of what was said before; months that are closed keep theirs."""
    partner = _own_partner(call.stores, call.caller, call.path["partner"])
    wanted = [Account(a.method, a.currency, a.details) for a in call.body.accounts]
    return _accounts_view(partner, payouts.set_accounts(call.stores, partner, wanted, call.now))


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
    program = program_of(call)
    payer = call.body.payer
    wanted = Settings(call.body.minimums or {}, Payer(payer.name, payer.iban, payer.bic) if payer else None)
    return _settings_view(program.id, payouts.set_settings(call.stores, program, wanted))


@bp.route("/v1/programs/{program}/payout-settings", methods=["GET"], content_types=["*/*"])
@endpoint(returns=SettingsView, scopes=_MERCHANTS)
def get_settings(call: Call[None]) -> SettingsView:
    """How the program pays."""
    program = program_of(call)
    return _settings_view(program.id, call.stores.payouts.settings(program.id))


@bp.route("/v1/programs/{program}/payouts", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewPayout, returns=PayoutView, scopes=_MERCHANTS)
def mark_paid(call: Call[NewPayout]) -> PayoutView:
    """Mark a published month's batch as paid, which books its payouts; the same id again only goes on."""
    program = program_of(call)
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


@bp.route("/v1/programs/{program}/payouts", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[RequestView], scopes=_MERCHANTS, query=paging.QUERY)
def list_payouts(call: Call[None]) -> paging.Listing[RequestView]:
    """The batches that were marked as paid: when, by whom and for which month, in order of their ids."""
    program = program_of(call)
    limit, start = paging.wanted(call)
    found, next_key = call.stores.payouts.requests_page(program.id, limit, start)
    views = [
        RequestView(
            id=request.id,
            month=str(request.month),
            method=request.method,
            actor=request.actor,
            received_at=format_instant(request.received_at),
            open=request.open,
        )
        for request in found
    ]
    return paging.listing(call, views, next_key)


@bp.route("/v1/programs/{program}/payouts/{month}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[DueView], scopes=_MERCHANTS, query=paging.QUERY)
def list_batch(call: Call[None]) -> paging.Listing[DueView]:
    """A published month's batch: what is due to whom, and what of it was booked as paid."""
    program = program_of(call)
    limit, start = paging.wanted(call)
    begin = start["at"] if start else 0
    states = payouts.batch_states(call.stores, program, Month.parse(call.path["month"]))
    views = [_due_view(due, mark) for due, mark in states[begin : begin + limit]]
    more = begin + limit < len(states)
    return paging.listing(call, views, {"at": begin + limit} if more else None)


def _due_view(due: Due, mark: Mark | None) -> DueView:
    return DueView(
        id=due.id,
        partner=due.partner,
        method=due.method,
        due=AmountView(amount=due.due_minor, currency=due.currency),
        paid=AmountView(amount=mark.amount_minor, currency=mark.currency) if mark else None,
        entry=mark.entry if mark else None,
        request=mark.request if mark else None,
    )


def program_of(call: Call[Any]) -> Program:
    """The program of the path, where it is the caller's."""
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
