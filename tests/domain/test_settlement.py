"""Settlement: entries follow from facts, whenever the job runs and in whatever order they came."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import permutations

import pytest

from chalicelib.domain.conversion import AdjustmentKind, Outcome, Report, State
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.journal import EARNING_KINDS, Account, Books, Entry, Kind
from chalicelib.domain.path import MAX_PARTNERS
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.settlement import (
    MAX_ADJUSTMENTS,
    MAX_BOOKED_AT_ONCE,
    Booked,
    Settlement,
    reversed_part,
    settle,
)
from chalicelib.domain.terms import Terms
from tests.domain.builders import (
    RETURNED,
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

OPEN = Books(Month(2026, 1))
HOLD_OVER = SOLD + days(30)
LATER = SOLD + days(400)
VOID, REJECT, APPROVE = AdjustmentKind.VOID, AdjustmentKind.REJECT, AdjustmentKind.APPROVE


class Desk:
    """Settles one conversion again and again, and keeps what was booked."""

    def __init__(self, *versions: Terms, program: Program | None = None, books: Books = OPEN) -> None:
        self.versions = versions or (some_terms(),)
        self.program = program or a_program()
        self.books = books
        self.booked = Booked()

    def settle(self, facts: Facts, now: datetime) -> Settlement:
        decision = decide(facts, self.program, self.versions)
        settlement = settle(facts, decision, self.booked, self.program, self.books, now)
        assert settlement.booked.entries == self.booked.entries + settlement.entries
        self.booked = settlement.booked
        return settlement

    def settle_to_the_end(self, facts: Facts, now: datetime = LATER) -> Settlement:
        while (settlement := self.settle(facts, now)).due_at is not None and settlement.due_at <= now:
            pass
        return settlement


def lines(entries: Iterable[Entry]) -> list[tuple[str, str, int, int]]:
    return [(entry.kind, entry.partner, entry.sale_minor, entry.commission_minor) for entry in entries]


def standing(booked: Booked) -> dict[tuple[str, str], tuple[int, int]]:
    """Sale and commission by partner and currency, where there are any."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for entry in booked.entries:
        if entry.kind in EARNING_KINDS:
            sale, commission = sums.get((entry.partner, entry.currency), (0, 0))
            sums[entry.partner, entry.currency] = (
                sale + entry.sale_minor,
                commission + entry.commission_minor,
            )
    return {key: amounts for key, amounts in sums.items() if amounts != (0, 0)}


def accounts(booked: Booked) -> dict[tuple[str, str, Account], int]:
    """What lies in each account, by partner and currency, where there is anything."""
    sums: dict[tuple[str, str, Account], int] = {}
    for entry in booked.entries:
        moves = {entry.account: entry.commission_minor}
        if entry.kind is Kind.RELEASE:
            moves = {Account.PENDING: -entry.commission_minor, Account.PAYABLE: entry.commission_minor}
        for account, amount in moves.items():
            key = (entry.partner, entry.currency, account)
            sums[key] = sums.get(key, 0) + amount
    return {key: amount for key, amount in sums.items() if amount}


def split_facts(amount: int = 10_000, *partners: str, **changes: object) -> Facts:
    names = partners or ("anna", "berta", "carla")
    touches = [a_touch(name, SOLD - timedelta(hours=len(names) - n)) for n, name in enumerate(names)]
    return some_facts(a_report(amount), *touches, **changes)


LINEAR = some_terms(model="linear")


class TestAccrualAndRelease:
    """What a sale earns is booked once, held, and released once."""

    def test_a_sale_accrues_for_everybody_who_is_credited(self) -> None:
        desk = Desk(LINEAR)
        settlement = desk.settle(split_facts(), SOLD)
        assert lines(settlement.entries) == [
            ("accrual", "anna", 3_334, 334),
            ("accrual", "berta", 3_333, 333),
            ("accrual", "carla", 3_333, 333),
        ]
        assert [entry.first for entry in settlement.entries] == [True, False, False]
        assert {entry.account for entry in settlement.entries} == {Account.PENDING}
        assert (settlement.state, settlement.due_at) == (State.PENDING, HOLD_OVER)

    def test_a_line_names_what_made_it(self) -> None:
        (entry,) = Desk().settle(some_facts(None, a_touch(click_id="one")), SOLD).entries
        assert (entry.basis, entry.terms_version, entry.rate, entry.share) == (
            "click one",
            1,
            "1000 bp",
            "1/1",
        )
        assert (entry.order_id, entry.event, entry.code) == ("1001", "purchase", "anna-code")

    def test_it_is_released_when_the_hold_is_over_and_not_before(self) -> None:
        desk, facts = Desk(), some_facts(None, a_touch())
        desk.settle(facts, SOLD)
        assert desk.settle(facts, HOLD_OVER - timedelta(milliseconds=1)).entries == ()
        settlement = desk.settle(facts, HOLD_OVER)
        assert lines(settlement.entries) == [("release", "anna", 0, 1_000)]
        assert settlement.entries[0].booked_at == HOLD_OVER
        assert (settlement.state, settlement.due_at) == (State.APPROVED, None)

    def test_it_is_released_once_however_often_the_job_runs(self) -> None:
        desk, facts = Desk(), some_facts(None, a_touch())
        for hours in range(0, 24 * 40, 7):
            desk.settle(facts, SOLD + timedelta(hours=hours))
        assert [kind for kind, *_ in lines(desk.booked.entries)] == ["accrual", "release"]

    def test_a_run_that_is_late_books_what_timely_ones_would_have(self) -> None:
        facts = some_facts(None, a_touch(), adjustments=(a_refund(3_000), a_refund(1, HOLD_OVER + days(1))))
        timely, late = Desk(), Desk()
        for day in range(60):
            timely.settle(facts, SOLD + days(day))
        late.settle(facts, SOLD + days(300))
        assert late.booked == timely.booked

    def test_without_a_hold_it_is_payable_at_once(self) -> None:
        desk = Desk(some_terms(hold_days=0))
        settlement = desk.settle(some_facts(None, a_touch()), SOLD)
        assert lines(settlement.entries) == [
            ("accrual", "anna", 10_000, 1_000),
            ("release", "anna", 0, 1_000),
        ]
        assert settlement.state is State.APPROVED

    def test_a_hold_runs_from_when_the_sale_occurred(self) -> None:
        facts = some_facts(a_report(received_at=SOLD + days(10)), a_touch())
        assert Desk().settle(facts, SOLD + days(10)).due_at == HOLD_OVER

    def test_a_sale_told_after_its_hold_is_released_when_it_was_told(self) -> None:
        told = SOLD + days(50)
        settlement = Desk().settle(some_facts(a_report(received_at=told), a_touch()), told)
        assert [entry.booked_at for entry in settlement.entries] == [told, told]

    def test_nothing_is_released_where_nothing_was_earned(self) -> None:
        desk = Desk()
        settlement = desk.settle_to_the_end(some_facts(a_report(0), a_touch()))
        assert lines(desk.booked.entries) == [("accrual", "anna", 0, 0)]
        assert (settlement.state, settlement.due_at) == (State.APPROVED, None)

    @pytest.mark.parametrize("facts", [some_facts(), some_facts(from_pixel(), a_touch())])
    def test_nothing_is_booked_for_what_nobody_earned_or_nobody_confirmed(self, facts: Facts) -> None:
        settlement = Desk().settle(facts, LATER)
        assert (settlement.entries, settlement.due_at) == ((), None)
        assert settlement.state in {State.UNATTRIBUTED, State.HELD}


class TestRefunds:
    """Refunds take back at the original rate and split, never more than was booked."""

    @pytest.mark.parametrize("after_release", [False, True])
    def test_a_part_takes_its_part_and_the_rest_is_released(self, after_release: bool) -> None:
        returned = HOLD_OVER + days(1) if after_release else RETURNED
        desk = Desk(LINEAR)
        desk.settle_to_the_end(split_facts(adjustments=(a_refund(5_000, returned),)))
        assert standing(desk.booked) == {
            ("anna", "EUR"): (1_667, 167),
            ("berta", "EUR"): (1_666, 166),
            ("carla", "EUR"): (1_667, 167),
        }
        payable = dict(accounts(desk.booked).items())
        assert {account for *_, account in payable} == {Account.PAYABLE}
        assert sum(payable.values()) == 500

    @pytest.mark.parametrize("kind", [AdjustmentKind.REFUND, VOID, REJECT])
    @pytest.mark.parametrize("at", [SOLD, RETURNED, HOLD_OVER, HOLD_OVER + days(60)])
    @pytest.mark.parametrize("amount", [0, 1, 7, 9_999, 10_000, 2**53 - 1])
    def test_the_whole_nets_to_nothing_for_every_partner(
        self, kind: AdjustmentKind, at: datetime, amount: int
    ) -> None:
        desk = Desk(LINEAR)
        facts = split_facts(amount)
        desk.settle(facts, SOLD)
        settlement = desk.settle_to_the_end(replace(facts, adjustments=(an_adjustment(kind, at=at),)))
        assert standing(desk.booked) == {}
        assert accounts(desk.booked) == {}
        assert settlement.state is (State.REJECTED if kind is REJECT else State.REVERSED)

    def test_refunds_that_add_up_to_the_sale_net_to_nothing_in_every_order(self) -> None:
        refunds = [
            a_refund(amount, RETURNED + days(amount % 5), id=f"r{amount}") for amount in (1, 33, 4_321, 5_645)
        ]
        for order in permutations(refunds):
            desk, facts = Desk(LINEAR), split_facts()
            desk.settle(facts, SOLD)
            for count in range(1, 5):
                desk.settle_to_the_end(replace(facts, adjustments=order[:count]))
            assert standing(desk.booked) == {}

    def test_a_partner_never_gets_back_what_a_refund_took(self) -> None:
        desk, facts = Desk(LINEAR), split_facts(1_000)
        desk.settle(facts, SOLD)
        refunds = tuple(a_refund(25, id=f"r{number}") for number in range(40))
        for count in range(1, 41):
            desk.settle_to_the_end(replace(facts, adjustments=refunds[:count]), RETURNED)
        reversals = [entry for entry in desk.booked.entries if entry.kind is Kind.REVERSAL]
        assert all(entry.commission_minor <= 0 and entry.sale_minor <= 0 for entry in reversals)
        assert standing(desk.booked) == {}

    def test_a_refund_larger_than_the_sale_takes_the_sale(self) -> None:
        desk = Desk()
        settlement = desk.settle_to_the_end(some_facts(None, a_touch(), adjustments=(a_refund(99_999),)))
        assert (standing(desk.booked), settlement.state) == ({}, State.REVERSED)

    @pytest.mark.parametrize(("amount", "state"), [(1, State.REVERSED), (None, State.REVERSED)])
    def test_any_refund_of_a_sale_of_nothing_takes_a_flat_commission_back(
        self, amount: int | None, state: State
    ) -> None:
        desk = Desk(some_terms(flat(500)))
        settlement = desk.settle_to_the_end(
            some_facts(a_report(0), a_touch(), adjustments=(a_refund(amount),))
        )
        assert (standing(desk.booked), settlement.state) == ({}, state)

    def test_a_refund_that_came_before_its_order_is_answered_when_the_order_comes(self) -> None:
        facts = some_facts(None, a_touch(), adjustments=(a_refund(4_000, SOLD - days(3)),))
        settlement = Desk().settle(facts, SOLD)
        assert lines(settlement.entries) == [
            ("accrual", "anna", 10_000, 1_000),
            ("reversal", "anna", -4_000, -400),
        ]
        assert {entry.booked_at for entry in settlement.entries} == {SOLD}

    def test_the_whole_reversal_is_rounded_once_like_the_commission(self) -> None:
        desk = Desk(LINEAR)
        desk.settle_to_the_end(split_facts(15, adjustments=(a_refund(5),)), RETURNED)
        assert sum(entry.commission_minor for entry in desk.booked.entries) == 2 - 1
        assert sum(entry.sale_minor for entry in desk.booked.entries) == 10

    def test_a_reversal_names_the_accrual_it_answers_and_why(self) -> None:
        desk, facts = Desk(), some_facts(None, a_touch())
        (accrual,) = desk.settle(facts, SOLD).entries
        (reversal,) = desk.settle(replace(facts, adjustments=(a_refund(1_000, id="r1"),)), RETURNED).entries
        assert (reversal.reverses, reversal.cause) == (accrual.id, "refund r1: returned")
        assert (reversal.share, reversal.rate, reversal.basis) == (accrual.share, accrual.rate, accrual.basis)

    @pytest.mark.parametrize(("currency", "amount", "kept"), [("JPY", 1_005, 67), ("KWD", 1_005, 67)])
    def test_currencies_without_cents_and_with_mills_are_as_exact(
        self, currency: str, amount: int, kept: int
    ) -> None:
        desk = Desk()
        facts = some_facts(a_report(amount, currency), a_touch(), adjustments=(a_refund(335),))
        desk.settle_to_the_end(facts)
        assert standing(desk.booked) == {("anna", currency): (670, kept)}

    def test_what_was_taken_back_before_the_hold_ended_is_not_released(self) -> None:
        desk = Desk()
        desk.settle_to_the_end(some_facts(None, a_touch(), adjustments=(a_refund(2_500),)))
        assert lines(desk.booked.entries)[-1] == ("release", "anna", 0, 750)

    def test_what_is_taken_back_at_the_very_end_of_the_hold_is_not_released_either(self) -> None:
        for name in ("a refund", "Z"):
            desk, refund = Desk(), a_refund(2_500, HOLD_OVER, id=name)
            desk.settle_to_the_end(some_facts(None, a_touch(), adjustments=(refund,)))
            assert [kind for kind, *_ in lines(desk.booked.entries)] == ["accrual", "reversal", "release"]

    def test_what_is_taken_back_after_the_release_comes_out_of_the_payable(self) -> None:
        desk, facts = Desk(), some_facts(None, a_touch())
        desk.settle(facts, HOLD_OVER)
        refund = a_refund(2_500, HOLD_OVER + days(1))
        (entry,) = desk.settle(replace(facts, adjustments=(refund,)), LATER).entries
        assert (entry.account, entry.commission_minor) == (Account.PAYABLE, -250)


class TestReview:
    """Approvals and rejections."""

    def test_a_held_sale_accrues_when_it_is_approved(self) -> None:
        approval = an_adjustment(APPROVE, at=SOLD + days(5))
        settlement = Desk().settle(
            some_facts(from_pixel(), a_touch(), adjustments=(approval,)), SOLD + days(5)
        )
        assert lines(settlement.entries) == [("accrual", "anna", 10_000, 1_000)]
        assert settlement.entries[0].booked_at == SOLD + days(5)
        assert settlement.due_at == HOLD_OVER

    def test_approved_after_its_hold_it_is_payable_from_then(self) -> None:
        approved = HOLD_OVER + days(3)
        facts = some_facts(from_pixel(), a_touch(), adjustments=(an_adjustment(APPROVE, at=approved),))
        assert {entry.booked_at for entry in Desk().settle(facts, LATER).entries} == {approved}

    @pytest.mark.parametrize("order", list(permutations([APPROVE, REJECT])))
    def test_a_rejection_outweighs_an_approval_before_or_after_it(
        self, order: Sequence[AdjustmentKind]
    ) -> None:
        desk = Desk()
        known: tuple[object, ...] = ()
        for number, kind in enumerate(order):
            known = (*known, an_adjustment(kind, at=RETURNED + days(number)))
            facts = some_facts(from_pixel(), a_touch(), adjustments=known)
            settlement = desk.settle(facts, RETURNED + days(number))
        assert settlement.state is State.REJECTED
        assert standing(desk.booked) == {}

    def test_a_rejection_before_anything_was_booked_books_nothing(self) -> None:
        facts = some_facts(None, a_touch(), adjustments=(an_adjustment(REJECT),))
        settlement = Desk().settle(facts, LATER)
        assert (settlement.entries, settlement.state, settlement.due_at) == ((), State.REJECTED, None)

    def test_an_approval_after_the_reversal_pays_nothing(self) -> None:
        desk, facts = Desk(), some_facts(from_pixel(), a_touch())
        adjustments = (an_adjustment(VOID), an_adjustment(APPROVE, at=RETURNED + days(1)))
        settlement = desk.settle_to_the_end(replace(facts, adjustments=adjustments))
        assert (standing(desk.booked), settlement.state) == ({}, State.REVERSED)


class TestCorrections:
    """Evidence that comes late moves credit by entries of their own."""

    def test_a_later_click_moves_the_credit_and_sums_stay_exact(self) -> None:
        desk = Desk()
        first = some_facts(None, a_touch("anna", SOLD - days(3)))
        (accrual,) = desk.settle(first, SOLD).entries
        learned = SOLD + days(4)
        more = replace(first, touches=(*first.touches, a_touch("berta", SOLD - days(1))), learned_at=learned)
        settlement = desk.settle(more, learned)
        assert lines(settlement.entries) == [
            ("correction", "anna", -10_000, -1_000),
            ("correction", "berta", 10_000, 1_000),
        ]
        assert {entry.booked_at for entry in settlement.entries} == {learned}
        assert [entry.reverses for entry in settlement.entries] == [accrual.id, None]

    def test_after_the_release_a_correction_moves_payable_money(self) -> None:
        desk = Desk()
        first = some_facts(None, a_touch("anna", SOLD - days(3)))
        desk.settle(first, HOLD_OVER)
        more = replace(first, touches=(*first.touches, a_touch("berta")), learned_at=HOLD_OVER + days(1))
        desk.settle(more, HOLD_OVER + days(1))
        assert accounts(desk.booked) == {("berta", "EUR", Account.PAYABLE): 1_000}

    def test_refunds_that_were_answered_hold_for_the_new_split_too(self) -> None:
        desk = Desk(LINEAR)
        facts = some_facts(None, a_touch("anna", SOLD - days(3)), adjustments=(a_refund(4_000),))
        desk.settle(facts, RETURNED)
        more = replace(facts, touches=(*facts.touches, a_touch("berta")), learned_at=RETURNED + days(1))
        desk.settle(more, RETURNED + days(1))
        assert standing(desk.booked) == {("anna", "EUR"): (3_000, 300), ("berta", "EUR"): (3_000, 300)}

    def test_an_unattributed_sale_that_finds_its_click_accrues_in_its_own_month(self) -> None:
        desk = Desk()
        assert desk.settle(some_facts(), SOLD).state is State.UNATTRIBUTED
        learned = SOLD + days(40)
        settlement = desk.settle(some_facts(None, a_touch(), learned_at=learned), learned)
        assert [entry.kind for entry in settlement.entries] == [Kind.ACCRUAL, Kind.RELEASE]
        assert settlement.entries[0].month == Month(2026, 10)

    def test_what_loses_its_last_partner_goes_back_to_nothing(self) -> None:
        desk = Desk()
        doubtful = a_touch("anna", trusted=False)
        desk.settle(some_facts(None, doubtful), SOLD)
        told = a_touch(None, SOLD - days(2), channel="search", evidence="click_id")
        settlement = desk.settle(some_facts(None, doubtful, told, learned_at=RETURNED), RETURNED)
        assert (settlement.state, settlement.due_at) == (State.UNATTRIBUTED, None)
        assert standing(desk.booked) == {}

    def test_what_can_no_longer_be_priced_goes_back_to_nothing_until_it_can(self) -> None:
        desk = Desk(some_terms(), some_terms(percent(500, "lead"), version=2, starts_at=SOLD - days(2)))
        first = some_facts(None, a_touch("anna", SOLD - days(3)))
        desk.settle(first, SOLD)
        more = replace(first, touches=(*first.touches, a_touch("berta")), learned_at=RETURNED)
        settlement = desk.settle(more, LATER)
        assert (settlement.state, settlement.due_at) == (State.HELD, None)
        assert (standing(desk.booked), accounts(desk.booked)) == ({}, {})
        voided = replace(more, adjustments=(an_adjustment(VOID, at=LATER),))
        assert desk.settle_to_the_end(voided).state is State.REVERSED
        assert standing(desk.booked) == {}

    def test_a_confirmation_in_another_currency_moves_the_credit_there(self) -> None:
        desk = Desk()
        first = some_facts(from_pixel(confirmed=True), a_touch())
        desk.settle(first, SOLD)
        confirmation = a_report(12_000, "USD", received_at=RETURNED)
        more = replace(first, confirmation=confirmation, learned_at=RETURNED)
        assert lines(desk.settle(more, RETURNED).entries) == [
            ("correction", "anna", -10_000, -1_000),
            ("correction", "anna", 12_000, 1_200),
        ]
        desk.settle_to_the_end(more)
        assert accounts(desk.booked) == {("anna", "USD", Account.PAYABLE): 1_200}

    def test_money_is_not_released_before_the_correction_that_brought_it(self) -> None:
        desk = Desk()
        first = some_facts(None, a_touch("anna", SOLD - days(3)))
        desk.settle(first, SOLD)
        learned = HOLD_OVER + days(20)
        more = replace(first, touches=(*first.touches, a_touch("berta")), learned_at=learned)
        settlement = desk.settle(more, learned)
        assert [(entry.kind, entry.booked_at) for entry in settlement.entries] == [
            (Kind.CORRECTION, learned),
            (Kind.CORRECTION, learned),
            (Kind.RELEASE, learned),
        ]

    def test_a_coupon_told_late_takes_the_credit(self) -> None:
        desk, facts = Desk(), some_facts(None, a_touch("anna"))
        desk.settle(facts, SOLD)
        desk.settle_to_the_end(replace(facts, coupons=(a_coupon("carla"),), learned_at=RETURNED))
        assert accounts(desk.booked) == {("carla", "EUR", Account.PAYABLE): 1_000}


class TestCounting:
    """How many sales stand for a partner follows from the entries alone."""

    def counted(self, desk: Desk) -> list[tuple[str, str, int]]:
        return [(entry.kind, entry.partner, entry.counted) for entry in desk.booked.entries]

    def test_a_sale_counts_once_for_everybody_who_is_credited_whatever_is_released(self) -> None:
        desk = Desk(LINEAR)
        desk.settle_to_the_end(split_facts(10_000, "anna", "berta"))
        assert self.counted(desk) == [
            *(("accrual", name, 1) for name in ("anna", "berta")),
            *(("release", name, 0) for name in ("anna", "berta")),
        ]
        assert [entry.counts for entry in desk.booked.entries] == [0] * 4

    def test_it_counts_until_the_last_of_it_is_taken_back(self) -> None:
        desk = Desk()
        refunds = [a_refund(amount, RETURNED + days(n)) for n, amount in enumerate((9_999, 1, 5))]
        desk.settle_to_the_end(some_facts(None, a_touch(), adjustments=tuple(refunds)))
        assert self.counted(desk) == [
            ("accrual", "anna", 1),
            ("reversal", "anna", 0),
            ("reversal", "anna", -1),
        ]

    def test_whoever_loses_the_credit_loses_the_sale_and_the_other_has_it(self) -> None:
        desk, first = Desk(), some_facts(None, a_touch("anna", SOLD - days(3)))
        desk.settle(first, SOLD)
        more = replace(first, touches=(*first.touches, a_touch("berta")), learned_at=RETURNED)
        desk.settle(more, RETURNED)
        assert self.counted(desk)[1:] == [("correction", "anna", -1), ("correction", "berta", 1)]
        assert [entry.share for entry in desk.booked.entries] == ["1/1", "0/1", "1/1"]

    def test_what_was_taken_back_counts_for_nobody_whoever_has_the_credit(self) -> None:
        desk = Desk()
        first = some_facts(None, a_touch("anna", SOLD - days(3)), adjustments=(a_refund(),))
        desk.settle(first, RETURNED)
        later = RETURNED + days(1)
        desk.settle(replace(first, touches=(*first.touches, a_touch("berta")), learned_at=later), later)
        assert self.counted(desk) == [("accrual", "anna", 1), ("reversal", "anna", -1)]


class TestMonths:
    """Each entry belongs to the month of its cause while that is open, else to the oldest open one."""

    LAST_MOMENT = datetime(2026, 10, 31, 23, 59, 59, 999_000, tzinfo=SOLD.tzinfo)

    def test_an_accrual_belongs_to_the_month_of_its_sale_and_the_rest_to_that_of_their_cause(self) -> None:
        report = a_report(occurred_at=self.LAST_MOMENT, received_at=self.LAST_MOMENT + timedelta(hours=2))
        refund = a_refund(1_000, self.LAST_MOMENT + days(40))
        desk = Desk()
        desk.settle_to_the_end(some_facts(report, a_touch(at=SOLD), adjustments=(refund,)))
        assert [(entry.kind, str(entry.month)) for entry in desk.booked.entries] == [
            (Kind.ACCRUAL, "2026-10"),
            (Kind.RELEASE, "2026-11"),
            (Kind.REVERSAL, "2026-12"),
        ]

    def test_what_changes_the_sale_of_another_month_names_that_month(self) -> None:
        refunds = a_refund(1_000, SOLD + days(1)), a_refund(500, SOLD + days(20))
        desk = Desk()
        desk.settle_to_the_end(some_facts(None, a_touch(), adjustments=refunds))
        assert [(entry.kind, entry.sold_in) for entry in desk.booked.entries] == [
            (Kind.ACCRUAL, None),
            (Kind.REVERSAL, None),
            (Kind.REVERSAL, Month(2026, 10)),
            (Kind.RELEASE, None),
        ]

    def test_what_a_closed_month_misses_goes_to_the_oldest_open_one_from_its_first_instant(self) -> None:
        desk = Desk(books=Books(Month(2026, 1), closed_through=Month(2026, 11)))
        (accrual, release) = desk.settle(some_facts(None, a_touch()), LATER).entries
        december = datetime(2026, 12, 1, tzinfo=SOLD.tzinfo)
        assert {entry.month for entry in (accrual, release)} == {Month(2026, 12)}
        assert {entry.booked_at for entry in (accrual, release)} == {december}
        assert accrual.occurred_at == SOLD
        assert accrual.sort_key < release.sort_key

    @pytest.mark.parametrize(
        ("timezone", "month"),
        [("UTC", "2026-11"), ("America/New_York", "2026-10"), ("Asia/Tokyo", "2026-11")],
    )
    def test_the_programs_time_zone_decides(self, timezone: str, month: str) -> None:
        at = datetime(2026, 11, 1, 3, 59, 59, tzinfo=SOLD.tzinfo)
        desk = Desk(program=a_program(timezone=timezone))
        (entry,) = desk.settle(
            some_facts(a_report(occurred_at=at, received_at=at), a_touch(at=SOLD)), at
        ).entries
        assert str(entry.month) == month

    def test_no_entry_changes_when_books_close_meanwhile(self) -> None:
        desk, facts = Desk(), some_facts(None, a_touch())
        desk.settle(facts, SOLD)
        before = desk.booked.entries
        desk.books = replace(OPEN, closed_through=Month(2026, 11))
        settlement = desk.settle(facts, LATER)
        assert desk.booked.entries[: len(before)] == before
        assert {str(entry.month) for entry in settlement.entries} == {"2026-12"}


class TestClocks:
    """Clocks that differ, and jobs that run early."""

    def test_an_adjustment_of_a_clock_that_is_ahead_waits_and_is_not_forgotten(self) -> None:
        desk, facts = Desk(), some_facts(None, a_touch())
        desk.settle(facts, HOLD_OVER)
        ahead = HOLD_OVER + timedelta(minutes=10)
        refunded = replace(facts, adjustments=(a_refund(None, ahead),))
        settlement = desk.settle(refunded, HOLD_OVER)
        assert (settlement.entries, settlement.due_at) == ((), ahead)
        assert desk.settle(refunded, ahead).due_at is None
        assert standing(desk.booked) == {}

    def test_settling_twice_at_the_same_time_books_nothing_more(self) -> None:
        facts = split_facts(adjustments=(a_refund(77), an_adjustment(VOID, at=HOLD_OVER + days(1))))
        for now in (SOLD, RETURNED, HOLD_OVER, LATER):
            desk = Desk(LINEAR)
            desk.settle_to_the_end(facts, now)
            assert desk.settle(facts, now).entries == ()


class TestSize:
    """One transaction carries what is booked at once."""

    def crowded(self) -> Facts:
        refunds = (a_refund(25, RETURNED + days(n * 31), id=f"r{n}") for n in range(MAX_ADJUSTMENTS))
        names = [f"p{number}" for number in range(MAX_PARTNERS)]
        return split_facts(1_000_000, *names, adjustments=tuple(refunds))

    def test_more_than_it_carries_is_booked_in_several(self) -> None:
        desk, facts = Desk(LINEAR), self.crowded()
        forever = SOLD + days(2_000)
        rounds = 0
        while True:
            settlement = desk.settle(facts, forever)
            months = {entry.month for entry in settlement.entries}
            assert len(settlement.entries) + len(months) <= MAX_BOOKED_AT_ONCE
            rounds += 1
            if settlement.due_at is None:
                break
            assert settlement.due_at <= forever
            assert settlement.entries
        assert rounds > 1
        assert sum(sale for sale, _ in standing(desk.booked).values()) == 1_000_000 - 25 * MAX_ADJUSTMENTS

    def test_it_is_filled_to_the_brim_and_not_beyond(self) -> None:
        """Ten partners: an accrual and eight refunds are 90 entries, in 7 months."""
        returned = [SOLD, SOLD, *(SOLD + days(n * 30) for n in range(1, 9))]
        refunds = tuple(a_refund(25, at, id=f"r{n}") for n, at in enumerate(returned))
        names = [f"p{number}" for number in range(MAX_PARTNERS)]
        facts = split_facts(1_000_000, *names, adjustments=refunds)
        settlement = Desk(some_terms(model="linear", hold_days=900)).settle(facts, SOLD + days(800))
        assert len(settlement.entries) + len({entry.month for entry in settlement.entries}) == 97
        assert settlement.due_at == returned[8]

    def test_entry_ids_are_unique_and_depend_on_their_cause_alone(self) -> None:
        desk, again = Desk(LINEAR), Desk(LINEAR)
        desk.settle_to_the_end(self.crowded(), SOLD + days(2_000))
        again.settle_to_the_end(self.crowded(), SOLD + days(2_000))
        assert desk.booked == again.booked
        assert len({entry.id for entry in desk.booked.entries}) == len(desk.booked.entries)


@pytest.mark.parametrize(
    ("amount", "refunds", "part"),
    [
        (10_000, [], 0),
        (10_000, [2_500], Fraction(1, 4)),
        (10_000, [2_500, 2_500], Fraction(1, 2)),
        (10_000, [None], 1),
        (10_000, [1, None], 1),
        (10_000, [9_999, 2], 1),
        (0, [], 0),
        (0, [5], 1),
        (0, [None], 1),
    ],
)
def test_refunds_take_their_part_of_the_sale(
    amount: int, refunds: list[int | None], part: Fraction | int
) -> None:
    adjustments = [a_refund(refund, id=str(number)) for number, refund in enumerate(refunds)]
    assert reversed_part(some_facts(a_report(amount)), adjustments) == part


def test_a_held_sale_that_is_confirmed_from_another_time_is_held_from_then() -> None:
    confirmation: Report = a_report(occurred_at=SOLD + days(1), received_at=SOLD + days(2))
    facts = some_facts(from_pixel(), a_touch(), confirmation=confirmation, learned_at=SOLD + days(2))
    settlement = Desk().settle(facts, SOLD + days(2))
    assert settlement.due_at == SOLD + days(31)
    assert decide(facts, a_program(), (some_terms(),)).outcome is Outcome.RECORDED
