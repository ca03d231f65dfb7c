"""Adjustments are kept once for each id, within what is left of the sale."""

from datetime import timedelta

import pytest

from chalicelib.domain import ids
from chalicelib.domain.adjusting import Back, Details
from chalicelib.domain.conversion import AdjustmentKind, Content, Item, State
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.program import Method
from chalicelib.domain.takings import takings
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.services import adjustments, capture
from chalicelib.services.settle import rules_of, settle_conversion
from tests import scene
from tests.scene import MONTH_START

NOW = MONTH_START + timedelta(days=10)
REFUND, CHARGEBACK, VOID, APPROVE, REJECT = AdjustmentKind


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
    assert (again.adjustment, first.duplicate, again.duplicate) == (first.adjustment, False, True)


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


@pytest.mark.parametrize("kind", [REFUND, VOID, APPROVE, REJECT])
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


def test_refunds_that_come_before_their_order_are_kept_once_each(stage) -> None:
    conversion = ids.conversion_id(scene.make(stage.stores).program.id, "sale", "early-order")

    def early(name: str, amount: int) -> adjustments.Adjusted:
        return adjustments.adjust_early(stage.stores, conversion, name, REFUND, amount, "", NOW)

    first, second, again = early("r-1", 2500), early("r-2", 1000), early("r-2", 1000)
    assert [told.duplicate for told in (first, second, again)] == [False, False, True]
    assert again.adjustment == second.adjustment
    with pytest.raises(Conflict, match="adjustment_conflict"):
        early("r-1", 1000)


def test_an_unknown_conversion_cannot_be_adjusted(stage) -> None:
    with pytest.raises(NotFound, match="conversion_unknown"):
        adjust(stage, "cnv_none", "r-1")


ITEMS = (
    Item("shoe", 2, 6000),
    Item("sock", 3, 1000),
    Item("gift", 1, 3000, "vouchers"),
)


def sold_by_items(stage, amount: int = 10_000) -> tuple[scene.Scene, str]:
    """An order of lines: ten percent, five on socks, nothing on vouchers."""
    shop = scene.make(stage.stores)
    rules = (
        CommissionRule("sale", "percent", rate_bp=1000, exclude=("vouchers",)),
        CommissionRule("sale", "percent", rate_bp=500, sku="sock"),
    )
    terms = Terms(shop.program.id, 2, MONTH_START, Attribution(), 14, rules)
    stage.stores.catalogue.add_terms_once(terms)
    incoming = Incoming(
        "sale", "order", Content(amount, "EUR", ITEMS), Method.API, coupon="ANNA", occurred_at=NOW
    )
    return shop, capture.record(stage.stores, shop.program, incoming, NOW).id


def send_back(stage, conversion: str, name: str, *items: Back):
    details = Details(items)
    return adjustments.adjust(stage.stores, conversion, name, REFUND, None, "", NOW, details)


def commissions(stage, shop: scene.Scene, conversion: str) -> list[int]:
    at = NOW + timedelta(days=3)
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), conversion, at)
    return [e.commission_minor for e in stage.stores.conversions.find(conversion).booked.entries]


def test_a_line_that_comes_back_takes_its_own_commission(stage) -> None:
    shop, sold = sold_by_items(stage)
    assert commissions(stage, shop, sold) == [650]
    assert send_back(stage, sold, "r-1", Back(sku="gift")).adjustment.amount_minor == 3000
    assert send_back(stage, sold, "r-2", Back(sku="sock", quantity=1)).adjustment.amount_minor == 333
    assert send_back(stage, sold, "r-3", Back(line=0, quantity=1)).adjustment.amount_minor == 3000
    assert commissions(stage, shop, sold) == [650, 0, -17, -300]


def test_the_refunds_of_all_lines_net_to_nothing(stage) -> None:
    shop, sold = sold_by_items(stage)
    for name, back in (
        ("a", Back(sku="sock", quantity=1)),
        ("b", Back(sku="shoe", amount_minor=2500)),
        ("c", Back(sku="gift")),
        ("d", Back(sku="sock")),
        ("e", Back(sku="shoe", amount_minor=3500)),
    ):
        last = send_back(stage, sold, name, back)
    assert last.state is State.REVERSED
    booked = commissions(stage, shop, sold)
    assert sum(booked) == 0
    assert all(amount <= 0 for amount in booked[1:])
    found = stage.stores.conversions.find(sold)
    assert sum(e.sale_minor for e in found.booked.entries) == 0


def test_lines_that_came_to_less_together_give_back_no_more_than_was_paid(stage) -> None:
    shop, sold = sold_by_items(stage, amount=8000)
    assert send_back(stage, sold, "r-1", Back(line=2)).adjustment.amount_minor == 2400
    rest = send_back(stage, sold, "r-2", Back(line=0), Back(line=1))
    assert (rest.adjustment.amount_minor, rest.state) == (5600, State.REVERSED)
    assert sum(commissions(stage, shop, sold)) == 0


def test_what_names_no_line_takes_its_part_of_everything_that_is_left(stage) -> None:
    shop, sold = sold_by_items(stage)
    send_back(stage, sold, "r-1", Back(sku="gift"))
    adjust(stage, sold, "r-2", amount=3500)
    assert sum(commissions(stage, shop, sold)) == 325
    assert adjust(stage, sold, "r-3").state is State.REVERSED
    assert sum(commissions(stage, shop, sold)) == 0


def test_what_is_refused_leaves_nothing_behind(stage) -> None:
    _, sold = sold_by_items(stage)
    with pytest.raises(Invalid, match="item_unknown"):
        send_back(stage, sold, "r-1", Back(sku="hat"))
    assert stage.stores.conversions.find(sold).facts.adjustments == ()


def test_the_same_lines_again_change_nothing_and_others_are_refused(stage) -> None:
    _, sold = sold_by_items(stage)
    first = send_back(stage, sold, "r-1", Back(sku="sock", quantity=1))
    again = send_back(stage, sold, "r-1", Back(line=1, quantity=1))
    assert (again.adjustment, again.duplicate) == (first.adjustment, True)
    for other in (Back(sku="sock", quantity=2), Back(sku="shoe", quantity=1)):
        with pytest.raises(Conflict, match="adjustment_conflict"):
            send_back(stage, sold, "r-1", other)


def test_a_chargeback_takes_all_that_refunds_left_and_is_kept_even_where_nothing_is(stage) -> None:
    shop, sold = sold_by_items(stage)
    adjust(stage, sold, "r-1", amount=4000)
    assert adjust(stage, sold, "c-1", CHARGEBACK, 10_000).state is State.REVERSED
    adjust(stage, sold, "c-2", CHARGEBACK)
    assert sum(commissions(stage, shop, sold)) == 0
    found = stage.stores.conversions.find(sold)
    assert [a.id for a in found.facts.adjustments if a.kind is CHARGEBACK] == ["c-1", "c-2"]
    with pytest.raises(Invalid, match="refund_exceeds_sale"):
        adjust(stage, sold, "c-3", CHARGEBACK, 10_001)


def test_a_chargeback_after_the_hold_leaves_a_balance_that_is_owed(stage) -> None:
    shop, sold = sold_by_items(stage)
    later = NOW + timedelta(days=20)
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold, later)
    adjustments.adjust(stage.stores, sold, "c-1", CHARGEBACK, None, "fraudulent", later)
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold, later)
    last = stage.stores.conversions.find(sold).booked.entries[-1]
    assert (last.kind, last.account, last.commission_minor) == ("reversal", "payable", -650)
    assert last.cause == "chargeback c-1: fraudulent"


def from_file(stage, sold: str, amount: int, at=NOW):
    details = Details(of_total=True)
    name = f"orders-refund-{amount}"
    return adjustments.adjust(stage.stores, sold, name, REFUND, amount, "", at, details)


def from_cart(stage, sold: str, name: str, amount: int, **told: object):
    at = NOW + timedelta(days=2)
    return adjustments.adjust(stage.stores, sold, name, REFUND, amount, "", at, Details(**told))


def taken(stage, sold: str) -> int:
    facts = stage.stores.conversions.find(sold).facts
    return takings(facts, facts.adjustments).total_minor


def test_a_refund_that_a_file_told_is_not_taken_again_when_the_cart_tells_it(stage) -> None:
    shop, sold = sold_by_items(stage)
    from_file(stage, sold, 1000)
    before = commissions(stage, shop, sold)
    again = from_cart(stage, sold, "shopify-1", 400, happened_at=NOW - timedelta(hours=1))
    from_cart(stage, sold, "stripe-1", 600, total_minor=1000)
    assert again.adjustment.repeats
    assert (taken(stage, sold), commissions(stage, shop, sold)) == (1000, before)
    from_cart(stage, sold, "shopify-2", 500, happened_at=NOW + timedelta(days=1))
    from_cart(stage, sold, "stripe-2", 100, total_minor=1600)
    assert taken(stage, sold) == 1600
    assert sum(commissions(stage, shop, sold)) < sum(before)


def test_a_refund_of_which_nobody_can_tell_when_it_was_made_is_taken(stage) -> None:
    _, sold = sold_by_items(stage)
    from_file(stage, sold, 1000)
    from_cart(stage, sold, "by-hand", 400)
    assert taken(stage, sold) == 1400
