"""`GET /v1/stats`: exact, fresh within seconds, by every dimension."""

import pytest

from tests.contract.outside import wait_for


@pytest.fixture
def busy(shop, stack):
    """Anna: two clicks and a sale of 20.00; Ben: one click the day after and a sale of 30.00."""
    shop.anna, shop.ben = shop.partner("anna"), shop.partner("ben")
    shop.clicked(shop.anna)
    shop.sell(2000, click_id=shop.clicked(shop.anna))
    stack.at("2026-11-11T12:00:00Z")
    shop.sell(3000, click_id=shop.clicked(shop.ben))
    stack.reconcile()
    wait_for(lambda: shop.stats()["totals"]["clicks"] == 3 and shop.stats()["totals"]["conversions"] == 2)
    return shop


def test_totals_count_clicks_conversions_revenue_and_commission(busy):
    totals = busy.stats()["totals"]
    assert totals["clicks"] == 3
    assert totals["conversions"] == 2
    assert amount_of(totals["revenue"]) == 5000
    assert amount_of(totals["commission"]) == 500


def amount_of(value):
    """The amount, whether it stands alone, with its currency or in a list of one."""
    if isinstance(value, list):
        (value,) = value
    return value["amount"] if isinstance(value, dict) else value


@pytest.mark.parametrize("by", ["day", "partner", "link", "verdict", "channel"])
def test_rows_add_up_to_the_totals(busy, by):
    answer = busy.stats(by=by)
    assert sum(row.get("clicks", 0) for row in answer["rows"]) >= answer["totals"]["clicks"] == 3


def test_rows_by_partner_are_each_partners_own(busy):
    rows = {row["partner"]: row for row in busy.stats(by="partner")["rows"]}
    assert rows[busy.anna.id]["clicks"] == 2
    assert rows[busy.ben.id]["clicks"] == 1
    assert amount_of(rows[busy.anna.id]["revenue"]) == 2000
    assert amount_of(rows[busy.ben.id]["commission"]) == 300


def test_from_and_to_bound_the_time(busy):
    assert busy.stats(**{"from": "2026-11-01", "to": "2026-11-30"})["totals"]["clicks"] == 3
    assert busy.stats(**{"from": "2026-11-12", "to": "2026-11-30"})["totals"]["clicks"] == 0
    assert busy.stats(**{"from": "2026-11-01", "to": "2026-11-09"})["totals"]["clicks"] == 0


def test_repeats_by_the_same_visitor_are_clicks(shop):
    anna = shop.partner()
    visitor = shop.visitor()
    for _ in range(5):
        visitor.follow(anna)
    shop.wait_for_clicks(5)


def test_a_robot_is_no_click_and_is_in_the_rows_by_verdict(shop, stack):
    anna = shop.partner()
    shop.clicked(anna)
    stack.http("GET", f"/{anna.code}", None, {"User-Agent": "Googlebot/2.1"})
    wait_for(lambda: len(shop.stats(by="verdict")["rows"]) == 2)
    assert shop.stats()["totals"]["clicks"] == 1
