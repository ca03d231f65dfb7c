"""When a promo code counts: judged at the time of the order, whatever is told first."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import Outcome
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.program import Method
from chalicelib.services import capture, coupons
from chalicelib.services.settle import rules_of, settle_conversion
from tests import capturing
from tests.capturing import NOW

START, END = NOW - timedelta(days=2), NOW - timedelta(days=1)


@pytest.fixture
def shop(stage: Any) -> Any:
    """A program whose code ANNA10 counts from START until before END."""
    program = capturing.a_program(stage.stores)
    coupons.change(stage.stores, "acme", "anna10", {"starts_at": START, "ends_at": END}, NOW)
    return program


def tell(stage: Any, shop: Any, at: datetime | None, method: Method = Method.API) -> capture.Reply:
    told = Incoming("sale", "order-1", capturing.euros(5000), method, coupon="ANNA10", occurred_at=at)
    return capture.record(stage.stores, shop, told, NOW)


def settled(stage: Any, shop: Any) -> list[tuple[str, int]]:
    """Who was booked what for the order."""
    conversion = capture.ids.conversion_id("acme", "sale", "order-1")
    settle_conversion(stage.stores, rules_of(stage.stores, shop.id), conversion, NOW)
    found = stage.stores.conversions.find(conversion)
    return [(entry.partner, entry.commission_minor) for entry in found.booked.entries]


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (START - timedelta(milliseconds=1), Outcome.UNATTRIBUTED),
        (START, Outcome.RECORDED),
        (END - timedelta(milliseconds=1), Outcome.RECORDED),
        (END, Outcome.UNATTRIBUTED),
    ],
)
def test_a_code_counts_from_its_start_until_before_its_end(
    stage: Any, shop: Any, at: datetime, outcome: Outcome
) -> None:
    assert tell(stage, shop, at).outcome is outcome


@pytest.mark.parametrize("methods", [(Method.PIXEL, Method.API), (Method.API, Method.PIXEL)])
@pytest.mark.parametrize(("at", "booked"), [(START, [("anna", 500)]), (END, [])])
def test_the_authenticated_time_decides_whoever_tells_first(
    stage: Any, shop: Any, methods: tuple[Method, Method], at: datetime, booked: list[Any]
) -> None:
    for method in methods:
        tell(stage, shop, at if method is Method.API else None, method)
    assert settled(stage, shop) == booked


def test_an_order_that_found_nobody_is_decided_again_when_the_window_is_widened(
    stage: Any, shop: Any
) -> None:
    assert tell(stage, shop, END).outcome is Outcome.UNATTRIBUTED
    assert settled(stage, shop) == []
    coupons.change(stage.stores, "acme", "ANNA10", {"ends_at": None}, NOW)
    assert settled(stage, shop) == [("anna", 500)]


def test_a_code_that_was_ended_still_earns_what_was_sold_before(stage: Any, shop: Any) -> None:
    coupons.change(stage.stores, "acme", "ANNA10", {"ends_at": None}, NOW)
    coupons.end(stage.stores, "acme", "ANNA10", NOW)
    assert tell(stage, shop, NOW - timedelta(seconds=1)).outcome is Outcome.RECORDED


def test_narrowing_the_window_takes_nothing_back(stage: Any, shop: Any) -> None:
    tell(stage, shop, START)
    coupons.change(stage.stores, "acme", "ANNA10", {"starts_at": NOW, "ends_at": None}, NOW)
    assert settled(stage, shop) == [("anna", 500)]
