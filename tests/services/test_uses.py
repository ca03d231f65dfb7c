"""The limit of a promo code: the same orders earn by it, in whatever order they are told and decided."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import AdjustmentKind, Content
from chalicelib.domain.ids import conversion_id
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.partner import Coupon
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.domain.receipt import receipt_text
from chalicelib.domain.review import review_coupon
from chalicelib.services import adjustments, capture, coupons, verifying
from chalicelib.services import conversions as reading
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import Summary, settle_due
from chalicelib.services.settle import rules_of
from chalicelib.services.simulations import run
from chalicelib.storage.stores import Stores
from tests import scene
from tests.faults.books import audit
from tests.scene import AFTER_GRACE, MONTH_START, Scene

FIRST = MONTH_START + timedelta(days=3)
LATER = FIRST + timedelta(days=3)


def a_shop(stores: Stores, limit: int | None) -> Scene:
    """A merchant whose code TWICE is Anna's."""
    made = scene.make(stores)
    stores.catalogue.add_coupon_once(Coupon(made.program.id, "anna", "TWICE", MONTH_START, max_uses=limit))
    return made


def sell(stores: Stores, made: Scene, order: str, day: int, **more: Any) -> str:
    """One report of the order of that day; what is told of it is told a few days later."""
    incoming = Incoming(
        "sale",
        order,
        Content(10_000, "EUR"),
        more.pop("method", Method.API),
        coupon="twice",
        occurred_at=FIRST + timedelta(hours=day),
        **more,
    )
    return capture.record(stores, made.program, incoming, LATER).id


def settle(stores: Stores, made: Scene) -> None:
    """Settle until nothing is due, as the stream and the hourly pass do."""
    rules, summary = rules_of(stores, made.program.id), Summary(decided=1)
    while summary.looked_at:
        summary = Summary()
        settle_due(stores, rules, LATER, summary)


def stands(stores: Stores, made: Scene, *orders: str) -> list[tuple[str, int]]:
    """The state of each order, and what its partners have of it."""
    found = []
    for order in orders:
        kept = stores.conversions.find(conversion_id(made.program.id, "sale", order))
        assert kept is not None
        earned = sum(kept.booked.earned(partner, "EUR")[1] for partner in scene.PARTNERS)
        found.append((str(kept.state), earned))
    return found


def reject(stores: Stores, made: Scene, order: str) -> None:
    sold = conversion_id(made.program.id, "sale", order)
    adjustments.adjust_early(stores, sold, "no", AdjustmentKind.REJECT, None, "", LATER)


def receipt(stores: Stores, made: Scene, order: str) -> str:
    """The receipt's words."""
    found = stores.conversions.find(conversion_id(made.program.id, "sale", order))
    assert found is not None
    decision = reading.explain(stores, found)
    return receipt_text(found.facts, decision, found.booked.entries, found.state, None)


STEPS: tuple[Callable[[Stores, Scene], object], ...] = (
    lambda stores, made: sell(stores, made, "a", 1),
    lambda stores, made: sell(stores, made, "b", 2, method=Method.PIXEL),
    lambda stores, made: sell(stores, made, "b", 4),
    lambda stores, made: sell(stores, made, "c", 3),
    lambda stores, made: sell(stores, made, "d", 5),
    lambda stores, made: reject(stores, made, "a"),
)
"""Of four orders one is rejected, and one proves to be younger than a browser said."""

ORDERS = [(3, 4, 1, 0, 2, 5), (5, 4, 3, 2, 1, 0), (1, 4, 0, 5, 3, 2)]


def test_the_same_orders_earn_in_whatever_order_they_are_told(stage: Any) -> None:
    stores = stage.stores
    for number, turns in enumerate(ORDERS):
        made = a_shop(stores, 2)
        for turn in turns:
            STEPS[turn](stores, made)
            if number % 2:
                settle(stores, made)
        settle(stores, made)
        assert stands(stores, made, "a", "b", "c", "d") == [
            ("rejected", 0),
            ("pending", 1_000),
            ("pending", 1_000),
            ("unattributed", 0),
        ], turns
        assert audit(stores, made.program).problems == []


def test_past_the_limit_a_click_earns_and_the_receipt_says_why(stage: Any) -> None:
    stores = stage.stores
    made = a_shop(stores, 1)
    click = made.click(stores, FIRST, "ben")
    sell(stores, made, "first", 1)
    sell(stores, made, "second", 2, click_id=click.token)
    sell(stores, made, "third", 3)
    settle(stores, made)
    found = stores.conversions.find(conversion_id(made.program.id, "sale", "second"))
    assert [found.booked.earned(partner, "EUR")[1] for partner in ("anna", "ben")] == [0, 1_000]
    for order in ("second", "third"):
        assert "this coupon's limit of 1 use was reached" in receipt(stores, made, order)
    assert "limit" not in receipt(stores, made, "first")
    assert "nobody is credited, because its promo code's limit of uses was reached" in receipt(
        stores, made, "third"
    )


def test_what_a_browser_told_uses_nothing_until_somebody_vouches_for_it(stage: Any) -> None:
    stores = stage.stores
    made = a_shop(stores, 1)
    for order in ("a", "b", "c"):
        sell(stores, made, order, 1, method=Method.PIXEL)
    sell(stores, made, "sold", 2)
    settle(stores, made)
    assert stands(stores, made, "a", "sold") == [("held", 0), ("pending", 1_000)]


def test_a_refunded_order_keeps_its_use(stage: Any) -> None:
    stores = stage.stores
    made = a_shop(stores, 1)
    sold = sell(stores, made, "a", 1)
    adjustments.adjust(stores, sold, "r", AdjustmentKind.REFUND, None, "", LATER)
    sell(stores, made, "b", 2)
    settle(stores, made)
    assert stands(stores, made, "a", "b") == [("reversed", 0), ("unattributed", 0)]


def test_a_raised_limit_finds_those_who_found_nobody_and_a_lowered_one_takes_nothing_back(stage: Any) -> None:
    stores = stage.stores
    made = a_shop(stores, 1)
    for day, order in enumerate("abc"):
        sell(stores, made, order, day)
    settle(stores, made)
    coupons.change(stores, made.program.id, "TWICE", {"max_uses": 2}, LATER)
    settle(stores, made)
    assert [earned for _, earned in stands(stores, made, "a", "b", "c")] == [1_000, 1_000, 0]
    coupons.change(stores, made.program.id, "TWICE", {"max_uses": 1}, LATER)
    settle(stores, made)
    assert [earned for _, earned in stands(stores, made, "a", "b", "c")] == [1_000, 1_000, 0]
    coupons.change(stores, made.program.id, "TWICE", {"max_uses": None}, LATER)
    settle(stores, made)
    assert [earned for _, earned in stands(stores, made, "a", "b", "c")] == [1_000] * 3


def test_an_order_that_is_told_after_the_close_corrects_the_open_month(stage: Any) -> None:
    stores = stage.stores
    made = a_shop(stores, 1)
    sell(stores, made, "told-first", 2)
    settle(stores, made)
    close_program(stores, made.program.id, AFTER_GRACE)
    sell(stores, made, "sold-first", 1)
    settle(stores, made)
    assert [earned for _, earned in stands(stores, made, "sold-first", "told-first")] == [1_000, 0]
    assert audit(stores, made.program).problems == []
    assert verifying.verify(stores, made.program.id, Month(2026, 9)).problems == ()


def test_a_simulation_counts_as_the_books_do(stage: Any) -> None:
    stores = stage.stores
    made = a_shop(stores, 1)
    for day in (2, 1, 3):
        sell(stores, made, f"order-{day}", day)
    settle(stores, made)
    (terms,) = stores.catalogue.terms(made.program.id)
    difference = run(stores, made.program, Month(2026, 9), terms, AFTER_GRACE)
    assert (difference.conversions, difference.changed) == (3, 0)
    assert difference.after == {("anna", "EUR"): 1_000}


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_is_a_number_of_orders_that_can_be_counted(limit: int) -> None:
    coupon = Coupon("acme", "anna", "TWICE", MONTH_START, max_uses=limit)
    assert [problem.code for problem in review_coupon(coupon)] == ["max_uses_invalid"]
