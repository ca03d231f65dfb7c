"""Any order of arrival, any times of settling: the same facts come to the same money.

Facts arrive at random and the job runs at random, while months close. After every run what was booked is
compared with a plain model, and at the end with one single run over all that is known.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain.conversion import AdjustmentKind, Outcome
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.journal import EARNING_KINDS, Account, Books, Kind
from chalicelib.domain.money import MAX_AMOUNT_MINOR, allot
from chalicelib.domain.period import Month
from chalicelib.domain.settlement import Booked, Settlement, settle
from chalicelib.domain.terms import CouponRule
from tests.domain.builders import (
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

PROGRAM = a_program(timezone="America/New_York")
FAR_AHEAD = days(1_000)
AMOUNTS = st.sampled_from([0, 1, 2, 3, 7, 100, 9_999, 10_000, MAX_AMOUNT_MINOR])
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])

Nets = dict[tuple[str, str], int]


def expected_whole(facts: Facts, versions: Any) -> tuple[int, int] | None:
    """Sale and commission that stand over all partners; None where nothing may stand.

    Plain integers: the part that was taken back is rounded half up, once.
    """
    decision = decide(facts, PROGRAM, versions)
    kinds = {adjustment.kind for adjustment in facts.adjustments}
    if decision.outcome is not Outcome.RECORDED or kinds & {AdjustmentKind.VOID, AdjustmentKind.REJECT}:
        return None
    refunds = [a.amount_minor for a in facts.adjustments if a.kind is AdjustmentKind.REFUND]
    amount = facts.effective.content.amount_minor
    if None in refunds or (refunds and sum(r or 0 for r in refunds) >= amount):
        return None
    taken = sum(refund or 0 for refund in refunds)
    exact = decision.commission_exact
    whole = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
    numerator, denominator = exact.numerator * taken, exact.denominator * max(amount, 1)
    return amount - taken, whole - min(whole, (2 * numerator + denominator) // (2 * denominator))


class Conversion(RuleBasedStateMachine):
    """One conversion, whose facts arrive while it is settled."""

    facts: Facts
    booked: Booked
    last: Settlement | None = None

    @initialize(
        browser=st.sampled_from([True, True, False]),
        trusts=st.sampled_from([True, True, False]),
        amount=AMOUNTS,
        currency=CURRENCIES,
        model=st.sampled_from(["last", "first", "linear", "position", "time_decay"]),
        coupon=st.sampled_from(list(CouponRule)),
        commission=st.sampled_from([percent(1_000), percent(3_333), percent(10_000), percent(0), flat(250)]),
        hold_days=st.sampled_from([0, 1, 30, 60]),
        early=st.lists(st.sampled_from(["refund", "void", "reject", "approve"]), max_size=1),
        clicked=st.sampled_from(["anna", "berta", None]),
    )
    def begin(
        self,
        browser: bool,
        trusts: bool,
        amount: int,
        currency: str,
        model: str,
        coupon: CouponRule,
        commission: Any,
        hold_days: int,
        early: list[str],
        clicked: str | None,
    ) -> None:
        rules = {"model": model, "coupon": coupon, "hold_days": hold_days}
        self.versions = (
            some_terms(commission, **rules),
            some_terms(commission, version=2, starts_at=SOLD - days(6), **rules),
            some_terms(percent(500, "lead"), version=3, starts_at=SOLD - days(2), **rules),
        )
        report = from_pixel(amount, currency, confirmed=trusts) if browser else a_report(amount, currency)
        self.facts, self.booked, self.books = (
            some_facts(report, a_touch(clicked, SOLD - days(5))),
            Booked(),
            Books(Month(2026, 9)),
        )
        self.now, self.count = SOLD - days(1), 0
        for kind in early:
            self._adjust(AdjustmentKind(kind), None, timedelta(0))
        self.now = SOLD

    def _learn(self, **changes: Any) -> None:
        self.facts = replace(self.facts, learned_at=max(self.now, self.facts.learned_at), **changes)
        self.last = None

    def _adjust(self, kind: AdjustmentKind, amount: int | None, ahead: timedelta) -> None:
        self.count += 1
        adjustment = an_adjustment(kind, amount, self.now + ahead, id=f"adjustment-{self.count}")
        self.facts = replace(self.facts, adjustments=(*self.facts.adjustments, adjustment))
        self.last = None

    @rule(
        partner=st.sampled_from(["anna", "berta", "carla", "dora", None]),
        days_before=st.integers(-1, 31),
        trusted=st.booleans(),
        evidence=st.sampled_from(["click_id", "journey", "customer"]),
    )
    def tell_a_click(self, partner: str | None, days_before: int, trusted: bool, evidence: str) -> None:
        click = a_touch(partner, SOLD - days(days_before), trusted=trusted, evidence=evidence)
        self._learn(touches=(*self.facts.touches, click))

    @rule(partner=st.sampled_from(["carla", "emma", None]), trusted=st.booleans())
    def tell_a_coupon(self, partner: str | None, trusted: bool) -> None:
        self._learn(coupons=(*self.facts.coupons, a_coupon(partner, f"code-{partner}", trusted)))

    @precondition(lambda self: self.facts.report.from_browser and self.facts.confirmation is None)
    @rule(amount=AMOUNTS, currency=CURRENCIES, later=st.integers(0, 5))
    def confirm_with_other_figures(self, amount: int, currency: str, later: int) -> None:
        occurred = min(SOLD + timedelta(hours=later), self.now)
        self._learn(confirmation=a_report(amount, currency, occurred_at=occurred, received_at=self.now))

    @rule(amount=st.one_of(st.none(), st.integers(1, 12_000)), ahead=st.sampled_from([0, 0, 0, 10]))
    def refund(self, amount: int | None, ahead: int) -> None:
        self._adjust(AdjustmentKind.REFUND, amount, timedelta(minutes=ahead))

    @rule(kind=st.sampled_from([AdjustmentKind.APPROVE, AdjustmentKind.VOID, AdjustmentKind.REJECT]))
    def review(self, kind: AdjustmentKind) -> None:
        self._adjust(kind, None, timedelta(0))

    @rule(hours=st.sampled_from([1, 24, 24 * 10, 24 * 31]))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.last = None

    @rule()
    def close_a_month(self) -> None:
        month = self.books.next_to_close
        if month.end(PROGRAM.timezone) + days(1) <= self.now:
            self._settle(self.now)
            self.books = replace(self.books, closed_through=month)

    @rule()
    def run_the_job(self) -> None:
        self._settle(self.now)
        self.last = self._step(self.booked, self.now)
        assert self.last.entries == ()

    def _step(self, booked: Booked, now: datetime) -> Settlement:
        decision = decide(self.facts, PROGRAM, self.versions)
        return settle(self.facts, decision, booked, PROGRAM, self.books, now)

    def _settle(self, now: datetime) -> None:
        while True:
            done = self._step(self.booked, now)
            assert done.booked.entries == self.booked.entries + done.entries
            for entry in done.entries:
                assert entry.month >= self.books.next_to_close or self.books.closed_through is None
                assert entry.booked_at >= entry.month.start(PROGRAM.timezone)
                assert entry.kind is not Kind.RELEASE or entry.booked_at <= max(now, entry.booked_at)
            self.booked = done.booked
            if done.due_at is None or done.due_at > now:
                return

    def _nets(self, booked: Booked) -> tuple[Nets, Nets, dict[Account, Nets]]:
        sales: Nets = Counter()
        commissions: Nets = Counter()
        held: dict[Account, Nets] = {Account.PENDING: Counter(), Account.PAYABLE: Counter()}
        for entry in booked.entries:
            key = (entry.partner, entry.currency)
            if entry.kind in EARNING_KINDS:
                sales[key] += entry.sale_minor
                commissions[key] += entry.commission_minor
                held[entry.account][key] += entry.commission_minor
            else:
                held[Account.PENDING][key] -= entry.commission_minor
                held[Account.PAYABLE][key] += entry.commission_minor
        return (
            {key: net for key, net in sales.items() if net},
            {key: net for key, net in commissions.items() if net},
            {account: {key: net for key, net in nets.items() if net} for account, nets in held.items()},
        )

    @invariant()
    def nobody_ever_owes_and_ids_are_unique(self) -> None:
        if not hasattr(self, "booked"):
            return
        sales, commissions, held = self._nets(self.booked)
        assert all(net > 0 for nets in (sales, commissions, *held.values()) for net in nets.values())
        assert len({entry.id for entry in self.booked.entries}) == len(self.booked.entries)
        assert sum(entry.first for entry in self.booked.entries) == bool(self.booked.entries)
        releases = [entry.partner for entry in self.booked.entries if entry.kind is Kind.RELEASE]
        assert len(releases) == len(set(releases))

    @invariant()
    def after_a_run_the_model_is_right(self) -> None:
        if self.last is None or any(a.received_at > self.now for a in self.facts.adjustments):
            return
        self._check_model(self.last)

    def _check_model(self, last: Settlement) -> None:
        sales, commissions, held = self._nets(self.booked)
        decision = decide(self.facts, PROGRAM, self.versions)
        whole = expected_whole(self.facts, self.versions)
        if whole is None:
            assert (sales, commissions, held) == ({}, {}, {Account.PENDING: {}, Account.PAYABLE: {}})
            return
        assert (sum(sales.values()), sum(commissions.values())) == whole
        assert {currency for _, currency in (*sales, *commissions)} <= {decision.currency}
        if not any(a.kind is AdjustmentKind.REFUND for a in self.facts.adjustments):
            parts = allot(whole[1], [credit.share for credit in decision.credits])
            earned = {
                (c.partner, decision.currency): p for c, p in zip(decision.credits, parts, strict=True) if p
            }
            assert commissions == earned
        released = self.booked.released
        assert held[Account.PENDING if released else Account.PAYABLE] == {}
        assert held[Account.PAYABLE if released else Account.PENDING] == commissions

    def teardown(self) -> None:
        if not hasattr(self, "booked"):
            return
        end = self.now + FAR_AHEAD
        self._settle(end)
        step_by_step, state = self._nets(self.booked), self._step(self.booked, end).state
        self.booked = Booked()
        self.facts = replace(
            self.facts, adjustments=self.facts.adjustments[::-1], touches=self.facts.touches[::-1]
        )
        self._settle(end)
        at_once = self._step(self.booked, end)
        assert self._nets(self.booked) == step_by_step
        assert at_once.state == state
        assert at_once.due_at is None
        self._check_model(at_once)


Conversion.TestCase.settings = settings(max_examples=200, stateful_step_count=15, deadline=None)
TestConversion = Conversion.TestCase
