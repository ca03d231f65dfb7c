"""Promo codes with a limit: which code decides on an order, and whether it is still worth anything."""

from dataclasses import replace

import pytest

from chalicelib.domain.conversion import AdjustmentKind, CouponMatch, Outcome
from chalicelib.domain.coupon_use import Use, deciding
from chalicelib.domain.decision import LIMIT_CHECK, Decision, decide
from chalicelib.domain.facts import Facts, with_adjustment
from tests.domain.builders import (
    SOLD,
    a_coupon,
    a_program,
    a_touch,
    an_adjustment,
    days,
    from_pixel,
    some_facts,
    some_terms,
)


def limited(max_uses: int | None, code: str = "save10", **changes: object) -> CouponMatch:
    return replace(a_coupon(code=code), max_uses=max_uses, **changes)  # type: ignore[arg-type]


def decided(facts: Facts) -> Decision:
    return decide(facts, a_program(), (some_terms(),))


class TestDeciding:
    """Of the codes that were told with an order, one decides."""

    def test_a_trusted_one_goes_before_the_first_by_name(self) -> None:
        told = [a_coupon(code="b"), a_coupon(code="a", trusted=False), a_coupon(code="c")]
        for coupons in (told, told[::-1]):
            found = deciding(coupons, SOLD)
            assert found is not None
            assert found.code == "b"

    def test_of_a_code_that_changed_hands_the_same_partner_has_it_however_it_was_told(self) -> None:
        told = [a_coupon("carla"), a_coupon("anna"), a_coupon("ben")]
        assert deciding(told, SOLD) == deciding(told[::-1], SOLD) == a_coupon("anna")

    @pytest.mark.parametrize(
        ("limits", "holds"), [((5,), 5), ((5, 7), 7), ((5, None), None), ((None, 5), None), ((None,), None)]
    )
    def test_the_widest_limit_under_which_it_was_told_holds(
        self, limits: tuple[int | None, ...], holds: int | None
    ) -> None:
        found = deciding([limited(limit) for limit in limits], SOLD)
        assert found is not None
        assert found.max_uses == holds

    def test_the_limit_of_another_code_does_not(self) -> None:
        found = deciding([limited(5), limited(9, "zebra"), limited(9, trusted=False)], SOLD)
        assert found is not None
        assert found.max_uses == 5

    def test_a_code_that_nobody_has_or_that_is_not_valid_then_decides_nothing(self) -> None:
        assert deciding([a_coupon(None)], SOLD) is None
        assert deciding([limited(5, starts_at=SOLD + days(1)), limited(5, ends_at=SOLD)], SOLD) is None
        assert deciding([limited(5, starts_at=SOLD, ends_at=SOLD + days(1))], SOLD) is not None


class TestUses:
    """An order is a use of its code where somebody vouches for it."""

    def test_it_is_one_of_the_time_at_which_it_occurred(self) -> None:
        assert some_facts(coupons=(limited(2),)).use == Use("save10", SOLD, 2)

    def test_without_a_limit_or_a_code_it_is_none(self) -> None:
        assert some_facts(coupons=(limited(None),)).use is None
        assert some_facts().use is None

    def test_what_nobody_vouches_for_or_was_rejected_is_none(self) -> None:
        browsers = some_facts(from_pixel(), coupons=(limited(2),))
        assert browsers.use is None
        assert with_adjustment(browsers, an_adjustment(AdjustmentKind.APPROVE)).use is not None
        rejected = an_adjustment(AdjustmentKind.REJECT)
        assert with_adjustment(some_facts(coupons=(limited(2),)), rejected).use is None

    @pytest.mark.parametrize(("before", "is_over"), [(0, False), (1, False), (2, True), (3, True)])
    def test_as_many_earn_as_the_limit_says(self, before: int, is_over: bool) -> None:
        facts = some_facts(coupons=(limited(2),), used_before=before)
        assert facts.is_over_limit is is_over
        assert decided(facts).outcome is (Outcome.UNATTRIBUTED if is_over else Outcome.RECORDED)

    def test_the_first_of_one_use_earns(self) -> None:
        assert not some_facts(coupons=(limited(1),)).is_over_limit

    @pytest.mark.parametrize(("limit", "uses"), [(1, "1 use "), (2, "2 uses ")])
    def test_past_the_limit_its_receipt_says_so_and_clicks_earn(self, limit: int, uses: str) -> None:
        facts = some_facts(None, a_touch("anna"), coupons=(limited(limit),), used_before=limit)
        decision = decided(facts)
        assert (decision.outcome, [credit.partner for credit in decision.credits]) == (
            Outcome.RECORDED,
            ["anna"],
        )
        (check,) = [check for check in decision.checks if check.name == LIMIT_CHECK]
        assert uses in check.detail
        assert not check.passed
        alone = decided(replace(facts, touches=()))
        assert (alone.reason, [check.name for check in alone.checks]) == ("coupon_used_up", [LIMIT_CHECK])

    def test_within_it_no_check_speaks_of_it(self) -> None:
        decision = decided(some_facts(coupons=(limited(2),), used_before=1))
        assert LIMIT_CHECK not in {check.name for check in decision.checks}
