"""Refunds, voids, approvals and rejections; holds and releases."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.contract.outside import total


@pytest.fixture
def sold(shop):
    """A sale of 20.00 that Anna is to get 2.00 for, already in the draft."""
    shop.anna = shop.partner()
    conversion = shop.sell(2000, click_id=shop.clicked(shop.anna))
    shop.stack.reconcile()
    return conversion


def balance(shop, month="2026-11", folder="drafts"):
    return shop.stack.books(shop.id, month, folder).summary[(shop.anna.id, "EUR")]


def test_a_full_refund_nets_to_nothing(shop, sold):
    shop.adjust(sold, "refund").expect(200, 201)
    draft = shop.draft()
    assert [entry["kind"] for entry in draft.of(sold)] == ["accrual", "reversal"]
    assert total(draft.of(sold)) == 0
    assert total(draft.of(sold), "sale_amount") == 0
    assert shop.state(sold) == "reversed"


def test_a_partial_refund_takes_back_its_part_as_a_linked_reversal(shop, sold):
    shop.adjust(sold, "refund", amount=500).expect(200, 201)
    accrual, reversal = shop.draft().of(sold)
    assert (accrual["kind"], reversal["kind"]) == ("accrual", "reversal")
    assert reversal["reverses"] == accrual["entry_id"]
    assert reversal["commission_amount"] == "-0.50"
    assert reversal["sale_amount"] == "-5.00"
    assert reversal["terms_version"] == accrual["terms_version"]
    assert reversal["reason"]
    assert shop.state(sold) == "pending"
    assert balance(shop)["closing"] == "1.50"


def test_partial_refunds_add_up_to_a_full_one(a_shop):
    shop = a_shop(terms={"commissions": [{"event": "sale", "kind": "percent", "rate_bp": 333}]})
    anna = shop.partner()
    conversion = shop.sell(1999, click_id=shop.clicked(anna))
    for number, amount in enumerate((1, 700, 333, 965)):
        shop.adjust(conversion, "refund", f"r{number}", amount=amount).expect(200, 201)
    entries = shop.draft().of(conversion)
    assert total(entries) == 0
    assert total(entries, "sale_amount") == 0
    assert all(Decimal(entry["commission_amount"]) <= 0 for entry in entries if entry["kind"] == "reversal")


def test_without_an_amount_all_that_is_left_is_refunded(shop, sold):
    shop.adjust(sold, "refund", "r1", amount=500).expect(200, 201)
    shop.adjust(sold, "refund", "r2").expect(200, 201)
    assert total(shop.draft().of(sold)) == 0
    assert shop.state(sold) == "reversed"


def test_an_adjustment_is_idempotent_by_its_id(shop, sold):
    for _ in range(3):
        shop.adjust(sold, "refund", "r1", amount=500).expect(200, 201)
    assert len(shop.draft().of(sold, "reversal")) == 1
    shop.adjust(sold, "refund", "r2", amount=500).expect(200, 201)
    assert total(shop.draft().of(sold)) == Decimal("1.00")


def test_an_adjustments_id_cannot_come_to_mean_something_else(shop, sold):
    shop.adjust(sold, "refund", "r1", amount=500).expect(200, 201)
    shop.adjust(sold, "refund", "r1", amount=600).refused(409)
    shop.adjust(sold, "void", "r1").refused(409)
    assert total(shop.draft().of(sold)) == Decimal("1.50")


def test_the_same_adjustment_id_on_another_conversion_is_another_adjustment(shop, sold):
    other = shop.sell(2000, click_id=shop.clicked(shop.anna))
    shop.adjust(sold, "refund", "r1", amount=500).expect(200, 201)
    shop.adjust(other, "refund", "r1", amount=700).expect(200, 201)
    draft = shop.draft()
    assert total(draft.of(sold)) == Decimal("1.50")
    assert total(draft.of(other)) == Decimal("1.30")


def test_a_refund_larger_than_the_order_reverses_no_more_than_was_booked(shop, sold):
    answer = shop.adjust(sold, "refund", amount=2001)
    assert answer.status in {200, 201, 409, 422}
    shop.adjust(sold, "refund", "r2", amount=1500).expect(200, 201, 409, 422)
    shop.adjust(sold, "refund", "r3", amount=1500).expect(200, 201, 409, 422)
    assert total(shop.draft().of(sold)) >= 0


def test_a_refund_before_the_reconcile_ends_as_one_after_it(shop, sold):
    early = shop.sell(2000, click_id=shop.clicked(shop.anna))
    shop.adjust(early, "refund", amount=500).expect(200, 201)
    shop.adjust(sold, "refund", amount=500).expect(200, 201)
    draft = shop.draft()
    assert total(draft.of(early)) == total(draft.of(sold)) == Decimal("1.50")
    assert shop.conversion(early)["state"] == shop.conversion(sold)["state"]


def test_a_void_takes_everything_back(shop, sold):
    shop.adjust(sold, "void").expect(200, 201)
    assert total(shop.draft().of(sold)) == 0
    assert shop.state(sold) == "reversed"
    assert balance(shop)["closing"] == "0.00"


def test_a_rejection_takes_everything_back_and_says_so(shop, sold):
    shop.adjust(sold, "reject").expect(200, 201)
    assert total(shop.draft().of(sold)) == 0
    assert shop.state(sold) == "rejected"
    assert balance(shop)["payable"] == "0.00"


def test_a_rejection_before_the_reconcile_leaves_no_money(shop):
    anna = shop.partner()
    conversion = shop.sell(click_id=shop.clicked(anna))
    shop.adjust(conversion, "reject").expect(200, 201)
    assert total(shop.draft().of(conversion)) == 0
    assert shop.state(conversion) == "rejected"


def test_a_refund_of_a_split_sale_takes_back_from_each_at_the_original_split(a_shop):
    shop = a_shop(terms={"model": "linear"})
    visitor = shop.visitor()
    partners = [shop.partner(name) for name in ("anna", "ben", "cleo")]
    for partner in partners:
        visitor.follow(partner)
    conversion = shop.sell(1000, click_id=visitor.click_id)
    shop.adjust(conversion, "refund", "r1", amount=500)
    draft = shop.draft()
    left = {
        partner.id: total([e for e in draft.of(conversion) if e["partner"] == partner.id])
        for partner in partners
    }
    assert sum(left.values()) == Decimal("0.50")
    assert all(Decimal("0.16") <= amount <= Decimal("0.17") for amount in left.values())
    shop.adjust(conversion, "refund", "r2")
    after = shop.draft().of(conversion)
    for partner in partners:
        mine = [entry for entry in after if entry["partner"] == partner.id]
        assert total(mine) == 0
        assert total(mine, "sale_amount") == 0
        assert {Fraction(entry["share"]) for entry in mine} == {Fraction(1, 3)}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "give"},
        {"amount": -1},
        {"amount": 1.5},
        {"amount": "500"},
        {"amount": True},
        {"amount": 2**53},
        {"id": ""},
        {"id": 7},
        {"id": None},
        {"reason": 7},
        {"currency": "EUR"},
    ],
)
def test_an_adjustment_that_cannot_be_right_is_refused(shop, sold, stack, change):
    body = {"id": "a1", "kind": "refund", "amount": 500, "reason": "sent back", **change}
    stack.api("POST", f"/v1/conversions/{sold}/adjustments", body).refused(400, 422)
    assert total(shop.draft().of(sold)) == Decimal("2.00")


def test_an_adjustment_of_nothing_is_not_found(shop):
    shop.adjust("nonsense", "refund").refused(404, 422)


class TestHold:
    def test_a_commission_is_released_when_its_hold_is_over(self, shop, sold, stack):
        stack.at("2026-11-24T11:59:59Z")
        assert shop.state(sold) == "pending"
        assert balance(shop)["payable"] == "0.00"
        stack.at("2026-11-24T12:00:01Z")
        assert shop.state(sold) == "approved"
        assert balance(shop)["payable"] == "2.00"
        (release,) = shop.draft().of(sold, "release")
        assert release["commission_amount"] == "2.00"
        assert balance(shop)["closing"] == "2.00"

    def test_a_release_happens_once(self, shop, sold, stack):
        for day in (25, 26, 27):
            stack.at(f"2026-11-{day}T00:00:00Z")
            stack.reconcile()
        assert len(shop.draft().of(sold, "release")) == 1

    def test_a_hold_runs_from_the_sale_and_not_from_its_report(self, shop, stack):
        shop.anna = shop.partner()
        token = shop.clicked(shop.anna)
        stack.at("2026-11-20T12:00:00Z")
        conversion = shop.sell(click_id=token, occurred_at="2026-11-10T12:00:00Z")
        assert shop.state(conversion) == "pending"
        stack.at("2026-11-24T12:00:01Z")
        assert shop.state(conversion) == "approved"

    def test_without_a_hold_it_is_released_at_once(self, a_shop, stack):
        shop = a_shop(terms={"hold_days": 0})
        shop.anna = shop.partner()
        conversion = shop.sell(click_id=shop.clicked(shop.anna))
        stack.at("2026-11-10T12:00:01Z")
        assert shop.state(conversion) == "approved"
        assert balance(shop)["payable"] == "2.00"

    def test_what_was_refunded_is_not_released(self, shop, sold, stack):
        shop.adjust(sold, "refund", amount=500)
        stack.at("2026-11-25T00:00:00Z")
        assert shop.state(sold) == "approved"
        assert balance(shop)["payable"] == "1.50"

    def test_what_was_reversed_whole_is_never_payable(self, shop, sold, stack):
        shop.adjust(sold, "refund")
        stack.at("2026-11-25T00:00:00Z")
        assert shop.state(sold) == "reversed"
        assert balance(shop)["payable"] == "0.00"

    def test_a_refund_after_the_release_lowers_what_is_payable(self, shop, sold, stack):
        stack.at("2026-11-25T00:00:00Z")
        stack.reconcile()
        shop.adjust(sold, "refund", amount=500).expect(200, 201)
        shop.draft()
        assert balance(shop)["payable"] == "1.50"
        assert balance(shop)["closing"] == "1.50"

    def test_a_held_conversion_is_never_payable(self, shop, stack):
        anna = shop.partner()
        shop.pixel(
            {
                "program": shop.id,
                "event": "sale",
                "order_id": "P-1",
                "amount": "20.00",
                "currency": "EUR",
                "click_id": shop.clicked(anna),
            }
        )
        stack.at("2026-12-20T00:00:00Z")
        assert shop.state(shop.conversions()[0]["id"]) == "held"
        assert shop.draft("2026-12").entries == []


def test_the_order_of_arrival_does_not_matter(shop, stack):
    """A refund, an approval and the click, in every order, end in the same state and money."""
    from itertools import permutations

    anna = shop.partner()
    token = shop.clicked(anna)
    ends = set()
    for sequence in permutations(("refund", "approve", "click")):
        order = shop.order(2000)
        conversion = shop.tell(order).expect(201).json["id"]
        for step in sequence:
            if step == "click":
                shop.tell({**order, "click_id": token}).expect(200, 201)
            elif step == "refund":
                shop.adjust(conversion, "refund", "r", amount=500).expect(200, 201)
            else:
                shop.adjust(conversion, "approve", "a").expect(200, 201)
        entries = shop.draft().of(conversion)
        ends.add(
            (shop.conversion(conversion)["state"], total([e for e in entries if e["kind"] != "release"]))
        )
    assert len(ends) == 1
    assert ends.pop()[1] == Decimal("1.50")
