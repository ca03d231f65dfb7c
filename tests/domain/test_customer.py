"""What a customer's earlier orders decide for a later one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from chalicelib.domain.conversion import OPENING, AdjustmentKind, Outcome, Signal
from chalicelib.domain.customer import NOBODY, Win
from chalicelib.domain.decision import Decision, decide
from chalicelib.domain.earning import case_of
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.settings import NO_POLICY, Policy, Setting, Settings
from chalicelib.domain.path import Path
from chalicelib.domain.period import months_later
from chalicelib.domain.terms import CommissionRule, CustomerKind, Lock, Terms
from tests.domain.builders import (
    BEGINNING,
    SOLD,
    a_coupon,
    a_program,
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

NEW, RETURNING, UNKNOWN = CustomerKind.NEW, CustomerKind.RETURNING, CustomerKind.UNKNOWN


def an_order(at: datetime, partner: str | None = None, order_id: str = "earlier", **changes: Any) -> Facts:
    """An earlier order of the customer, after a click of the partner's."""
    touches = (a_touch(partner, at - days(1)),) if partner else ()
    event = changes.pop("event", "purchase")
    report = a_report(event=event, order_id=order_id, occurred_at=at, received_at=at)
    return replace(some_facts(report, *touches, customers=("c",)), **changes)


def decided(terms: Terms, *earlier: Facts, at: datetime = SOLD, **changes: Any) -> Decision:
    """An order of the same customer, without a click unless one is given."""
    report = a_report(occurred_at=at, received_at=at)
    facts = some_facts(report, customers=("c",), earlier=earlier)
    return decide(replace(facts, **changes), a_program(), [terms])


@pytest.mark.parametrize(
    ("at", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-12-15", 120, "2036-12-15"),
        ("2024-02-29", 12, "2025-02-28"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(at: str, months: int, later: str) -> None:
    start = datetime.fromisoformat(f"{at}T10:20:30").replace(tzinfo=UTC)
    assert months_later(start, months) == datetime.fromisoformat(f"{later}T10:20:30").replace(tzinfo=UTC)


class TestNewAndReturning:
    """Rules for first and for later orders."""

    TERMS = some_terms(
        replace(percent(2_000), customer=NEW),
        replace(percent(500), customer=RETURNING),
        percent(1_000, "lead"),
    )
    CLICK = (a_touch(),)

    def test_a_first_order_is_a_new_customers(self) -> None:
        decision = decided(self.TERMS, touches=self.CLICK)
        assert decision.credits[0].commission_minor == 2_000
        assert decision.rate == "2000 bp (customer new)"

    def test_a_later_one_is_a_returning_customers(self) -> None:
        decision = decided(self.TERMS, an_order(SOLD - days(1)), touches=self.CLICK)
        assert decision.credits[0].commission_minor == 500

    def test_orders_of_another_event_make_nobody_returning(self) -> None:
        lead = an_order(SOLD - days(1))
        lead = replace(lead, report=replace(lead.report, event="lead"))
        assert decided(self.TERMS, lead, touches=self.CLICK).credits[0].commission_minor == 2_000

    @pytest.mark.parametrize(
        ("kind", "commission"),
        [(AdjustmentKind.REFUND, 500), (AdjustmentKind.VOID, 500), (AdjustmentKind.REJECT, 2_000)],
    )
    def test_what_was_refunded_counts_and_what_was_rejected_does_not(
        self, kind: AdjustmentKind, commission: int
    ) -> None:
        earlier = an_order(SOLD - days(1), adjustments=(an_adjustment(kind),))
        assert decided(self.TERMS, earlier, touches=self.CLICK).credits[0].commission_minor == commission

    def test_what_only_a_browser_told_does_not_count(self) -> None:
        earlier = an_order(SOLD - days(1), report=from_pixel(occurred_at=SOLD - days(1)))
        assert decided(self.TERMS, earlier, touches=self.CLICK).credits[0].commission_minor == 2_000

    def test_without_a_customer_it_waits_and_is_never_paid_the_other_rate(self) -> None:
        decision = decided(self.TERMS, touches=self.CLICK, customers=())
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "customer_missing")

    def test_a_rule_may_say_what_pays_while_nobody_knows(self) -> None:
        unknown = replace(percent(100), customer=UNKNOWN)
        terms = replace(self.TERMS, commissions=(*self.TERMS.commissions, unknown))
        decision = decided(terms, touches=self.CLICK, customers=())
        assert (decision.outcome, decision.credits[0].commission_minor) == (Outcome.RECORDED, 100)
        assert decided(terms, touches=self.CLICK).credits[0].commission_minor == 2_000

    def test_that_holds_for_the_same_partners_and_products_only(self) -> None:
        unknown = replace(percent(100), customer=UNKNOWN)
        annas = replace(percent(3_000), customer=NEW, partner="anna")
        terms = some_terms(percent(1_000), unknown, annas)
        assert decided(terms, touches=self.CLICK, customers=()).reason == "customer_missing"

    def test_a_kind_of_customer_without_a_rule_waits(self) -> None:
        terms = some_terms(replace(percent(2_000), customer=NEW))
        decision = decided(terms, an_order(SOLD - days(1)), touches=self.CLICK)
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "commission_rule_missing")

    def test_a_rule_for_a_kind_of_customer_goes_before_one_for_all(self) -> None:
        terms = some_terms(percent(1_000), replace(percent(2_000), customer=NEW))
        assert decided(terms, touches=self.CLICK).credits[0].commission_minor == 2_000
        later = decided(terms, an_order(SOLD - days(1)), touches=self.CLICK)
        assert later.credits[0].commission_minor == 1_000


class TestRecurring:
    """Rules that pay for some months after the first order."""

    TERMS = some_terms(replace(percent(1_000), recurring_months=12))

    @pytest.mark.parametrize(
        ("after", "commission"),
        [
            (timedelta(0), 1_000),
            (days(365), 1_000),
            (days(365) + timedelta(milliseconds=999), 1_000),
            (days(365) + timedelta(seconds=1), 0),
            (days(700), 0),
        ],
    )
    def test_it_pays_to_the_last_second(self, after: timedelta, commission: int) -> None:
        first = an_order(SOLD)
        at = SOLD + after
        decision = decided(self.TERMS, first, at=at, touches=(a_touch(at=at - days(1)),))
        assert decision.outcome is Outcome.RECORDED
        assert decision.credits[0].commission_minor == commission

    def test_the_first_order_is_within_it(self) -> None:
        assert decided(self.TERMS, touches=(a_touch(),)).credits[0].commission_minor == 1_000

    def test_without_a_customer_it_waits(self) -> None:
        assert decided(self.TERMS, touches=(a_touch(),), customers=()).reason == "customer_missing"


class TestLock:
    """Customers who stay with the partners of an order."""

    FOR_LIFE = some_terms(lock=Lock())
    A_MONTH = some_terms(lock=Lock(1))
    START = SOLD - days(200)

    def partners(self, decision: Decision) -> dict[str, Fraction]:
        return {credit.partner: credit.share for credit in decision.credits}

    def test_an_order_without_a_click_is_theirs(self) -> None:
        decision = decided(self.FOR_LIFE, an_order(self.START, "anna"))
        assert (decision.model, self.partners(decision)) == ("lock", {"anna": 1})
        assert decision.credits[0].basis.startswith("customer of order earlier: click anna@")

    def test_it_goes_before_clicks_and_codes_of_others(self) -> None:
        earlier = an_order(self.START, "anna")
        clicked = decided(self.FOR_LIFE, earlier, touches=(a_touch("ben"),), coupons=(a_coupon("carla"),))
        assert self.partners(clicked) == {"anna": 1}
        assert [(step.counted, step.reason) for step in clicked.path] == [(False, "customer_locked")]

    def test_the_first_credited_order_decides(self) -> None:
        orders = [an_order(self.START), an_order(self.START + days(1), "anna", "second")]
        orders.append(an_order(self.START + days(2), "ben", "third"))
        assert self.partners(decided(self.FOR_LIFE, *orders)) == {"anna": 1}

    @pytest.mark.parametrize(
        ("after", "credited"),
        [(days(31), {"anna": 1}), (days(31) + timedelta(seconds=1), {}), (days(90), {})],
    )
    def test_it_ends_with_its_months_to_the_second(self, after: timedelta, credited: Any) -> None:
        start = datetime(2026, 7, 1, 10, tzinfo=UTC)
        assert self.partners(decided(self.A_MONTH, an_order(start, "anna"), at=start + after)) == credited

    def test_orders_under_it_do_not_renew_it_and_the_next_one_begins_another(self) -> None:
        start = datetime(2026, 7, 1, 10, tzinfo=UTC)
        orders = [an_order(start, "anna"), an_order(start + days(20), "ben", "second")]
        assert self.partners(decided(self.A_MONTH, *orders, at=start + days(40))) == {}
        orders.append(an_order(start + days(45), "ben", "third"))
        assert self.partners(decided(self.A_MONTH, *orders, at=start + days(60))) == {"ben": 1}

    def test_several_partners_keep_their_shares(self) -> None:
        terms = some_terms(lock=Lock(), model="linear")
        earlier = an_order(self.START, "anna")
        second = a_touch("ben", self.START - days(2))
        decision = decided(terms, replace(earlier, touches=(*earlier.touches, second)))
        assert self.partners(decision) == {"ben": Fraction(1, 2), "anna": Fraction(1, 2)}

    def test_the_terms_of_the_order_that_won_the_customer_price_the_later_ones(self) -> None:
        later = some_terms(flat(1), version=2, starts_at=SOLD - days(10), lock=Lock())
        facts = some_facts(None, a_touch(), customers=("c",), earlier=(an_order(self.START, "anna"),))
        decision = decide(facts, a_program(), [self.FOR_LIFE, later])
        assert (decision.terms_version, decision.credits[0].commission_minor) == (1, 1_000)

    def test_an_order_won_under_terms_without_a_lock_holds_nobody(self) -> None:
        later = some_terms(version=2, starts_at=SOLD - days(10), lock=Lock())
        facts = some_facts(None, a_touch("ben"), customers=("c",), earlier=(an_order(self.START, "anna"),))
        assert self.partners(decide(facts, a_program(), [some_terms(), later])) == {"ben": 1}

    def test_a_rejected_order_holds_nobody(self) -> None:
        rejected = an_order(self.START, "anna", adjustments=(an_adjustment(AdjustmentKind.REJECT),))
        assert self.partners(decided(self.FOR_LIFE, rejected)) == {}

    def test_an_event_without_a_rule_waits(self) -> None:
        earlier = an_order(self.START, "anna")
        report = a_report(event="renewal")
        decision = decided(self.FOR_LIFE, earlier, report=report)
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "commission_rule_missing")

    def test_it_recurs_for_so_many_months(self) -> None:
        rule = CommissionRule("purchase", "percent", rate_bp=1_000, recurring_months=3)
        terms = some_terms(rule, lock=Lock())
        first = an_order(self.START, "anna")
        within = decided(terms, first, at=self.START + days(60))
        after = decided(terms, first, at=self.START + days(100))
        assert [d.credits[0].commission_minor for d in (within, after)] == [1_000, 0]
        assert [d.outcome for d in (within, after)] == [Outcome.RECORDED] * 2

    def test_fraud_rules_look_at_what_is_earned_by_it(self) -> None:
        known = some_facts(customers=("c",), earlier=(an_order(self.START, "anna"),), signals=COPIED)
        decision = decide(known, a_program(), [self.FOR_LIFE], policy=NO_SELF_REFERRAL)
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "self_referral")
        case = case_of(known, [self.FOR_LIFE], NO_SELF_REFERRAL)
        assert case is not None
        assert case.earners == {"anna"}


COPIED = (Signal("self_email", "anna"),)
NO_SELF_REFERRAL = Policy([Settings("acme", 1, BEGINNING, {"self_referral": Setting("hold")})])


def test_an_order_holds_nobody_without_a_lock_and_nobody_is_known_until_told() -> None:
    assert NOBODY.kind is UNKNOWN
    assert not Win("1001", SOLD, some_terms(), Path(())).holds(SOLD)
    assert Win("1001", SOLD, some_terms(lock=Lock()), Path(())).holds(SOLD)


class TestOpening:
    """An order that only says whose a customer is that was brought from elsewhere."""

    OPENED = an_order(SOLD - days(9), "anna", event=OPENING, signals=COPIED)

    def test_nobody_is_paid_for_it_and_no_rule_looks_at_it(self) -> None:
        terms = [some_terms(lock=Lock())]
        decision = decide(self.OPENED, a_program(), terms, policy=NO_SELF_REFERRAL)
        assert (decision.outcome, decision.reason) == (Outcome.RECORDED, "opening")
        assert (decision.credits, decision.checks, decision.terms_version) == ((), (), 1)
        assert case_of(self.OPENED, terms, NO_SELF_REFERRAL) is None

    def test_its_partner_earns_by_the_orders_that_follow(self) -> None:
        facts = some_facts(customers=("c",), earlier=(self.OPENED,))
        decision = decide(facts, a_program(), [some_terms(lock=Lock())], policy=NO_SELF_REFERRAL)
        assert [(credit.partner, credit.commission_minor) for credit in decision.credits] == [("anna", 1_000)]


def test_rules_see_the_same_in_whatever_order_it_was_told() -> None:
    signals = [
        Signal("self_email", partner, detail)
        for partner, detail in (("b", "x"), ("a", "y"), ("a", "x"), (None, "z"))
    ]
    cases = [
        case_of(some_facts(None, a_touch(), signals=told), [some_terms()], NO_POLICY)
        for told in permutations(signals)
    ]
    assert all(case == cases[0] for case in cases)


def test_rules_have_nothing_to_look_at_where_nobody_earns() -> None:
    assert case_of(some_facts(), [some_terms()], NO_POLICY) is None
    case = case_of(some_facts(None, a_touch("ben")), [some_terms()], NO_POLICY)
    assert case is not None
    assert case.earners == {"ben"}
