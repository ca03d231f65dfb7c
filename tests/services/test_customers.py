"""In whatever order facts of a customer arrive, and whenever they are settled: the end is the same."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from chalicelib.domain import ids
from chalicelib.domain.conversion import AdjustmentKind, Content
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.journal import EARNING_KINDS
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.domain.terms import Attribution, CommissionRule, CustomerKind, Lock, Terms
from chalicelib.services import adjustments, capture, verifying
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import Summary, settle_due
from chalicelib.services.settle import rules_of
from chalicelib.storage.stores import Stores
from tests import scene
from tests.scene import AFTER_GRACE, MONTH_START, Scene

FIRST = MONTH_START + timedelta(days=5)
SEPTEMBER = Month(2026, 9)
TOLD = MONTH_START + timedelta(days=25)
NEW, RETURNING = CustomerKind.NEW, CustomerKind.RETURNING

Fact = Callable[[Stores, Scene, datetime], object]


def a_shop(stores: Stores, lock: Lock | None = None) -> Scene:
    """New customers pay 20 %, returning ones 10 % for a month, with or without a lock."""
    made = scene.make(stores, hold_days=10)
    rules = (
        CommissionRule("sale", "percent", rate_bp=2000, customer=NEW),
        CommissionRule("sale", "percent", rate_bp=1000, customer=RETURNING, recurring_months=1),
        CommissionRule("sale", "percent", rate_bp=100, customer=CustomerKind.UNKNOWN),
    )
    attribution = Attribution(lock=lock)
    stores.catalogue.add_terms_once(Terms(made.program.id, 2, MONTH_START, attribution, 10, rules))
    return made


def order(order_id: str, day: int, **more: object) -> Fact:
    """A report of the customer's order of that day, by the server unless told otherwise."""

    def tell(stores: Stores, made: Scene, now: datetime) -> object:
        named = {
            "method": Method.API,
            "customer_id": "c-1",
            "occurred_at": FIRST + timedelta(days=day),
            **more,
        }
        incoming = Incoming("sale", order_id, Content(10_000, "EUR"), **named)  # type: ignore[arg-type]
        return capture.record(stores, made.program, incoming, now)

    return tell


def adjust(order_id: str, kind: AdjustmentKind, amount: int | None = None) -> Fact:
    def tell(stores: Stores, made: Scene, now: datetime) -> object:
        conversion = ids.conversion_id(made.program.id, "sale", order_id)
        return adjustments.adjust_early(stores, conversion, f"a-{order_id}", kind, amount, "", now)

    return tell


FACTS: dict[str, Fact] = {
    "first": order("one", 0),
    "second": order("two", 3, coupon="BEN"),
    "third": order("three", 6, coupon="ANNA"),
    "second is rejected": adjust("two", AdjustmentKind.REJECT),
    "fourth without customer": order("four", 8, customer_id=None),
    "fourth is the customer's": order("four", 8),
    "fifth": order("five", 15, coupon="BEN"),
    "third is refunded": adjust("three", AdjustmentKind.REFUND, 5_000),
    "browser's": order("zero", -1, method=Method.PIXEL, coupon="BEN"),
    "browser's is vouched for": order("zero", -1),
}
"""All orders are one customer's in the end; `zero`, the oldest, counts from when the shop vouches for it."""


@dataclass(frozen=True)
class End:
    """What all comes to: states by order, and what stands for each partner."""

    states: dict[str, str]
    earned: Counter[tuple[str, str]]


def end_of(stores: Stores, made: Scene) -> End:
    states, earned = {}, Counter[tuple[str, str]]()
    for name in ("zero", "one", "two", "three", "four", "five"):
        found = stores.conversions.find(ids.conversion_id(made.program.id, "sale", name))
        assert found is not None
        states[name] = str(found.state)
        for entry in found.booked.entries:
            if entry.kind in EARNING_KINDS:
                earned[name, entry.partner] += entry.commission_minor
    return End(states, +earned)


def settle(stores: Stores, made: Scene, now: datetime) -> None:
    """What was woken in a shard that is behind is settled with the next pass."""
    for _ in range(2):
        settle_due(stores, rules_of(stores, made.program.id), now, Summary())


def play(stores: Stores, made: Scene, names: list[str], settled: Callable[[int], bool]) -> End:
    """Tell the facts in this order, an hour apart, and settle where asked for."""
    for number, name in enumerate(names):
        now = TOLD + timedelta(hours=number)
        FACTS[name](stores, made, now)
        if settled(number):
            settle(stores, made, now)
    settle(stores, made, TOLD + timedelta(days=100))
    return end_of(stores, made)


EXPECTED = {
    None: {("zero", "ben"): 2000, ("three", "anna"): 500, ("five", "ben"): 1000},
    Lock(): {
        ("zero", "ben"): 2000,
        ("one", "ben"): 1000,
        ("three", "ben"): 500,
        ("four", "ben"): 1000,
        ("five", "ben"): 1000,
    },
}
"""With a lock ben holds the customer from order zero on; without one each order is its own code's."""


@pytest.mark.parametrize("lock", [None, Lock()], ids=["without a lock", "with a lock"])
@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_arrival_comes_to_the_same_end(stage, clock, lock: Lock | None, seed: int) -> None:
    chance = random.Random(seed)
    names = list(FACTS)
    if seed:
        chance.shuffle(names)
    made = a_shop(stage.stores, lock)
    settles = [seed == 0 or chance.random() < 0.5 for _ in names]
    end = play(stage.stores, made, names, settles.__getitem__)
    assert end.earned == EXPECTED[lock], names
    assert end.states["two"] == "rejected"


def test_what_is_told_after_the_close_is_corrected_in_the_open_month(stage, clock) -> None:
    made = a_shop(stage.stores, Lock())
    for name in ("third", "fifth"):
        FACTS[name](stage.stores, made, TOLD)
    close_program(stage.stores, made.program.id, AFTER_GRACE)
    assert verifying.verify(stage.stores, made.program.id, SEPTEMBER).problems == ()
    for name in ("browser's", "browser's is vouched for"):
        FACTS[name](stage.stores, made, AFTER_GRACE + timedelta(days=1))
    settle(stage.stores, made, AFTER_GRACE + timedelta(days=2))
    found = stage.stores.conversions.find(ids.conversion_id(made.program.id, "sale", "three"))
    assert found is not None
    assert [found.booked.earned(partner, "EUR")[1] for partner in ("anna", "ben")] == [0, 1000]
    corrections = [entry for entry in found.booked.entries if entry.kind == "correction"]
    assert {str(entry.month) for entry in corrections} == {"2026-10"}
    assert {entry.booked_at for entry in corrections} == {AFTER_GRACE + timedelta(days=1)}
    assert verifying.verify(stage.stores, made.program.id, SEPTEMBER).problems == ()
    close_program(stage.stores, made.program.id, AFTER_GRACE + timedelta(days=31))
    assert verifying.verify(stage.stores, made.program.id, SEPTEMBER.next()).problems == ()
