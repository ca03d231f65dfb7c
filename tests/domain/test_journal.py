"""Entries in their order, and the month that takes each."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.journal import Books, Kind
from chalicelib.domain.period import Month
from tests.domain.builders import SOLD, an_entry

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (Month(2026, number) for number in (9, 10, 11, 12))
MONTHS = st.builds(Month, st.integers(2020, 2030), st.integers(1, 12))


@pytest.mark.parametrize(
    ("books", "natural", "taken"),
    [
        (Books(OCTOBER), OCTOBER, OCTOBER),
        (Books(OCTOBER), DECEMBER, DECEMBER),
        (Books(OCTOBER), SEPTEMBER, SEPTEMBER),
        (Books(OCTOBER, closing=OCTOBER), OCTOBER, OCTOBER),
        (Books(OCTOBER, closing=OCTOBER), SEPTEMBER, OCTOBER),
        (Books(SEPTEMBER, closed_through=OCTOBER), SEPTEMBER, NOVEMBER),
        (Books(SEPTEMBER, closed_through=OCTOBER), OCTOBER, NOVEMBER),
        (Books(SEPTEMBER, closed_through=OCTOBER), NOVEMBER, NOVEMBER),
        (Books(SEPTEMBER, closed_through=OCTOBER), DECEMBER, DECEMBER),
        (Books(SEPTEMBER, closed_through=OCTOBER, closing=NOVEMBER), OCTOBER, NOVEMBER),
    ],
)
def test_an_entry_goes_to_its_own_month_while_that_is_open_else_to_the_oldest_open_one(
    books: Books, natural: Month, taken: Month
) -> None:
    assert books.month_for(natural) == taken


@given(MONTHS, MONTHS, MONTHS)
def test_nothing_is_ever_booked_in_a_closed_month_or_before_its_time(
    opened: Month, closed: Month, natural: Month
) -> None:
    taken = Books(opened, closed_through=closed).month_for(natural)
    assert taken > closed
    assert taken >= natural


def test_months_close_one_after_the_other() -> None:
    assert Books(OCTOBER).next_to_close == OCTOBER
    assert Books(OCTOBER, closing=OCTOBER).next_to_close == OCTOBER
    assert Books(OCTOBER, closed_through=OCTOBER).next_to_close == NOVEMBER
    assert Books(OCTOBER, closed_through=DECEMBER).next_to_close == Month(2027, 1)


def test_a_ledger_is_in_order_of_time_then_kind_then_id() -> None:
    first = an_entry(Kind.PAYOUT, id="ent_a", booked_at=SOLD - timedelta(milliseconds=1))
    accrual, another = an_entry(id="ent_b"), an_entry(id="ent_c")
    reversal = an_entry(Kind.REVERSAL, id="ent_a")
    correction = an_entry(Kind.CORRECTION, id="ent_a")
    release = an_entry(Kind.RELEASE, id="ent_a")
    payout = an_entry(Kind.PAYOUT, id="ent_a")
    ordered = [first, accrual, another, reversal, correction, release, payout]
    assert sorted(ordered, key=lambda entry: entry.sort_key) == ordered


def test_a_line_says_what_caused_it_what_earned_it_and_at_which_rate() -> None:
    entry = an_entry(cause="refund r1: returned", basis="coupon save10", rate="1000 bp")
    assert entry.reason == "refund r1: returned; coupon save10; 1000 bp"


@pytest.mark.parametrize(("kind", "counted"), [(kind, int(kind is Kind.ACCRUAL)) for kind in Kind])
def test_of_what_says_nothing_else_an_accrual_alone_is_another_conversion(kind: Kind, counted: int) -> None:
    assert an_entry(kind).counted == counted
