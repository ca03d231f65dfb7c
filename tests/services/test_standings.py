"""What a partner has earned by now: the newest statement, and whatever was booked since, each once."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.payout.batch import Account, Settings
from chalicelib.services import close, reconcile, standings
from chalicelib.services.settle import rules_of, settle_conversion
from tests import scene
from tests.scene import AFTER_GRACE, MONTH_START, Scene

NOON = MONTH_START + timedelta(days=9, hours=12)


@pytest.fixture
def shop(stage: Any) -> Scene:
    return scene.make(stage.stores)


def sell(stage: Any, shop: Scene, at: Any, code: str = "ANNA") -> None:
    """A sale that the stream has settled, while the hourly pass has not come by."""
    sold = shop.sell(stage.stores, at, code=code)
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold.id, at)


def money(stage: Any, shop: Scene, now: Any, partner: str = "anna") -> tuple[int, int, int, int]:
    """Pending, approved, due and paid."""
    (row,) = standings.of_partner(stage.stores, shop.program, partner, now).rows
    return row.pending, row.payable, row.due, row.paid


def test_a_sale_is_there_before_any_draft_is(stage: Any, shop: Scene) -> None:
    assert money(stage, shop, NOON) == (0, 0, 0, 0)
    sell(stage, shop, NOON)
    assert money(stage, shop, NOON) == (1000, 0, 0, 0)
    assert standings.of_partner(stage.stores, shop.program, "anna", NOON).as_of == NOON


def test_what_was_booked_since_the_draft_is_added_to_it_once(stage: Any, shop: Scene) -> None:
    sell(stage, shop, NOON)
    reconcile.reconcile(stage.stores, NOON)
    assert money(stage, shop, NOON) == (1000, 0, 0, 0)
    later = NOON + timedelta(minutes=10)
    sell(stage, shop, later)
    sell(stage, shop, later, code="BEN")
    assert money(stage, shop, later) == (2000, 0, 0, 0)
    reconcile.reconcile(stage.stores, later)
    assert money(stage, shop, later) == (2000, 0, 0, 0)
    assert money(stage, shop, later, "ben") == (1000, 0, 0, 0)


def test_a_release_moves_at_once_what_was_pending(stage: Any, shop: Scene) -> None:
    sell(stage, shop, NOON)
    reconcile.reconcile(stage.stores, NOON)
    over = NOON + timedelta(days=14, minutes=30)
    (held,) = (
        stage.stores.conversion_queue.list_page(shop.program.id, 0, "hold", 10, None)[0]
        or (stage.stores.conversion_queue.list_page(shop.program.id, 1, "hold", 10, None)[0])
    )
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), held.id, over)
    assert money(stage, shop, over) == (0, 1000, 0, 0)


@pytest.mark.parametrize(
    ("least", "account", "due", "why"),
    [
        (0, True, 1000, ""),
        (1001, True, 0, "below_minimum"),
        (0, False, 0, "no_account"),
    ],
)
def test_the_next_payout_is_what_the_close_would_pay(
    stage: Any, shop: Scene, least: int, account: bool, due: int, why: str
) -> None:
    stage.stores.payouts.put_settings(shop.program.id, Settings({"EUR": least}))
    if account:
        stage.stores.payouts.put_accounts("anna", [Account("paypal", None, {"email": "anna@example.com"})])
    sell(stage, shop, NOON)
    over = NOON + timedelta(days=15)
    reconcile.reconcile(stage.stores, over)
    found = standings.of_partner(stage.stores, shop.program, "anna", over)
    assert [(row.payable, row.due, row.carried_because) for row in found.rows] == [(1000, due, why)]
    assert (str(found.month), found.closes_at) == ("2026-09", AFTER_GRACE.replace(hour=0))
    close.close_months(stage.stores, AFTER_GRACE)
    after = standings.of_partner(stage.stores, shop.program, "anna", AFTER_GRACE)
    assert str(after.month) == "2026-10"


def test_too_much_to_look_at_leaves_the_drafts_figures_and_their_time(
    stage: Any, shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(stage, shop, NOON)
    reconcile.reconcile(stage.stores, NOON)
    later = NOON + timedelta(minutes=10)
    for _ in range(4):
        sell(stage, shop, later)
    monkeypatch.setattr(standings, "MOST_ENTRIES", 2)
    found = standings.of_partner(stage.stores, shop.program, "anna", later)
    assert (found.as_of, found.rows[0].pending) == (NOON, 1000)
