"""Decisions: which touches count, which rule decides, and what is paid to whom."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import permutations
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.conversion import AdjustmentKind, CouponMatch, Outcome, Report, Signal
from chalicelib.domain.decision import Decision, decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.settings import Policy, Setting, Settings
from chalicelib.domain.path import MAX_PARTNERS
from chalicelib.domain.program import Method, Program
from chalicelib.domain.terms import CouponRule, Terms, in_force
from tests.domain.builders import (
    BEGINNING,
    CLICKED,
    SOLD,
    a_coupon,
    a_program,
    a_refund,
    a_report,
    a_touch,
    an_adjustment,
    days,
    flat,
    from_pixel,
    percent,
    some_facts,
    some_terms,
)

SECOND = timedelta(seconds=1)


def decided(facts: Facts, *versions: Terms) -> Decision:
    return decide(facts, a_program(), versions or (some_terms(),))


def credits_of(decision: Decision) -> dict[str, tuple[Fraction, int, int]]:
    return {c.partner: (c.share, c.sale_minor, c.commission_minor) for c in decision.credits}


def reasons(decision: Decision) -> list[str]:
    return [step.reason for step in decision.path]


class TestWindow:
    """A touch counts from the window's first second to the conversion's own second."""

    @pytest.mark.parametrize(
        ("before", "reason"),
        [
            (days(30), "credited"),
            (days(30) + timedelta(milliseconds=999), "outside_window"),
            (days(30) + SECOND, "outside_window"),
            (days(29), "credited"),
            (timedelta(0), "credited"),
            (-timedelta(milliseconds=999), "credited"),
            (-SECOND, "after_conversion"),
        ],
    )
    def test_both_ends_belong_to_it_to_the_second(self, before: timedelta, reason: str) -> None:
        assert reasons(decided(some_facts(None, a_touch(at=SOLD - before)))) == [reason]

    @pytest.mark.parametrize("milliseconds", [0, 1, 500, 999])
    def test_milliseconds_of_the_conversion_do_not_matter(self, milliseconds: int) -> None:
        report = a_report(occurred_at=SOLD + timedelta(milliseconds=milliseconds))
        touches = [a_touch("old", SOLD - days(30)), a_touch("new", SOLD + timedelta(milliseconds=999))]
        assert reasons(decided(some_facts(report, *touches), some_terms(model="linear"))) == ["credited"] * 2

    @pytest.mark.parametrize(
        ("method", "days_before", "reason"),
        [
            (Method.PIXEL, 28, "credited"),
            (Method.PIXEL, 29, "outside_window"),
            (Method.API, 29, "credited"),
            (Method.POSTBACK, 30, "credited"),
            (Method.POSTBACK, 31, "outside_window"),
        ],
    )
    def test_it_is_the_methods_own(self, method: Method, days_before: int, reason: str) -> None:
        report = a_report(method=method)
        assert reasons(decided(some_facts(report, a_touch(at=SOLD - days(days_before))))) == [reason]

    @pytest.mark.parametrize(
        ("event", "method", "days_before", "reason"),
        [
            ("lead", Method.API, 7, "credited"),
            ("lead", Method.API, 8, "outside_window"),
            ("install", Method.API, 90, "credited"),
            ("install", Method.API, 91, "outside_window"),
            ("install", Method.PIXEL, 28, "credited"),
            ("install", Method.PIXEL, 29, "outside_window"),
            ("lead", Method.PIXEL, 8, "outside_window"),
            ("purchase", Method.API, 30, "credited"),
            ("purchase", Method.API, 31, "outside_window"),
        ],
    )
    def test_it_is_the_events_own_and_never_longer_than_the_methods(
        self, event: str, method: Method, days_before: int, reason: str
    ) -> None:
        terms = some_terms(percent(1_000, event), window_days_by_event={"lead": 7, "install": 90})
        report = a_report(event=event, method=method)
        decision = decide(some_facts(report, a_touch(at=SOLD - days(days_before))), a_program(), [terms])
        assert [step.reason for step in decision.path] == [reason]

    def test_it_is_counted_back_from_when_the_sale_occurred_not_from_when_it_was_told(self) -> None:
        report = a_report(received_at=SOLD + days(20))
        assert decided(some_facts(report, a_touch(at=SOLD - days(25)))).outcome is Outcome.RECORDED

    def test_a_confirmation_brings_its_own_method_and_time(self) -> None:
        confirmation = a_report(occurred_at=SOLD + days(1), received_at=SOLD + days(1))
        facts = some_facts(from_pixel(), a_touch(at=SOLD - days(29)), confirmation=confirmation)
        assert reasons(decided(facts)) == ["credited"]


class TestPath:
    """Every touch is kept with what became of it."""

    def test_a_path_is_told_oldest_first(self) -> None:
        touches = [a_touch("b", SOLD - days(1)), a_touch("a", SOLD - days(9)), a_touch("c", SOLD)]
        decision = decided(some_facts(None, *touches))
        assert [step.touch.partner for step in decision.path] == ["a", "b", "c"]
        assert reasons(decision) == ["model_gives_none", "model_gives_none", "credited"]

    def test_touches_of_other_channels_are_shown_and_earn_nothing(self) -> None:
        search = a_touch(None, SOLD, channel="search")
        decision = decided(some_facts(None, a_touch("anna"), search))
        assert reasons(decision) == ["credited", "other_channel"]
        assert credits_of(decision) == {"anna": (1, 10_000, 1_000)}

    def test_a_click_told_twice_counts_once_by_its_better_evidence(self) -> None:
        told = a_touch("anna", click_id="one", evidence="click_id")
        found = replace(told, evidence="journey")
        doubtful = replace(told, trusted=False)
        for order in permutations([told, found, doubtful]):
            decision = decided(some_facts(None, *order), some_terms(model="linear"))
            assert [step.touch for step in decision.path] == [told]

    def test_what_a_browser_told_gives_way_to_a_click_that_the_shop_told(self) -> None:
        told = a_touch("anna", SOLD - days(2))
        doubtful = a_touch("mallory", SOLD - days(1), trusted=False)
        decision = decided(some_facts(None, told, doubtful))
        assert reasons(decision) == ["credited", "untrusted_evidence"]

    def test_what_a_browser_told_earns_where_the_shop_told_no_click(self) -> None:
        doubtful = a_touch("anna", trusted=False)
        journey = a_touch("berta", SOLD - days(3), evidence="customer")
        decision = decided(some_facts(None, doubtful, journey))
        assert list(credits_of(decision)) == ["anna"]

    def test_a_click_of_the_shop_outside_the_window_shuts_nobody_out(self) -> None:
        old = a_touch("anna", SOLD - days(40), evidence="click_id")
        doubtful = a_touch("berta", SOLD - days(1), trusted=False)
        decision = decided(some_facts(None, old, doubtful))
        assert reasons(decision) == ["outside_window", "credited"]

    def test_a_code_that_only_a_browser_told_does_not_beat_a_click_of_the_shop(self) -> None:
        told = a_touch("anna", SOLD - days(2), evidence="click_id")
        for trusted, earns in ((False, "anna"), (True, "mallory")):
            facts = replace(some_facts(None, told), coupons=(CouponMatch("code", "mallory", trusted),))
            assert list(credits_of(decided(facts))) == [earns]

    def test_a_partner_with_several_touches_earns_them_all(self) -> None:
        touches = [a_touch("anna", SOLD - days(3)), a_touch("berta"), a_touch("anna", SOLD)]
        decision = decided(some_facts(None, *touches), some_terms(model="linear"))
        assert credits_of(decision) == {
            "anna": (Fraction(2, 3), 6_667, 667),
            "berta": (Fraction(1, 3), 3_333, 333),
        }
        assert decision.credits[0].basis == f"click {touches[0].click_id} and 1 more"

    @pytest.mark.parametrize("model", sorted(MODELS))
    def test_no_more_partners_than_a_transaction_can_carry_are_credited(self, model: str) -> None:
        touches = [a_touch(f"p{n}", SOLD - timedelta(hours=50 - n)) for n in range(MAX_PARTNERS + 5)]
        decision = decided(some_facts(None, *touches), some_terms(model=model))
        assert len(decision.credits) <= MAX_PARTNERS
        assert reasons(decision)[:5] == ["too_many_partners"] * 5
        assert "too_many_partners" not in reasons(decision)[5:]
        assert sum(c.sale_minor for c in decision.credits) == 10_000

    def test_twenty_partners_with_many_touches_each_are_all_credited(self) -> None:
        touches = [
            a_touch(f"p{n % MAX_PARTNERS}", SOLD - timedelta(hours=n)) for n in range(3 * MAX_PARTNERS)
        ]
        decision = decided(some_facts(None, *touches), some_terms(model="linear"))
        assert len(decision.credits) == MAX_PARTNERS
        assert {share for share, _, _ in credits_of(decision).values()} == {Fraction(1, MAX_PARTNERS)}

    @pytest.mark.parametrize(
        ("facts", "reason"),
        [
            (some_facts(), "no_click_or_coupon"),
            (some_facts(None, a_touch(at=SOLD - days(31))), "no_touch_in_window"),
            (some_facts(None, a_touch(None)), "no_touch_in_window"),
            (some_facts(coupons=(a_coupon(None),)), "no_click_or_coupon"),
        ],
    )
    def test_without_a_partner_nobody_is_credited_and_the_reason_is_told(
        self, facts: Facts, reason: str
    ) -> None:
        decision = decided(facts)
        assert (decision.outcome, decision.reason, decision.credits) == (Outcome.UNATTRIBUTED, reason, ())

    def test_without_terms_nobody_is_credited(self) -> None:
        decision = decide(some_facts(None, a_touch(), coupons=(a_coupon(),)), a_program(), ())
        assert (decision.outcome, decision.reason) == (Outcome.UNATTRIBUTED, "terms_missing")
        assert reasons(decision) == ["terms_missing"]
        assert [step.counted for step in decision.path] == [False]


class TestCoupon:
    """What a promo code does to the credit of clicks is the terms' to say."""

    @pytest.mark.parametrize(
        ("rule", "clicked", "winner", "model"),
        [
            (CouponRule.BEATS_CLICK, True, "carla", "coupon"),
            (CouponRule.BEATS_CLICK, False, "carla", "coupon"),
            (CouponRule.IF_NO_CLICK, True, "anna", "last"),
            (CouponRule.IF_NO_CLICK, False, "carla", "coupon"),
            (CouponRule.OFF, True, "anna", "last"),
        ],
    )
    def test_the_rule_decides_between_click_and_code(
        self, rule: CouponRule, clicked: bool, winner: str, model: str
    ) -> None:
        touches = [a_touch("anna")] if clicked else []
        decision = decided(some_facts(None, *touches, coupons=(a_coupon("carla"),)), some_terms(coupon=rule))
        assert credits_of(decision) == {winner: (1, 10_000, 1_000)}
        assert decision.model == decision.reason == model

    def test_switched_off_it_credits_nobody(self) -> None:
        decision = decided(some_facts(coupons=(a_coupon(),)), some_terms(coupon=CouponRule.OFF))
        assert decision.outcome is Outcome.UNATTRIBUTED

    def test_beaten_touches_say_so_and_others_keep_their_reason(self) -> None:
        touches = [a_touch("old", SOLD - days(40)), a_touch("anna")]
        decision = decided(some_facts(None, *touches, coupons=(a_coupon(),)))
        assert reasons(decision) == ["outside_window", "coupon_beats_click"]
        assert not any(step.counted for step in decision.path)

    def test_a_touch_outside_the_window_does_not_stand_against_a_code(self) -> None:
        facts = some_facts(None, a_touch(at=SOLD - days(40)), coupons=(a_coupon("carla"),))
        decision = decided(facts, some_terms(coupon=CouponRule.IF_NO_CLICK))
        assert list(credits_of(decision)) == ["carla"]

    def test_a_code_that_belongs_to_nobody_beats_nothing(self) -> None:
        decision = decided(some_facts(None, a_touch("anna"), coupons=(a_coupon(None),)))
        assert list(credits_of(decision)) == ["anna"]

    def test_of_several_codes_a_trusted_one_decides_then_the_first_by_name(self) -> None:
        codes = [
            a_coupon("berta", "bbb"),
            a_coupon("anna", "zzz"),
            a_coupon("mallory", "aaa", trusted=False),
            a_coupon(None, "000"),
        ]
        for order in permutations(codes):
            assert list(credits_of(decided(some_facts(coupons=order)))) == ["berta"]

    def test_its_line_names_the_code_and_no_link(self) -> None:
        (credit,) = decided(some_facts(None, a_touch(), coupons=(a_coupon(code="save10"),))).credits
        assert (credit.basis, credit.code) == ("coupon save10", None)


class TestInPath:
    """A code that counts only for a partner who is in the path anyway."""

    def test_it_beats_the_clicks_of_others(self) -> None:
        touches = [a_touch("carla", SOLD - days(3)), a_touch("anna")]
        facts = some_facts(None, *touches, coupons=(a_coupon("carla"),))
        decision = decided(facts, some_terms(coupon=CouponRule.IF_IN_PATH))
        assert credits_of(decision) == {"carla": (1, 10_000, 1_000)}
        assert (decision.model, reasons(decision)) == ("coupon", ["coupon_beats_click"] * 2)

    @pytest.mark.parametrize("partners", [["anna"], []])
    def test_it_is_nothing_without_a_click_of_its_partner(self, partners: list[str]) -> None:
        touches = [a_touch(partner) for partner in partners]
        facts = some_facts(None, *touches, coupons=(a_coupon("carla"),))
        assert list(credits_of(decided(facts, some_terms(coupon=CouponRule.IF_IN_PATH)))) == partners

    def test_a_click_outside_the_window_is_not_in_the_path(self) -> None:
        touches = [a_touch("carla", SOLD - days(31)), a_touch("anna")]
        facts = some_facts(None, *touches, coupons=(a_coupon("carla"),))
        assert list(credits_of(decided(facts, some_terms(coupon=CouponRule.IF_IN_PATH)))) == ["anna"]


class TestPriority:
    """Partners of a group that comes first are not outdone by those who come after them."""

    GROUPS: ClassVar = {"creators": ("anna", "berta"), "coupons": ("carla",)}

    @pytest.mark.parametrize(
        ("partners", "winner", "told"),
        [
            (["anna", "carla"], "anna", ["credited", "outranked"]),
            (["anna", "dora"], "anna", ["credited", "outranked"]),
            (["carla", "dora"], "carla", ["credited", "outranked"]),
            (["dora", "carla"], "carla", ["outranked", "credited"]),
            (["anna", "berta", "carla"], "berta", ["model_gives_none", "credited", "outranked"]),
            (["dora", "emma"], "emma", ["model_gives_none", "credited"]),
        ],
    )
    def test_the_best_rank_in_the_path_is_the_only_one_that_counts(
        self, partners: list[str], winner: str, told: list[str]
    ) -> None:
        touches = [a_touch(partner, SOLD - days(9 - n)) for n, partner in enumerate(partners)]
        terms = some_terms(groups=self.GROUPS, priority=("creators", "coupons"))
        decision = decided(some_facts(None, *touches), terms)
        assert (list(credits_of(decision)), reasons(decision)) == ([winner], told)

    def test_who_is_outside_the_window_outranks_nobody(self) -> None:
        touches = [a_touch("anna", SOLD - days(31)), a_touch("carla")]
        terms = some_terms(groups=self.GROUPS, priority=("creators",))
        assert list(credits_of(decided(some_facts(None, *touches), terms))) == ["carla"]

    @pytest.mark.parametrize(("partner", "winner"), [("anna", "anna"), ("dora", "carla")])
    def test_a_code_does_not_beat_a_click_of_a_higher_rank(self, partner: str, winner: str) -> None:
        terms = some_terms(groups=self.GROUPS, priority=("creators", "coupons"))
        facts = some_facts(None, a_touch(partner), coupons=(a_coupon("carla"),))
        assert list(credits_of(decided(facts, terms))) == [winner]


class TestOtherChannels:
    """Under `last_non_direct` a partner earns where no other channel brought the customer after it."""

    @pytest.mark.parametrize(
        ("channels", "winner"),
        [
            ([None, "anna"], ["anna"]),
            (["anna", None], []),
            (["anna", None, "berta"], ["berta"]),
            ([None], []),
        ],
    )
    def test_the_newest_touch_of_all_decides(self, channels: list[str | None], winner: list[str]) -> None:
        touches = [
            a_touch(partner, SOLD - days(9 - n), channel="partner" if partner else "search")
            for n, partner in enumerate(channels)
        ]
        decision = decided(some_facts(None, *touches), some_terms(model="last_non_direct"))
        assert list(credits_of(decision)) == winner

    def test_it_is_told_that_another_channel_came_last(self) -> None:
        touches = [a_touch("anna", SOLD - days(2)), a_touch(None, channel="search")]
        decision = decided(some_facts(None, *touches), some_terms(model="last_non_direct"))
        assert (decision.outcome, decision.reason) == (Outcome.UNATTRIBUTED, "model_gives_none")
        assert reasons(decision) == ["model_gives_none", "other_channel"]

    def test_what_came_after_the_sale_or_before_the_window_decides_nothing(self) -> None:
        others = [a_touch(None, at, channel="search") for at in (SOLD + SECOND, SOLD - days(31))]
        touches = [a_touch("anna", SOLD - days(2)), *others]
        decision = decided(some_facts(None, *touches), some_terms(model="last_non_direct"))
        assert list(credits_of(decision)) == ["anna"]


class TestStandingDown:
    """Links on the shop's own pages: the customer was there already."""

    @pytest.mark.parametrize(
        ("origin", "reason"),
        [
            ("checkout.example.com", "stood_down"),
            ("eu.checkout.example.com", "stood_down"),
            ("notcheckout.example.com", "credited"),
            ("example.com", "credited"),
            (None, "credited"),
        ],
    )
    def test_a_click_there_does_not_count(self, origin: str | None, reason: str) -> None:
        terms = some_terms(stand_down=("checkout.example.com",))
        decision = decide(some_facts(None, a_touch(origin=origin)), a_program(), [terms])
        assert [step.reason for step in decision.path] == [reason]

    def test_who_brought_the_customer_keeps_the_sale(self) -> None:
        terms = some_terms(stand_down=("shop.example.com",))
        brought = a_touch("anna", SOLD - days(2), origin="annas.example")
        late = a_touch("save24", SOLD - days(1), origin="shop.example.com")
        decision = decide(some_facts(None, late, brought), a_program(), [terms])
        assert [credit.partner for credit in decision.credits] == ["anna"]

    def test_the_terms_of_the_click_say_where_it_does_not_count(self) -> None:
        first = some_terms()
        second = some_terms(version=2, starts_at=SOLD - days(2), stand_down=("shop.example.com",))
        before = a_touch(at=SOLD - days(3), origin="shop.example.com")
        after = a_touch(at=SOLD - days(1), origin="shop.example.com")
        assert decide(some_facts(None, before), a_program(), [first, second]).credits
        assert not decide(some_facts(None, after), a_program(), [first, second]).credits


def test_a_channel_without_a_weight_earns_nothing_and_is_told_so() -> None:
    decision = decided(
        some_facts(None, a_touch("anna")), some_terms(model="channel_weights", channel_weights={"x": 1})
    )
    assert (decision.reason, [step.share for step in decision.path]) == ("model_gives_none", [0])


class TestVersion:
    """The terms in force at the first credited touch price the conversion, for ever."""

    RATES = tuple(
        some_terms(
            percent(100 * number), version=number, starts_at=BEGINNING + days(60 * number), window_days=90
        )
        for number in (1, 2, 3, 4)
    )

    @pytest.mark.parametrize(
        ("clicked", "version"),
        [
            (days(60), 1),
            (days(120) - timedelta(milliseconds=1), 1),
            (days(120), 2),
            (days(180) - SECOND, 2),
            (days(180), 3),
            (days(239), 3),
            (days(240), 4),
        ],
    )
    def test_the_version_of_the_click_prices_the_sale(self, clicked: timedelta, version: int) -> None:
        sold = BEGINNING + min(clicked + days(80), days(270))
        report = a_report(occurred_at=sold, received_at=sold)
        decision = decided(some_facts(report, a_touch(at=BEGINNING + clicked)), *self.RATES)
        assert (decision.terms_version, decision.credits[0].commission_minor) == (version, 100 * version)

    def test_the_first_version_also_covers_what_came_before_it(self) -> None:
        report = a_report(occurred_at=BEGINNING + days(30))
        assert decided(some_facts(report, a_touch(at=BEGINNING)), *self.RATES).terms_version == 1

    @pytest.mark.parametrize(("after", "version"), [(-SECOND, 1), (days(0), 2), (SECOND, 2)])
    def test_where_nobody_earns_it_is_that_of_the_day_of_the_sale(
        self, after: timedelta, version: int
    ) -> None:
        sold = self.RATES[1].starts_at + after
        report = a_report(occurred_at=sold, received_at=sold)
        assert decided(some_facts(report), *self.RATES).terms_version == version

    @pytest.mark.parametrize(
        ("model", "version"), [("first", 1), ("linear", 1), ("position", 1), ("last", 3), ("time_decay", 1)]
    )
    def test_the_first_touch_that_is_credited_decides_not_the_first_there_was(
        self, model: str, version: int
    ) -> None:
        versions = [
            some_terms(version=number, starts_at=SOLD - days(40 - 10 * number), model=model)
            for number in (1, 2, 3)
        ]
        touches = [
            a_touch("anna", SOLD - days(25)),
            a_touch("berta", SOLD - days(15)),
            a_touch("carla", SOLD),
        ]
        assert decided(some_facts(None, *touches), *versions).terms_version == version

    def test_a_code_without_a_click_is_priced_by_the_day_of_the_sale(self) -> None:
        versions = [
            some_terms(),
            some_terms(version=2, starts_at=SOLD),
            some_terms(version=3, starts_at=SOLD + SECOND),
        ]
        assert decided(some_facts(coupons=(a_coupon(),)), *versions).terms_version == 2

    def test_a_window_that_was_shortened_later_still_holds_for_earlier_clicks(self) -> None:
        versions = [
            some_terms(percent(500), window_days=90),
            some_terms(percent(900), version=2, starts_at=SOLD - days(10), window_days=7),
        ]
        decision = decided(some_facts(None, a_touch(at=SOLD - days(45))), *versions)
        assert (decision.outcome, decision.terms_version) == (Outcome.RECORDED, 1)
        assert credits_of(decision) == {"anna": (1, 10_000, 500)}

    def test_a_window_that_was_shortened_holds_for_the_clicks_after_it(self) -> None:
        versions = [
            some_terms(window_days=90),
            some_terms(version=2, starts_at=SOLD - days(30), window_days=7),
        ]
        decision = decided(some_facts(None, a_touch(at=SOLD - days(27))), *versions)
        assert (decision.outcome, decision.terms_version) == (Outcome.UNATTRIBUTED, 2)

    def test_a_window_that_was_widened_does_not_revive_earlier_clicks(self) -> None:
        versions = [
            some_terms(window_days=7),
            some_terms(version=2, starts_at=SOLD - days(10), window_days=90),
        ]
        decision = decided(some_facts(None, a_touch(at=SOLD - days(45))), *versions)
        assert decision.outcome is Outcome.UNATTRIBUTED

    def test_a_rule_that_was_dropped_later_still_pays_for_earlier_clicks(self) -> None:
        versions = [
            some_terms(percent(500), percent(900, "lead")),
            some_terms(percent(500), version=2, starts_at=SOLD - days(1)),
        ]
        decision = decided(some_facts(a_report(event="lead"), a_touch(at=SOLD - days(2))), *versions)
        assert credits_of(decision) == {"anna": (1, 10_000, 900)}

    def test_a_version_that_was_published_after_the_order_was_recorded_never_prices_it(self) -> None:
        """Whatever the clocks say: that instant may be the click's own, and clocks differ."""
        versions = [some_terms(percent(500)), some_terms(percent(900), version=2, starts_at=CLICKED)]
        priced = {
            known: decided(some_facts(a_report(terms_known=known), a_touch()), *versions).terms_version
            for known in (None, 0, 1, 2)
        }
        assert priced == {None: 2, 0: 2, 1: 1, 2: 2}

    @given(
        st.lists(st.integers(0, 60), min_size=1, max_size=4, unique=True).map(sorted),
        st.lists(st.sampled_from(sorted(MODELS)), min_size=4, max_size=4),
        st.lists(st.integers(1, 60), min_size=4, max_size=4)
        | st.integers(1, 60).map(lambda days: [days] * 4),
        st.lists(st.integers(0, 60), min_size=1, max_size=5),
    )
    def test_publishing_never_reprices_the_past_and_the_version_was_in_force(
        self, starts: list[int], models: list[str], windows: list[int], clicks: list[int]
    ) -> None:
        versions = [
            some_terms(
                percent(100 * number),
                version=number,
                starts_at=SOLD - days(60 - start),
                model=model,
                window_days=window,
            )
            for number, start, model, window in zip(range(1, 5), starts, models, windows, strict=False)
        ]
        touches = [a_touch(f"p{n}", SOLD - days(60 - click)) for n, click in enumerate(clicks)]
        facts = some_facts(None, *touches)
        decision = decided(facts, *versions)
        later = some_terms(percent(9_900), version=9, starts_at=SOLD + SECOND, model="first", window_days=365)
        assert decided(facts, *versions, later) == decision
        credited = [step.touch.at for step in decision.path if step.share]
        # Where models or windows differ, each of two versions may credit first a touch of the other's time.
        if credited and len({*models[: len(versions)]}) == len({*windows[: len(versions)]}) == 1:
            assert decision.terms_version == version_at(versions, credited[0])


def version_at(versions: Sequence[Terms], at: datetime) -> int | None:
    found = in_force(versions, at)
    return found.version if found else None


class TestMoney:
    """What is paid: exact, rounded once, split without loss."""

    @pytest.mark.parametrize(
        ("amount", "rate_bp", "commission"),
        [
            (5, 1_000, 1),
            (4, 1_000, 0),
            (15, 1_000, 2),
            (1_995, 1_000, 200),
            (1_994, 1_000, 199),
            (0, 1_000, 0),
        ],
    )
    def test_a_commission_is_rounded_half_up_once(self, amount: int, rate_bp: int, commission: int) -> None:
        decision = decided(some_facts(a_report(amount), a_touch()), some_terms(percent(rate_bp)))
        assert credits_of(decision) == {"anna": (1, amount, commission)}

    def test_it_is_rounded_before_it_is_split(self) -> None:
        touches = [a_touch("anna", SOLD - days(2)), a_touch("berta"), a_touch("carla", SOLD)]
        decision = decided(some_facts(a_report(25), *touches), some_terms(model="linear"))
        assert [c.commission_minor for c in decision.credits] == [1, 1, 1]
        assert decision.commission_exact == Fraction(5, 2)

    @pytest.mark.parametrize(
        ("currency", "amount", "commission"),
        [("JPY", 1_005, 101), ("KWD", 1_005, 101), ("CLF", 999_999, 100_000)],
    )
    def test_every_currency_is_counted_in_its_own_minor_units(
        self, currency: str, amount: int, commission: int
    ) -> None:
        decision = decided(some_facts(a_report(amount, currency), a_touch()))
        assert (decision.currency, decision.credits[0].commission_minor) == (currency, commission)

    @given(
        st.integers(0, 2**53 - 1),
        st.integers(0, 10_000),
        st.lists(st.integers(0, 12), min_size=1, max_size=25),
        st.sampled_from(sorted(MODELS)),
    )
    def test_credits_always_add_up_to_the_sale_and_the_commission(
        self, amount: int, rate_bp: int, clicks: list[int], model: str
    ) -> None:
        touches = [a_touch(f"p{partner}", SOLD - timedelta(hours=n)) for n, partner in enumerate(clicks)]
        decision = decided(some_facts(a_report(amount), *touches), some_terms(percent(rate_bp), model=model))
        assert sum(c.share for c in decision.credits) == 1
        assert sum(c.sale_minor for c in decision.credits) == amount
        assert sum(c.commission_minor for c in decision.credits) == (2 * amount * rate_bp + 10_000) // 20_000


class TestChecks:
    """Money is booked only when somebody whom the program trusts vouches for it, and its price is known."""

    def test_a_browsers_report_is_held_and_shows_whom_it_would_credit(self) -> None:
        decision = decided(some_facts(from_pixel(), a_touch()))
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "confirmation_missing")
        assert credits_of(decision) == {"anna": (1, 10_000, 1_000)}

    def test_what_refuses_it_goes_before_what_holds_it(self) -> None:
        rules = {"self_referral": Setting("reject")}
        decision = decide(
            some_facts(from_pixel(), a_touch(), signals=(Signal("self_email", "anna"),)),
            a_program(),
            [some_terms()],
            policy=Policy([Settings("acme", 1, BEGINNING, rules)]),
        )
        assert (decision.outcome, decision.reason) == (Outcome.REJECTED, "self_referral")

    def test_an_approval_confirms(self) -> None:
        approval = an_adjustment(AdjustmentKind.APPROVE)
        decision = decided(some_facts(from_pixel(), a_touch(), adjustments=(approval,)))
        assert decision.outcome is Outcome.RECORDED

    def test_an_authenticated_report_confirms_and_its_figures_stand(self) -> None:
        confirmation = a_report(8_000, "USD", received_at=SOLD + days(1))
        decision = decided(some_facts(from_pixel(), a_touch(), confirmation=confirmation))
        assert (decision.outcome, decision.currency) == (Outcome.RECORDED, "USD")
        assert credits_of(decision) == {"anna": (1, 8_000, 800)}

    @pytest.mark.parametrize("kind", [AdjustmentKind.REFUND, AdjustmentKind.VOID, AdjustmentKind.REJECT])
    def test_no_other_adjustment_confirms_or_changes_a_decision(self, kind: AdjustmentKind) -> None:
        facts = some_facts(from_pixel(), a_touch())
        assert decided(replace(facts, adjustments=(an_adjustment(kind),))) == decided(facts)

    @pytest.mark.parametrize(
        ("terms", "report", "program", "reason"),
        [
            (some_terms(percent(100, "lead")), a_report(), a_program(), "commission_rule_missing"),
            (some_terms(flat(500)), a_report(currency="USD"), a_program(), "rate_missing"),
            (some_terms(), a_report(currency="USD"), a_program(settle_in="EUR"), "rate_missing"),
        ],
    )
    def test_what_can_not_be_priced_is_held_and_nothing_is_guessed(
        self, terms: Terms, report: Report, program: Program, reason: str
    ) -> None:
        decision = decide(some_facts(report, a_touch()), program, (terms,))
        assert (decision.outcome, decision.reason) == (Outcome.HELD, reason)
        assert [c.commission_minor for c in decision.credits] == [0]

    def test_a_program_that_settles_in_the_sales_currency_waits_for_nothing(self) -> None:
        decision = decide(some_facts(None, a_touch()), a_program(settle_in="EUR"), (some_terms(),))
        assert decision.outcome is Outcome.RECORDED


@st.composite
def bodies_of_evidence(draw: st.DrawFn) -> Facts:
    touches = st.builds(
        lambda partner, hour, evidence, trusted: a_touch(
            partner, SOLD - timedelta(hours=hour), click_id=f"{hour}", evidence=evidence, trusted=trusted
        ),
        st.sampled_from(["anna", "berta", "carla", None]),
        st.integers(-1, 5),
        st.sampled_from(["click_id", "journey", "customer"]),
        st.booleans(),
    )
    coupons = st.builds(
        a_coupon, st.sampled_from(["anna", "dora", None]), st.sampled_from(["x", "y"]), st.booleans()
    )
    return some_facts(
        None,
        *draw(st.lists(touches, max_size=6)),
        coupons=tuple(draw(st.lists(coupons, max_size=2))),
        adjustments=tuple(draw(st.permutations([a_refund(1), a_refund(2)]))),
    )


@given(bodies_of_evidence(), st.data(), st.sampled_from(sorted(MODELS)), st.sampled_from(list(CouponRule)))
def test_the_order_in_which_evidence_came_never_matters(
    facts: Facts, data: st.DataObject, model: str, rule: CouponRule
) -> None:
    shuffled = replace(
        facts,
        touches=tuple(data.draw(st.permutations(facts.touches))),
        coupons=tuple(data.draw(st.permutations(facts.coupons))),
        adjustments=facts.adjustments[::-1],
    )
    terms = some_terms(model=model, coupon=rule)
    assert decided(shuffled, terms) == decided(facts, terms)
