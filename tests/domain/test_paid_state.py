"""When a conversion is paid: all that became payable of it stands in months that were paid."""

import itertools

import pytest

from chalicelib.domain.conversion import AdjustmentKind, State
from chalicelib.domain.decision import decide
from chalicelib.domain.journal import Account, Kind
from chalicelib.domain.period import Month
from chalicelib.domain.settlement import RELEASED, Booked, state_of
from tests.domain.builders import (
    a_program,
    a_refund,
    a_touch,
    an_adjustment,
    an_entry,
    some_facts,
    some_terms,
)

OCTOBER = Month(2026, 10)
ACCRUED = an_entry(Kind.ACCRUAL)
RELEASE = an_entry(Kind.RELEASE)
OF_BEN = an_entry(Kind.RELEASE, 500, partner="ben", month=OCTOBER.next())
LATE_CREDIT = an_entry(Kind.CORRECTION, 100, account=Account.PAYABLE, month=OCTOBER.next())
LATE_NOTHING = an_entry(Kind.CORRECTION, 0, account=Account.PAYABLE, month=OCTOBER.next())
OF_ONE_CENT = an_entry(Kind.RELEASE, 1)
EUR = ("anna", "EUR")


def state(booked: Booked, **facts: object) -> State:
    known = some_facts(None, a_touch(), **facts)
    return state_of(known, decide(known, a_program(), [some_terms()]), booked)


@pytest.mark.parametrize(
    ("entries", "paid", "expected"),
    [
        ((ACCRUED,), {EUR: OCTOBER}, State.APPROVED),
        ((ACCRUED, RELEASE), {}, State.APPROVED),
        ((ACCRUED, RELEASE), {EUR: OCTOBER.previous()}, State.APPROVED),
        ((ACCRUED, RELEASE), {("anna", "USD"): OCTOBER}, State.APPROVED),
        ((ACCRUED, RELEASE), {EUR: OCTOBER}, State.PAID),
        ((ACCRUED, RELEASE), {EUR: OCTOBER.next()}, State.PAID),
        ((ACCRUED, RELEASE, OF_BEN), {EUR: OCTOBER.next()}, State.APPROVED),
        ((ACCRUED, RELEASE, OF_BEN), {EUR: OCTOBER, ("ben", "EUR"): OCTOBER.next()}, State.PAID),
        ((ACCRUED, RELEASE, LATE_CREDIT), {EUR: OCTOBER}, State.APPROVED),
        ((ACCRUED, RELEASE, LATE_CREDIT), {EUR: OCTOBER.next()}, State.PAID),
        ((ACCRUED, RELEASE, LATE_NOTHING), {EUR: OCTOBER}, State.PAID),
        ((ACCRUED, OF_ONE_CENT), {EUR: OCTOBER}, State.PAID),
    ],
)
def test_a_conversion_is_paid_once_every_release_of_it_is_covered(entries, paid, expected: State) -> None:
    assert state(Booked(entries, (RELEASED,), paid)) is expected


def test_what_is_held_back_is_not_paid_whatever_its_partner_was_paid() -> None:
    assert state(Booked((ACCRUED,), (), {EUR: OCTOBER})) is State.PENDING


def test_a_full_refund_or_a_rejection_outweighs_the_payout_in_any_order() -> None:
    booked = Booked((ACCRUED, RELEASE), (RELEASED,), {EUR: OCTOBER})
    for adjustments in itertools.permutations([a_refund(1_000), a_refund(9_000)]):
        assert state(booked, adjustments=adjustments) is State.REVERSED
    assert state(booked, adjustments=(a_refund(9_999),)) is State.PAID
    assert state(booked, adjustments=(an_adjustment(AdjustmentKind.REJECT),)) is State.REJECTED
