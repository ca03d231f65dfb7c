"""A report of what partners and channels are worth, from the conversions of a stage."""

from datetime import timedelta

from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.period import Month
from chalicelib.services import adjustments, worth
from tests import scene
from tests.scene import AFTER_GRACE, MONTH_START

SEPTEMBER = Month(2026, 9)
DAY = timedelta(days=1)


def test_sales_of_the_months_are_divided_among_those_who_brought_them(stage, monkeypatch) -> None:
    stores = stage.stores
    monkeypatch.setattr(stores.jobs, "send", lambda _message: None)
    shop = scene.make(stores)
    shop.sell(stores, MONTH_START + DAY, 3_000, "ANNA")
    shop.sell(stores, MONTH_START + 2 * DAY, 5_000, "BEN")
    shop.sell(stores, MONTH_START - DAY, 7_000, "BEN")
    voided = shop.sell(stores, MONTH_START + 3 * DAY, 9_000, "BEN")
    returned_at = MONTH_START + 4 * DAY
    adjustments.adjust(stores, voided.id, "v1", AdjustmentKind.VOID, None, "returned", returned_at)
    job = worth.ask(stores, shop.program.id, SEPTEMBER, SEPTEMBER, AFTER_GRACE)
    found = worth.carry_out(stores, job, AFTER_GRACE)
    assert (found["conversions"], found["revenue"]) == (2, {"EUR": 8_000})
    assert {row["name"]: row["revenue"]["EUR"]["shapley"] for row in found["partners"]} == {
        "anna": 3_000,
        "ben": 5_000,
    }
    assert found["partners"][0]["conversions"]["linear"] == 1.0
    assert [row["name"] for row in found["channels"]] == ["partner"]
    assert stores.jobs.find(job.id).done == 3
