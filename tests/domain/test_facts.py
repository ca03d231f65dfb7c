"""What is known of one conversion, and what follows from it without any terms."""

from dataclasses import replace

from chalicelib.domain.conversion import FILE_APPROVAL, AdjustmentKind, Signal
from chalicelib.domain.facts import Facts, with_adjustment
from tests.domain.builders import (
    RETURNED,
    SOLD,
    a_coupon,
    a_refund,
    a_report,
    a_touch,
    an_adjustment,
    days,
    from_pixel,
    some_facts,
)

APPROVE, REJECT = AdjustmentKind.APPROVE, AdjustmentKind.REJECT


def test_whatever_may_matter_to_later_orders_is_counted_once_each() -> None:
    known = some_facts(from_pixel())
    assert known.told == 1
    more = (
        replace(known, confirmation=a_report()),
        replace(known, touches=(a_touch(),)),
        replace(known, coupons=(a_coupon(),)),
        replace(known, customers=("one",)),
        replace(known, signals=(Signal("copied_code"),)),
        with_adjustment(known, an_adjustment(APPROVE)),
        with_adjustment(known, an_adjustment(REJECT)),
    )
    assert [facts.told for facts in more] == [2] * 7
    assert with_adjustment(known, a_refund()).told == 1


def test_it_changed_when_the_last_was_told() -> None:
    facts = some_facts(learned_at=SOLD + days(1))
    assert facts.changed_at == SOLD + days(1)
    assert with_adjustment(facts, a_refund(at=SOLD + days(2))).changed_at == SOLD + days(2)
    assert with_adjustment(facts, a_refund(at=SOLD)).changed_at == SOLD + days(1)


class TestVouching:
    """Since when a conversion stands, by whose word, and until when."""

    def approved(self, facts: Facts, *ids: str) -> Facts:
        for day, name in enumerate(ids, 1):
            facts = with_adjustment(facts, an_adjustment(APPROVE, at=SOLD + days(day), id=name))
        return facts

    def test_a_browsers_word_is_none(self) -> None:
        assert some_facts(from_pixel()).confirmed_at is None
        assert not some_facts(from_pixel()).stands

    def test_the_first_who_vouches_for_it_counts(self) -> None:
        assert some_facts(a_report(received_at=SOLD)).confirmed_at == SOLD
        confirmation = a_report(received_at=SOLD + days(3))
        confirmed = some_facts(from_pixel(), confirmation=confirmation)
        assert confirmed.confirmed_at == SOLD + days(3)
        assert self.approved(confirmed, "a", "b").confirmed_at == SOLD + days(1)

    def test_an_order_file_vouches_for_it_and_approves_nothing(self) -> None:
        by_file = self.approved(some_facts(from_pixel()), FILE_APPROVAL)
        assert (by_file.confirmed_at, by_file.approved_at) == (SOLD + days(1), None)
        assert self.approved(by_file, "later", "latest").approved_at == SOLD + days(1)

    def test_neither_a_report_nor_a_refund_approves(self) -> None:
        assert some_facts().approved_at is None
        refunded = with_adjustment(some_facts(from_pixel()), a_refund())
        assert (refunded.approved_at, refunded.confirmed_at, refunded.rejected_at) == (None, None, None)

    def test_who_is_rejected_does_not_stand_whoever_vouches_for_it(self) -> None:
        rejected = with_adjustment(self.approved(some_facts(), "a"), an_adjustment(REJECT))
        assert rejected.rejected_at == RETURNED
        assert not rejected.stands
        assert self.approved(some_facts(), "a").stands


def test_its_place_is_that_of_the_figures_that_stand() -> None:
    confirmation = a_report(occurred_at=SOLD - days(1))
    facts = some_facts(from_pixel(), confirmation=confirmation)
    assert facts.place == (SOLD - days(1), facts.id)


def test_of_several_customers_it_is_always_the_same_ones() -> None:
    assert some_facts(customers=("b", "a")).customer == some_facts(customers=("a", "b")).customer == "a"
    assert some_facts().customer is None
