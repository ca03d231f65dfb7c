"""Erasing people over the API, and telling what is known of them.

A customer's id stands in bodies alone: addresses are logged on the way.
"""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import Scope, partner_unknown
from chalicelib.domain.job import Job
from chalicelib.domain.period import format_instant
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import erasures

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class DataSubject(Body, frozen=True, kw_only=True):
    """A customer of the program's merchant, by the merchant's own id."""

    program: str
    customer_id: str


class ErasureView(View, frozen=True, kw_only=True):
    """An erasure; `state` is `waiting`, `running`, `done` or `failed`; `erased` counts what it came to."""

    id: str
    program: str
    state: str
    created_at: str
    finished_at: str | None
    erased: dict[str, int] | None


class SubjectView(View, frozen=True, kw_only=True):
    """What is known of a customer: devices, their clicks, and orders. Published books are not repeated."""

    program: str
    devices: list[str]
    clicks: list[dict[str, Any]]
    orders: list[dict[str, Any]]


class PartnerErasure(Body, frozen=True, kw_only=True):
    """`despite_balance`: erase the partner although it is owed something, which then nobody can pay it."""

    despite_balance: bool | None = None


class OpenBalanceView(View, frozen=True, kw_only=True):
    """What a program owes, pending and payable, in minor units; negative where it is owed."""

    program: str
    amount: int
    currency: str


class ErasedPartnerView(View, frozen=True, kw_only=True):
    """A partner that has neither name nor address any more; `open` is what the books still owe it."""

    id: str
    name: str
    email: str
    open: list[OpenBalanceView]


@bp.route("/v1/erasures", methods=["POST"], content_types=["*/*"])
@endpoint(body=DataSubject, returns=ErasureView, status=202, scopes=_MERCHANTS, signed=True)
def create_erasure(call: Call[DataSubject]) -> ErasureView:
    """Erase a customer: from now on nothing is linked to it, and what is linked goes within minutes."""
    call.caller.require_program(call.body.program)
    program = call.stores.catalogue.program(call.body.program)
    return _view(erasures.ask(call.stores, program, call.body.customer_id, call.now), None)


@bp.route("/v1/erasures/{erasure}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=ErasureView, scopes=_MERCHANTS)
def get_erasure(call: Call[None]) -> ErasureView:
    """How far an erasure is, and what it came to."""
    looked = erasures.look(call.stores, call.caller, call.path["erasure"])
    return _view(looked.job, looked.result)


@bp.route("/v1/subjects", methods=["POST"], content_types=["*/*"])
@endpoint(body=DataSubject, returns=SubjectView, scopes=_MERCHANTS, signed=True)
def tell_subject(call: Call[DataSubject]) -> SubjectView:
    """Export everything that is known of a customer."""
    call.caller.require_program(call.body.program)
    program = call.stores.catalogue.program(call.body.program)
    told = erasures.tell(call.stores, program, call.body.customer_id)
    return SubjectView(
        program=program.id, devices=list(told.devices), clicks=list(told.clicks), orders=list(told.orders)
    )


@bp.route("/v1/partners/{partner}/erase", methods=["POST"], content_types=["*/*"])
@endpoint(body=PartnerErasure, returns=ErasedPartnerView, scopes=_MERCHANTS)
def erase_partner(call: Call[PartnerErasure]) -> ErasedPartnerView:
    """Erase a partner's name, address and accounts, and end its keys and sessions; its books stay."""
    found = call.stores.catalogue.find_partner(call.path["partner"])
    if found is None or not (call.caller.is_admin or found.owner == call.caller.program):
        raise partner_unknown()
    erased, owed = erasures.erase_partner(
        call.stores, call.caller, found.id, call.now, despite_balance=bool(call.body.despite_balance)
    )
    balances = [OpenBalanceView(program=o.program, amount=o.amount_minor, currency=o.currency) for o in owed]
    return ErasedPartnerView(id=erased.id, name=erased.name, email=erased.email, open=balances)


def _view(job: Job, result: dict[str, Any] | None) -> ErasureView:
    return ErasureView(
        id=job.id,
        program=job.program,
        state=job.state,
        created_at=format_instant(job.created_at),
        finished_at=format_instant(job.finished_at) if job.finished_at else None,
        erased={name: int(count) for name, count in result.items()}
        if result and "error" not in result
        else None,
    )
