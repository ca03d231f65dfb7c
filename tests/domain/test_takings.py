"""What refunds take back: of which lines, how much of the sale, and what of the commission goes with it."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, permutations
from typing import Any

import pytest

from chalicelib.domain.conversion import Adjustment, AdjustmentKind, Content, Item, Returned
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.takings import kept_after, line_values, position_of, takings
from chalicelib.domain.terms import CommissionRule
from tests.domain.builders import (
    RETURNED,
    SOLD,
    a_program,
    a_refund,
    a_report,
    a_touch,
    days,
    percent,
    some_facts,
    some_terms,
)

BOOTS = Item("boots", 3, 6_000, "shoes")
BELT = Item("belt", 1, 3_000)
GIFT = Item("gift", 2, 0)
ON_BOOTS = CommissionRule("purchase", "percent", rate_bp=2_000, sku="boots")
RULES = (percent(1_000), ON_BOOTS)
"""Boots earn 1,200 of their 6,000, all else 10 %."""


def an_order(*items: Item, amount: int = 10_000, partners: Sequence[str] = ("anna",)) -> Facts:
    touches = [a_touch(partner, SOLD - days(n + 1)) for n, partner in enumerate(partners)]
    return some_facts(a_report(content=Content(amount, "EUR", items or (BOOTS, BELT, GIFT))), *touches)


def returned(*lines: Returned, amount: int = 1, id: str = "lines", **more: Any) -> Adjustment:
    """A refund of these lines; what of it is what, is told by the lines."""
    return Adjustment(id, AdjustmentKind.REFUND, amount, "returned", RETURNED, lines, **more)


def pieces(line: int, sku: str, quantity: int) -> Returned:
    return Returned(line, sku, quantity=quantity)


def worth(line: int, sku: str, amount_minor: int) -> Returned:
    return Returned(line, sku, amount_minor=amount_minor)


def kept(facts: Facts, *refunds: Adjustment, rules: Sequence[CommissionRule] = RULES) -> tuple[int, int]:
    """Sale and commission that the only partner keeps."""
    decision = decide(facts, a_program(), (some_terms(*rules),))
    return kept_after(facts, decision, refunds)["anna"]


def test_an_order_earns_by_its_lines() -> None:
    assert kept(an_order()) == (10_000, 1_600)


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([pieces(0, "boots", 3)], (4_000, 400)),
        ([pieces(0, "boots", 1)], (8_000, 1_200)),
        ([pieces(1, "belt", 1)], (7_000, 1_300)),
        ([worth(1, "belt", 1_500)], (8_500, 1_450)),
        ([pieces(0, "boots", 2), worth(1, "belt", 1_500)], (4_500, 650)),
        ([pieces(2, "gift", 2)], (10_000, 1_600)),
        ([pieces(0, "boots", 1), pieces(0, "boots", 1)], (6_000, 800)),
        ([pieces(0, "boots", 9)], (4_000, 400)),
        ([worth(1, "belt", 9_000)], (7_000, 1_300)),
    ],
)
def test_a_line_takes_what_it_earned_and_never_more(lines: list[Returned], left: tuple[int, int]) -> None:
    assert kept(an_order(), returned(*lines)) == left


def test_pieces_are_rounded_once_for_the_line() -> None:
    thirds = an_order(Item("boots", 3, 100), amount=100)
    one, two, three = (takings(thirds, [returned(pieces(0, "boots", n))]).lines for n in (1, 2, 3))
    assert (one, two, three) == ((33,), (67,), (100,))
    twice = [returned(pieces(0, "boots", 1), id=id) for id in ("a", "b")]
    assert takings(thirds, twice).lines == (67,)


def test_what_names_no_line_takes_its_part_of_all_that_is_left() -> None:
    boots = returned(pieces(0, "boots", 3))
    assert kept(an_order(), boots, a_refund(1_000)) == (3_000, 300)
    assert kept(an_order(), returned(pieces(1, "belt", 1)), a_refund(3_500)) == (3_500, 650)
    assert kept(an_order(), a_refund(5_000)) == (5_000, 800)


def test_refunds_take_the_same_in_whatever_order_they_came_and_all_of_it_in_the_end() -> None:
    facts = an_order()
    refunds = [
        returned(pieces(0, "boots", 1), id="a"),
        returned(worth(1, "belt", 1_000), id="b"),
        a_refund(2_000, id="c"),
        returned(pieces(0, "boots", 2), id="d"),
    ]
    assert len({kept(facts, *some) for some in permutations(refunds)}) == 1
    so_far = [kept(facts, *refunds[:count]) for count in range(5)]
    assert so_far == sorted(so_far, reverse=True)
    assert kept(facts, *refunds, a_refund(1_000, id="e")) == (0, 0)
    assert kept(facts, a_refund()) == kept(facts, *refunds, a_refund(id="f")) == (0, 0)


def test_a_chargeback_takes_no_notice_of_refunds_and_the_sale_goes_once() -> None:
    chargeback = Adjustment("cb", AdjustmentKind.CHARGEBACK, 10_000, "stolen card", RETURNED)
    taken = takings(an_order(), [returned(pieces(0, "boots", 3)), chargeback])
    assert (taken.total_minor, taken.part) == (16_000, Fraction(1))
    assert takings(an_order(), [a_refund(4_000), a_refund()]).total_minor == 10_000


def test_an_approval_takes_nothing() -> None:
    approval = Adjustment("yes", AdjustmentKind.APPROVE, None, "checked", RETURNED)
    assert takings(an_order(), [approval]).total_minor == 0


def test_what_an_order_file_sums_up_is_not_taken_again_where_it_is_told_by_itself() -> None:
    summed = returned(amount=3_000, id="file", of_total=True)
    told_again = returned(amount=2_000, id="told", repeats=True)
    another = returned(amount=500, id="other")
    totals = [(summed,), (summed, told_again), (summed, told_again, another), (told_again,)]
    assert [takings(an_order(), told).total_minor for told in totals] == [3_000, 3_000, 3_500, 2_000]
    twice = returned(amount=2_000, id="again", repeats=True)
    assert takings(an_order(), [summed, told_again, twice]).total_minor == 4_000


def test_lines_of_an_order_with_a_discount_come_to_their_part_of_it() -> None:
    assert line_values(Content(6_000, "EUR", (BOOTS, BELT))) == (4_000, 2_000)
    assert line_values(Content(9_000, "EUR", (BOOTS, BELT))) == (6_000, 3_000)
    assert line_values(Content(10_000, "EUR", (BOOTS, BELT))) == (6_000, 3_000)
    discounted = an_order(BOOTS, BELT, amount=6_000)
    assert takings(discounted, [returned(pieces(1, "belt", 1))]).part == Fraction(1, 3)


def test_a_line_is_found_in_its_place_or_by_its_product() -> None:
    content = Content(9_000, "EUR", (BOOTS, BELT, BELT))
    asked = [(0, "boots"), (2, "belt"), (1, "boots"), (0, "belt"), (3, "belt"), (-1, "belt"), (0, "hat")]
    found = [position_of(Returned(line, sku), content) for line, sku in asked]
    assert found == [0, 2, 0, 1, 1, 1, None]


def test_a_line_that_the_order_no_longer_has_takes_its_amount_of_the_whole() -> None:
    gone = returned(pieces(0, "hat", 1), pieces(1, "belt", 1), amount=2_000)
    taken = takings(an_order(), [gone])
    assert (taken.lines, taken.rest_minor, taken.part) == ((0, 0, 0), 2_000, Fraction(1, 5))
    assert kept(an_order(), gone) == (8_000, 1_280)


class TestPartnersWhoEarnDifferentlyByLine:
    """Anna earns 20 % of boots and ben 10 % of everything; each has half of the order."""

    RULES = (
        percent(1_000),
        CommissionRule("purchase", "percent", rate_bp=2_000, sku="boots", partner="anna"),
    )

    def both(self, *refunds: Adjustment, of: Facts | None = None) -> list[tuple[int, int]]:
        facts = of or an_order(partners=("ben", "anna"))
        decision = decide(facts, a_program(), (some_terms(*self.RULES, model="linear"),))
        stands = kept_after(facts, decision, refunds)
        return [stands["anna"], stands["ben"]]

    def test_each_has_its_own_price(self) -> None:
        assert self.both() == [(5_000, 800), (5_000, 500)]

    def test_a_line_costs_each_what_it_earned_by_it(self) -> None:
        assert self.both(returned(pieces(0, "boots", 3))) == [(2_000, 200), (2_000, 200)]
        assert self.both(returned(pieces(1, "belt", 1))) == [(3_500, 650), (3_500, 350)]

    def test_an_amount_costs_each_its_part(self) -> None:
        assert self.both(a_refund(5_000)) == [(2_500, 400), (2_500, 250)]
        assert self.both(returned(pieces(0, "boots", 3)), a_refund(1_000)) == [(1_500, 150), (1_500, 150)]

    def test_the_whole_leaves_nothing(self) -> None:
        everything = [returned(pieces(0, "boots", 3), pieces(1, "belt", 1)), a_refund(1_000)]
        assert self.both(*everything) == self.both(a_refund()) == [(0, 0), (0, 0)]

    def test_what_rounding_gave_goes_back_too(self) -> None:
        """Of 1.45 and 1.40 minor units: 2 and 1, so that both together are the 3 of their sum."""
        order = an_order(Item("boots", 1, 1), Item("belt", 1, 27), amount=28, partners=("ben", "anna"))
        assert self.both(of=order) == [(14, 2), (14, 1)]
        assert self.both(a_refund(), of=order) == [(0, 0), (0, 0)]

    def test_no_part_is_more_than_was_earned(self) -> None:
        parts = [self.both(returned(worth(0, "boots", amount))) for amount in range(0, 6_001, 97)]
        for one, other in pairwise(parts):
            assert all(kept >= later >= (0, 0) for kept, later in zip(one, other, strict=True))
