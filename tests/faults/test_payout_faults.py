"""Paying under every fault at every call, and beside rivals: each payment is booked once, and none twice."""

import itertools
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib import bootstrap
from chalicelib.domain.booking import Manual, ManualKind
from chalicelib.domain.conversion import State
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.payout.batch import Account
from chalicelib.domain.period import Month
from chalicelib.services import manual, payouts
from chalicelib.services.close import close_program
from chalicelib.services.folders import published_folder
from chalicelib.services.payout_states import finish_open
from chalicelib.services.reconcile import Summary, settle_due
from chalicelib.services.settle import rules_of
from chalicelib.storage.payouts import Request
from chalicelib.storage.stores import Stores
from tests import scene
from tests.faults.books import Audit, audit
from tests.faults.plays import ENUMERATED, RIVAL_STEP, Play, fail_every_call
from tests.faults.transport import Fault, Wire, wired
from tests.scene import AFTER_GRACE, MONTH_START, Scene

SEPTEMBER = Month(2026, 9)
SOLD_AT = MONTH_START + timedelta(days=3)
RELEASED = SOLD_AT + timedelta(days=14)
NEXT_CLOSE = AFTER_GRACE + timedelta(days=31)
LAST_CLOSE = AFTER_GRACE + timedelta(days=62)

BONUS = Manual("b-1", "anna", ManualKind.BONUS, 2_500, "EUR", "thanks", "key_test")

_numbers = itertools.count()


def released_sale(stores: Stores) -> tuple[Scene, str]:
    """A shop of one shard with a sale of anna's, whose hold is over."""
    made = scene.make(stores, shards=1)
    stores.catalogue.add_enrollment_once(Enrollment(made.program.id, "anna", "code", MONTH_START))
    set_email(stores, "first@example.com")
    sold = made.sell(stores, SOLD_AT).id
    settle_due(stores, rules_of(stores, made.program.id), RELEASED, Summary())
    return made, sold


def closed_sale(stores: Stores) -> tuple[Scene, str]:
    """The same, with its month closed: 10.00 are due."""
    made, sold = released_sale(stores)
    close_program(stores, made.program.id, AFTER_GRACE)
    return made, sold


def set_email(stores: Stores, email: str) -> None:
    payouts.set_accounts(stores, "anna", [Account("paypal", None, {"email": email})], AFTER_GRACE)


def mark(stores: Stores, made: Scene, id: str = "p-1") -> payouts.Progress:
    request = Request(id, SEPTEMBER, None, "key_test", AFTER_GRACE)
    return payouts.mark_paid(stores, made.program, request, AFTER_GRACE)


def payout_of_a_batch() -> Play:
    def act(stores: Stores, prepared: tuple[Scene, str]) -> None:
        mark(stores, prepared[0])

    def check(stores: Stores, prepared: tuple[Scene, str]) -> None:
        audited = audit(stores, prepared[0].program)
        assert audited.problems == []
        assert [(str(e.kind), e.commission_minor) for e in audited.open_entries] == [("payout", 1000)]
        assert len(mark(stores, prepared[0]).marks) == 1

    return Play(closed_sale, act, check)


def conversions_of_a_paid_batch() -> Play:
    def prepare(stores: Stores) -> tuple[Scene, str]:
        made, sold = closed_sale(stores)
        mark(stores, made)
        return made, sold

    def act(stores: Stores, prepared: tuple[Scene, str]) -> None:
        finish_open(stores, rules_of(stores, prepared[0].program.id), AFTER_GRACE)

    def check(stores: Stores, prepared: tuple[Scene, str]) -> None:
        made, sold = prepared
        found = stores.conversions.find(sold)
        assert found is not None
        assert found.state is State.PAID
        assert stores.payouts.open_requests(made.program.id) == []
        assert len(audit(stores, made.program).open_entries) == 1

    return Play(prepare, act, check)


def bonus_by_hand() -> Play:
    def act(stores: Stores, prepared: tuple[Scene, str]) -> None:
        manual.book(stores, prepared[0].program, BONUS, AFTER_GRACE)

    def check(stores: Stores, prepared: tuple[Scene, str]) -> None:
        made, _ = prepared
        assert manual.book(stores, made.program, BONUS, AFTER_GRACE).duplicate
        kept = [e for e in audit(stores, made.program).open_entries if e.kind == "correction"]
        assert [e.commission_minor for e in kept] == [2_500]

    return Play(released_sale, act, check)


def close_while_details_change() -> Play:
    def act(stores: Stores, prepared: tuple[Scene, str]) -> None:
        set_email(stores, f"number{next(_numbers)}@example.com")
        close_program(stores, prepared[0].program.id, AFTER_GRACE)

    return Play(released_sale, act, check_files)


def check_files(stores: Stores, prepared: tuple[Scene, str]) -> None:
    """The month is published, comes out the same again, and pays where its frozen facts say."""
    made, _ = prepared
    assert audit(stores, made.program).problems == []
    folder = published_folder(made.program.id, SEPTEMBER)
    frozen = json.loads(stores.bucket.find(folder + "payouts.json") or b"")
    email = frozen["accounts"]["anna"][0]["details"]["email"]
    paid_to = (stores.bucket.find(folder + "payouts-paypal.csv") or b"").decode()
    assert paid_to.startswith(f"{email},10.00,EUR,")


PLAYS = {
    play.__name__: play
    for play in (
        payout_of_a_batch,
        conversions_of_a_paid_batch,
        bonus_by_hand,
        close_while_details_change,
    )
}


@pytest.mark.parametrize("fault", ENUMERATED, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("name", PLAYS)
def test_every_call_may_fail(stage, clock, monkeypatch, name: str, fault: Fault) -> None:
    fail_every_call(monkeypatch, PLAYS[name](), fault)


def _the_same_batch(stores: Stores, made: Scene) -> None:
    mark(stores, made, "p-rival")


def _the_close_of_the_open_month(stores: Stores, made: Scene) -> None:
    close_program(stores, made.program.id, NEXT_CLOSE)


def _a_bonus(stores: Stores, made: Scene) -> None:
    manual.book(stores, made.program, BONUS, AFTER_GRACE)


RIVALS = [_the_same_batch, _the_close_of_the_open_month, _a_bonus]


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.__name__.strip("_"))
def test_whoever_acts_while_a_batch_is_paid_changes_no_balance(stage, clock, monkeypatch, rival) -> None:
    def act(stores: Stores, made: Scene) -> None:
        mark(stores, made)

    for audited in played_beside(monkeypatch, closed_sale, act, rival):
        paid = [row for rows in audited.published.values() for row in rows if row["kind"] == "payout"]
        assert [row["commission_amount"] for row in paid] == ["10.00"]


def test_a_bonus_booked_while_its_month_is_closed_is_in_exactly_one_ledger(stage, clock, monkeypatch) -> None:
    def act(stores: Stores, made: Scene) -> None:
        close_program(stores, made.program.id, NEXT_CLOSE)

    for audited in played_beside(monkeypatch, closed_sale, act, _a_bonus):
        booked = [row for rows in audited.published.values() for row in rows if row["kind"] == "correction"]
        assert len(booked) <= 1


def test_details_that_change_while_a_month_is_closed_leave_it_consistent(stage, clock, monkeypatch) -> None:
    at = 0
    while True:
        prepared = released_sale(bootstrap.stores())
        rival = lambda: set_email(Stores(bootstrap.stores().settings), "rival@example.com")  # noqa: E731
        with wired(monkeypatch, Wire(Fault.RIVAL, at, rival)) as wire:
            close_program(bootstrap.stores(), prepared[0].program.id, AFTER_GRACE)
        check_files(bootstrap.stores(), prepared)
        if len(wire.calls) <= at:
            break
        at += RIVAL_STEP
    assert at > 10


def played_beside(
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Stores], tuple[Scene, str]],
    act: Callable[[Stores, Scene], None],
    rival: Callable[[Stores, Scene], None],
) -> list[Audit]:
    """The books after all months are closed, once for each call before which the rival acted."""
    audits = []
    at = 0
    while True:
        made, _ = prepare(bootstrap.stores())
        with wired(
            monkeypatch,
            Wire(Fault.RIVAL, at, lambda made=made: rival(Stores(bootstrap.stores().settings), made)),
        ) as wire:
            act(bootstrap.stores(), made)
        close_program(bootstrap.stores(), made.program.id, LAST_CLOSE)
        audits.append(audit(bootstrap.stores(), made.program))
        assert audits[-1].problems == [], at
        if len(wire.calls) <= at:
            return audits
        at += RIVAL_STEP
