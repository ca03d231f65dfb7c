"""Adjustments are kept once for each id, within what is left of the sale."""

from datetime import timedelta

import pytest

from chalicelib.domain import ids
from chalicelib.domain.conversion import AdjustmentKind, State
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.services import adjustments
from chalicelib.services.settle import rules_of, settle_conversion
from tests import scene
from tests.scene import MONTH_START

NOW = MONTH_START + timedelta(days=10)
REFUND, VOID, APPROVE, REJECT = AdjustmentKind


def adjust(stage, conversion: str, name: str, kind: AdjustmentKind = REFUND, amount: int | None = None):
    return adjustments.adjust(stage.stores, conversion, name, kind, amount, "", NOW)


def test_a_refund_without_an_amount_takes_all_that_is_left(stage) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, NOW).id
    adjust(stage, sold, "r-1", amount=3000)
    assert adjust(stage, sold, "r-2").state is State.REVERSED
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold, NOW)
    entries = stage.stores.conversions.find(sold).booked.entries
    assert [(e.kind, e.commission_minor) for e in entries] == [
        ("accrual", 1000),
        ("reversal", -300),
        ("reversal", -700),
    ]


def test_the_same_adjustment_again_changes_nothing(stage) -> None:
    sold = scene.make(stage.stores).sell(stage.stores, NOW).id
    first = adjust(stage, sold, "r-1", amount=3000)
    again = adjust(stage, sold, "r-1", amount=3000)
    assert (again.adjustment, again.duplicate) == (first.adjustment, True)


def test_the_same_id_with_other_content_is_refused(stage) -> None:
    sold = scene.make(stage.stores).sell(stage.stores, NOW).id
    adjust(stage, sold, "r-1", amount=3000)
    with pytest.raises(Conflict, match="adjustment_conflict"):
        adjust(stage, sold, "r-1", amount=3001)
    with pytest.raises(Conflict, match="adjustment_conflict"):
        adjust(stage, sold, "r-1", VOID)


def test_refunds_never_exceed_the_sale(stage) -> None:
    sold = scene.make(stage.stores).sell(stage.stores, NOW).id
    adjust(stage, sold, "r-1", amount=9999)
    with pytest.raises(Invalid, match="refund_exceeds_sale"):
        adjust(stage, sold, "r-2", amount=2)
    assert adjust(stage, sold, "r-3", amount=1).state is State.REVERSED


@pytest.mark.parametrize("kind", list(AdjustmentKind))
def test_a_reversed_conversion_takes_nothing_more(stage, kind: AdjustmentKind) -> None:
    sold = scene.make(stage.stores).sell(stage.stores, NOW).id
    adjust(stage, sold, "v-1", VOID)
    with pytest.raises(Conflict, match="conversion_reversed"):
        adjust(stage, sold, "x-1", kind)


def test_an_approval_after_a_rejection_is_refused(stage) -> None:
    sold = scene.make(stage.stores).sell(stage.stores, NOW).id
    assert adjust(stage, sold, "n-1", REJECT).state is State.REJECTED
    with pytest.raises(Conflict, match="conversion_rejected"):
        adjust(stage, sold, "y-1", APPROVE)


def test_a_refund_that_comes_before_its_order_waits_for_it(stage) -> None:
    shop = scene.make(stage.stores)
    conversion = ids.conversion_id(shop.program.id, "sale", "early-order")
    adjustments.adjust_early(stage.stores, conversion, "r-1", REFUND, 2500, "", NOW)
    sold = shop.report(stage.stores, "early-order", NOW)
    assert sold.id == conversion
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold.id, NOW)
    entries = stage.stores.conversions.find(sold.id).booked.entries
    assert [e.commission_minor for e in entries] == [1000, -250]


def test_an_unknown_conversion_cannot_be_adjusted(stage) -> None:
    with pytest.raises(NotFound, match="conversion_unknown"):
        adjust(stage, "cnv_none", "r-1")


@pytest.mark.parametrize(
    ("name", "kind", "amount"),
    [
        ("", REFUND, 1),
        ("!hold", REFUND, 1),
        ("a b", REFUND, 1),
        ("r", VOID, 1),
        ("r", REFUND, 0),
        ("r", REFUND, -1),
    ],
)
def test_what_is_not_acceptable_is_refused(stage, name: str, kind: AdjustmentKind, amount: int) -> None:
    sold = scene.make(stage.stores).sell(stage.stores, NOW).id
    with pytest.raises(Invalid):
        adjust(stage, sold, name, kind, amount)
    assert stage.stores.conversions.find(sold).facts.adjustments == ()
