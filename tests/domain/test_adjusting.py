"""What an adjustment means for the order that it is of, and what none can be."""

from dataclasses import replace

import pytest

from chalicelib.domain.adjusting import NO_DETAILS, Back, Details, check, check_count, unplaced, work_out
from chalicelib.domain.conversion import Adjustment, AdjustmentKind, Content, Item, Returned
from chalicelib.domain.errors import Conflict, Invalid
from chalicelib.domain.facts import Facts, with_adjustment
from chalicelib.domain.settlement import MAX_ADJUSTMENTS
from tests.domain.builders import RETURNED, a_report, some_facts

REFUND, CHARGEBACK, VOID, APPROVE, REJECT = AdjustmentKind
ITEMS = (Item("shoe", 2, 6000), Item("sock", 3, 1000), Item("gift", 1, 3000, "vouchers"))
ORDER = some_facts(a_report(content=Content(10_000, "EUR", ITEMS)))


def after(
    facts: Facts, name: str, kind: AdjustmentKind = REFUND, amount: int | None = None, *backs: Back
) -> Facts:
    """The facts with one more adjustment."""
    details = Details(backs) if backs else NO_DETAILS
    asked = check(name, kind, amount, "", RETURNED, details, "")
    adjustment, is_known = work_out(facts, asked, details)
    assert not is_known
    return with_adjustment(facts, adjustment)


def last(facts: Facts) -> Adjustment:
    return facts.adjustments[-1]


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
def test_what_is_wrong_by_itself_is_refused(name: str, kind: AdjustmentKind, amount: int) -> None:
    with pytest.raises(Invalid):
        check(name, kind, amount, "", RETURNED, NO_DETAILS, "")


@pytest.mark.parametrize(
    ("kind", "amount", "details", "reason"),
    [
        (REFUND, 5, Details((Back(sku="sock"),)), ""),
        (VOID, None, Details((Back(sku="sock"),)), ""),
        (VOID, None, NO_DETAILS, "x" * 301),
    ],
)
def test_what_does_not_go_together_is_refused(
    kind: AdjustmentKind, amount: int | None, details: Details, reason: str
) -> None:
    with pytest.raises(Invalid, match="adjustment_invalid"):
        check("r", kind, amount, reason, RETURNED, details, "")


def test_a_reason_may_have_300_characters() -> None:
    assert check("r", REFUND, None, "x" * 300, RETURNED, NO_DETAILS, "").reason == "x" * 300


def test_a_conversion_takes_so_many_adjustments_and_no_more() -> None:
    check_count(MAX_ADJUSTMENTS - 1)
    with pytest.raises(Invalid, match="adjustments_exhausted"):
        check_count(MAX_ADJUSTMENTS)


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([Back(sku="hat")], "item_unknown"),
        ([Back(line=3)], "item_unknown"),
        ([Back(line=-1)], "item_unknown"),
        ([Back()], "item_unknown"),
        ([Back(sku="sock", quantity=4)], "refund_exceeds_sale"),
        ([Back(sku="sock", amount_minor=1001)], "refund_exceeds_sale"),
        ([Back(sku="sock", quantity=0)], "items_invalid"),
        ([Back(sku="sock", quantity=1, amount_minor=1)], "items_invalid"),
        ([Back(sku="sock"), Back(line=1)], "items_invalid"),
        ([Back(sku="sock", amount_minor=0)], "amount_invalid"),
    ],
)
def test_lines_that_cannot_come_back_are_refused(items: list[Back], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        after(ORDER, "r-1", REFUND, None, *items)
    assert refused.value.code == code


def test_a_line_comes_to_what_was_paid_for_it() -> None:
    facts = after(ORDER, "r-1", REFUND, None, Back(sku="sock", quantity=1))
    assert (last(facts).amount_minor, last(facts).items[0].line) == (333, 1)
    facts = after(facts, "r-2", REFUND, None, Back(sku="sock"))
    assert (last(facts).amount_minor, last(facts).items[0].quantity) == (667, 2)


def test_a_line_comes_back_to_its_last_unit_and_no_further() -> None:
    facts = after(ORDER, "r-1", REFUND, None, Back(sku="sock", amount_minor=600))
    with pytest.raises(Invalid, match="refund_exceeds_sale"):
        after(facts, "r-2", REFUND, None, Back(sku="sock", amount_minor=401))
    facts = after(facts, "r-2", REFUND, None, Back(sku="sock", amount_minor=399))
    facts = after(facts, "r-3", REFUND, None, Back(sku="sock", amount_minor=1))
    assert last(facts).amount_minor == 1
    with pytest.raises(Invalid, match="amount_invalid"):
        after(facts, "r-4", REFUND, None, Back(sku="sock", quantity=1))


def test_an_amount_of_a_line_takes_no_piece_of_it() -> None:
    facts = after(ORDER, "r-1", REFUND, None, Back(sku="sock", amount_minor=100))
    facts = after(facts, "r-2", REFUND, None, Back(sku="sock", quantity=3))
    assert last(facts).amount_minor == 900


def test_lines_of_an_order_that_is_not_known_yet_stand_nowhere() -> None:
    told = unplaced([Back(sku="sock", quantity=2), Back(line=1)])
    assert told == (Returned(-1, "sock", 2), Returned(-1, "", None))


def test_two_lines_of_one_product_are_told_apart_by_their_place() -> None:
    content = Content(2_000, "EUR", (Item("sock", 1, 900), Item("sock", 1, 1100)))
    facts = some_facts(a_report(content=content))
    with pytest.raises(Invalid, match="name the line"):
        after(facts, "r-1", REFUND, None, Back(sku="sock"))
    assert last(after(facts, "r-1", REFUND, None, Back(line=1, sku="sock"))).amount_minor == 1100


def test_the_same_again_is_there_already_and_another_of_its_id_is_refused() -> None:
    facts = after(ORDER, "r-1", REFUND, 3000)
    asked = check("r-1", REFUND, 3000, "said otherwise", RETURNED, NO_DETAILS, "")
    assert work_out(facts, asked, NO_DETAILS) == (last(facts), True)
    for other in (replace(asked, amount_minor=3001), replace(asked, kind=CHARGEBACK)):
        with pytest.raises(Conflict, match="adjustment_conflict"):
            work_out(facts, other, NO_DETAILS)


@pytest.mark.parametrize(
    ("again", "is_the_same"),
    [
        (Back(sku="sock"), True),
        (Back(line=1), True),
        (Back(sku="sock", quantity=2), True),
        (Back(sku="sock", quantity=1), False),
        (Back(sku="sock", amount_minor=667), False),
        (Back(sku="shoe"), False),
    ],
)
def test_lines_are_the_same_again_where_they_say_nothing_else(again: Back, is_the_same: bool) -> None:
    facts = after(ORDER, "r-1", REFUND, None, Back(sku="sock", quantity=2))
    details = Details((again,))
    asked = check("r-1", REFUND, None, "", RETURNED, details, "")
    if is_the_same:
        assert work_out(facts, asked, details) == (last(facts), True)
    else:
        with pytest.raises(Conflict, match="adjustment_conflict"):
            work_out(facts, asked, details)


@pytest.mark.parametrize(("is_summed", "amount_minor"), [(False, 333), (True, 320)])
def test_what_lines_are_worth_elsewhere_counts_beside_a_sum_alone(is_summed: bool, amount_minor: int) -> None:
    facts = ORDER
    if is_summed:
        of_file = Details(of_total=True)
        asked = check("file", REFUND, 4000, "", RETURNED, of_file, "")
        facts = with_adjustment(facts, work_out(facts, asked, of_file)[0])
    details = Details((Back(sku="sock", quantity=1),), worth_minor=320)
    found, _ = work_out(facts, check("cart", REFUND, None, "", RETURNED, details, ""), details)
    assert found.amount_minor == amount_minor
    assert bool(found.items) is not is_summed


def test_a_sum_of_an_order_file_is_not_taken_twice() -> None:
    """A cart's refund that was made before the file was written stands in the file's sum already."""
    summed = Details(of_total=True)
    asked = check("file", REFUND, 4000, "", RETURNED, summed, "")
    facts = with_adjustment(ORDER, work_out(ORDER, asked, summed)[0])
    told = Details(happened_at=RETURNED)
    repeated, _ = work_out(facts, check("cart", REFUND, 4000, "", RETURNED, told, ""), told)
    assert repeated.repeats
