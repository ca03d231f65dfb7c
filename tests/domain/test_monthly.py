"""What a month as a whole adds to, or takes from, what its sales earned."""

import itertools
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.journal import Account, Entry, Kind
from chalicelib.domain.monthly import Monthly, close
from chalicelib.domain.monthly_file import lines, read
from chalicelib.domain.period import Month
from chalicelib.domain.terms import Basis, MonthlyKind, MonthlyRule, MonthlyTier, Terms, TierMode
from tests.domain.builders import a_program, an_entry, some_terms

OCTOBER, NOVEMBER, DECEMBER = Month(2026, 10), Month(2026, 11), Month(2026, 12)
PROGRAM = a_program()
MARGINAL, RETROACTIVE = TierMode.MARGINAL, TierMode.RETROACTIVE

_numbers = itertools.count()


def under(*rules: MonthlyRule, hold_days: int = 14, **changes: Any) -> Terms:
    return replace(some_terms(hold_days=hold_days, **changes), monthly=rules)


def tiered(by: Basis, mode: TierMode, *tiers: tuple[int, int | None, int | None], **more: Any) -> MonthlyRule:
    return MonthlyRule(MonthlyKind.TIERED, by, tuple(MonthlyTier(*tier) for tier in tiers), mode, **more)


def milestones(by: Basis, *tiers: tuple[int, int], **more: Any) -> MonthlyRule:
    return MonthlyRule(
        MonthlyKind.MILESTONE, by, tuple(MonthlyTier(at, None, adds) for at, adds in tiers), **more
    )


def cap(amount: int, **more: Any) -> MonthlyRule:
    return MonthlyRule(MonthlyKind.CAP, amount_minor=amount, **more)


def sale(amount: int = 10_000, commission: int = 1_000, **changes: Any) -> Entry:
    number = next(_numbers)
    named = {"id": f"ent_{number}", "conversion": f"cnv_{number}", "sale_minor": amount}
    return an_entry(commission=commission, **named | changes)


def taken_back(of: Entry, month: Month, part: float = 1, **changes: Any) -> Entry:
    """A reversal of that part of the sale."""
    return replace(
        of,
        id=f"{of.id}-back",
        kind=Kind.REVERSAL,
        month=month,
        sale_minor=-int(of.sale_minor * part),
        commission_minor=-int(of.commission_minor * part),
        reverses=of.id,
        sold_in=of.month if month != of.month else None,
        counts=-1 if part == 1 else 0,
        **changes,
    )


def booked(terms: Terms, *months: list[Entry], carried: Monthly | None = None) -> list[list[Entry]]:
    """What each month books, one after another from October on, each going on from the last one's file."""
    found, month = [], OCTOBER
    for entries in months:
        monthly = read("".join(lines(carried))) if carried else Monthly()
        for entry in entries:
            monthly.add(entry)
        found.append(close(monthly, PROGRAM, [terms], month))
        carried, month = monthly, month.next()
    return found


def amounts(entries: list[Entry]) -> list[tuple[str, int]]:
    return [(str(entry.kind), entry.commission_minor) for entry in entries]


ONE_PERCENT_MORE = (50_000, 100, None)
TWO_PERCENT_MORE = (100_000, 200, None)


@pytest.mark.parametrize(
    ("rule", "sales", "added"),
    [
        (tiered(Basis.AMOUNT, MARGINAL, ONE_PERCENT_MORE, TWO_PERCENT_MORE), 4, 0),
        (tiered(Basis.AMOUNT, MARGINAL, ONE_PERCENT_MORE, TWO_PERCENT_MORE), 5, 0),
        (tiered(Basis.AMOUNT, MARGINAL, ONE_PERCENT_MORE, TWO_PERCENT_MORE), 6, 100),
        (tiered(Basis.AMOUNT, MARGINAL, ONE_PERCENT_MORE, TWO_PERCENT_MORE), 12, 900),
        (tiered(Basis.AMOUNT, RETROACTIVE, ONE_PERCENT_MORE, TWO_PERCENT_MORE), 4, 0),
        (tiered(Basis.AMOUNT, RETROACTIVE, ONE_PERCENT_MORE, TWO_PERCENT_MORE), 5, 500),
        (tiered(Basis.AMOUNT, RETROACTIVE, ONE_PERCENT_MORE, TWO_PERCENT_MORE), 12, 2_400),
        (tiered(Basis.AMOUNT, MARGINAL, (50_000, 10_000, None)), 12, 70_000),
        (tiered(Basis.AMOUNT, RETROACTIVE, (50_000, 10_000, None)), 12, 120_000),
        (tiered(Basis.COUNT, MARGINAL, (3, None, 50)), 3, 0),
        (tiered(Basis.COUNT, MARGINAL, (3, None, 50), (5, None, 80)), 7, 2 * 50 + 2 * 80),
        (tiered(Basis.COUNT, RETROACTIVE, (3, None, 50)), 2, 0),
        (tiered(Basis.COUNT, RETROACTIVE, (3, None, 50)), 7, 350),
        (tiered(Basis.COUNT, RETROACTIVE, (3, 150, None)), 7, 1_050),
        (tiered(Basis.AMOUNT, RETROACTIVE, (20_000, None, 7)), 3, 21),
        (milestones(Basis.COUNT, (2, 500), (4, 1_500)), 1, 0),
        (milestones(Basis.COUNT, (2, 500), (4, 1_500)), 2, 500),
        (milestones(Basis.COUNT, (2, 500), (4, 1_500)), 9, 2_000),
        (milestones(Basis.AMOUNT, (30_000, 500)), 3, 500),
        (cap(5_000), 4, 0),
        (cap(5_000), 5, 0),
        (cap(5_000), 6, -1_000),
        (cap(0), 2, -2_000),
    ],
)
def test_a_rule_comes_to(rule: MonthlyRule, sales: int, added: int) -> None:
    (entries,) = booked(under(rule), [sale() for _ in range(sales)])
    assert amounts(entries) == ([("correction", added)] if added else [])


def test_it_is_reckoned_by_partner_currency_and_event() -> None:
    rule = milestones(Basis.COUNT, (2, 500), event="purchase")
    sales = [sale(), sale(partner="ben"), sale(currency="USD"), sale(event="lead")]
    assert booked(under(rule), sales) == [[]]
    (entries,) = booked(under(rule), [*sales, sale(partner="ben")])
    assert [(entry.partner, entry.commission_minor) for entry in entries] == [("ben", 500)]
    dollars = replace(rule, currency="USD")
    (entries,) = booked(under(dollars), [sale(currency="USD"), sale(currency="USD"), sale(), sale()])
    assert [(entry.currency, entry.commission_minor) for entry in entries] == [("USD", 500)]


def test_the_most_special_rule_counts() -> None:
    rules = [milestones(Basis.COUNT, (1, 1)), milestones(Basis.COUNT, (1, 2), group="vips")]
    terms = under(*rules, milestones(Basis.COUNT, (1, 3), partner="anna"), groups={"vips": ("ben",)})
    (entries,) = booked(terms, [sale(), sale(partner="ben"), sale(partner="carla")])
    found = {entry.partner: entry.commission_minor for entry in entries}
    assert found == {"anna": 3, "ben": 2, "carla": 1}


def test_a_cap_takes_additions_into_account_and_an_events_own_goes_first() -> None:
    rules = milestones(Basis.COUNT, (1, 700), event="lead"), cap(1_000, event="lead"), cap(1_500)
    (entries,) = booked(under(*rules), [sale(event="lead"), sale()])
    by_name = {entry.basis: entry.commission_minor for entry in entries}
    assert by_name == {
        "monthly milestone lead of 2026-10": 700,
        "monthly cap lead of 2026-10": -700,
        "monthly cap * of 2026-10": -500,
    }


def test_the_entries_say_what_made_them() -> None:
    (entries,) = booked(under(milestones(Basis.COUNT, (2, 500))), [sale(), sale()])
    (entry,) = entries
    assert (entry.month, entry.account, entry.terms_version) == (OCTOBER, Account.PENDING, 1)
    last = OCTOBER.end("UTC") - timedelta(milliseconds=1)
    assert (entry.booked_at, entry.occurred_at) == (last, last)
    assert (entry.sale_minor, entry.reverses) == (0, None)
    assert entry.reason == (
        "2 conversions of 200.00 EUR that earned 20.00 EUR; monthly milestone * of 2026-10; "
        "by count: 500 more from 2"
    )


def test_the_order_of_the_entries_does_not_matter() -> None:
    rules = tiered(Basis.AMOUNT, MARGINAL, ONE_PERCENT_MORE), cap(9_000)
    sales = [sale(9_999 + n, partner=random.Random(n).choice(["anna", "ben"])) for n in range(40)]
    entries = [*sales, *(taken_back(one, OCTOBER, 0.5) for one in sales[::3])]
    (expected,) = booked(under(*rules), entries)
    random.Random(7).shuffle(entries)
    assert booked(under(*rules), entries) == [expected]


def test_what_is_taken_back_within_the_month_was_never_there() -> None:
    one, other = sale(), sale()
    rule = milestones(Basis.COUNT, (2, 500))
    assert booked(under(rule), [one, other, taken_back(other, OCTOBER)]) == [[]]
    (entries,) = booked(under(rule), [one, other, taken_back(other, OCTOBER, 0.5)])
    assert amounts(entries) == [("correction", 500)]


def test_a_month_whose_sales_all_came_back_has_reached_nothing() -> None:
    one = sale()
    assert booked(under(milestones(Basis.COUNT, (0, 500))), [one, taken_back(one, OCTOBER)]) == [[]]


@pytest.mark.parametrize(("adds", "released"), [(0, []), (1, [("release", 1)])])
def test_nothing_is_released_where_nothing_was_added(adds: int, released: list[tuple[str, int]]) -> None:
    months = booked(under(milestones(Basis.COUNT, (1, adds))), [sale()], [], [])
    assert [amounts(month) for month in months[1:]] == [released, []]


def test_what_is_taken_back_later_is_reckoned_again_where_it_is_booked() -> None:
    one, other = sale(), sale()
    rule = tiered(Basis.AMOUNT, RETROACTIVE, (20_000, 500, None))
    first, second, third = booked(under(rule), [one, other], [taken_back(other, NOVEMBER)], [])
    assert amounts(first) == [("correction", 1_000)]
    assert amounts(second) == [("release", 1_000), ("correction", -1_000)]
    assert second[1].reverses == first[0].id
    assert (second[1].month, second[1].account) == (NOVEMBER, Account.PAYABLE)
    assert third == []


def test_a_capped_month_that_is_taken_back_as_a_whole_comes_to_nothing() -> None:
    sales = [sale() for _ in range(3)]
    back = [taken_back(one, NOVEMBER) for one in sales]
    months = booked(under(cap(2_000)), sales, back[:1], back[1:])
    assert [sum(entry.commission_minor for entry in month) for month in months] == [-1_000, 1_000, 0]
    assert {entry.account for month in months for entry in month} == {Account.PAYABLE}


@pytest.mark.parametrize(("hold_days", "released_in"), [(0, 1), (14, 1), (29, 1), (30, 2), (45, 2)])
def test_additions_are_released_once_their_hold_is_over(hold_days: int, released_in: int) -> None:
    terms = under(milestones(Basis.COUNT, (1, 500)), hold_days=hold_days)
    months = booked(terms, [sale()], [], [], [])
    found = [amounts(month) for month in months]
    assert found[0] == [("correction", 500)]
    assert found[released_in] == [("release", 500)]
    assert sum(map(len, found)) == 2


def test_the_rules_are_those_of_the_months_beginning() -> None:
    first = under(milestones(Basis.COUNT, (1, 500)))
    later = replace(
        under(milestones(Basis.COUNT, (1, 900))), version=2, starts_at=OCTOBER.start("UTC").replace(day=9)
    )
    found = []
    for month in (OCTOBER, NOVEMBER):
        monthly = Monthly()
        monthly.add(sale(month=month))
        found += [entry.commission_minor for entry in close(monthly, PROGRAM, [first, later], month)]
    assert found == [500, 900]


def test_a_draft_releases_nothing_before_its_time() -> None:
    terms = under(milestones(Basis.COUNT, (1, 500)))
    monthly = Monthly()
    monthly.add(sale())
    close(monthly, PROGRAM, [terms], OCTOBER)
    begun = NOVEMBER.start("UTC")
    assert close(monthly.copy(), PROGRAM, [terms], NOVEMBER, begun.replace(day=14)) == []
    hold_ends = begun.replace(day=15)
    assert close(monthly.copy(), PROGRAM, [terms], NOVEMBER, hold_ends - timedelta(milliseconds=1)) == []
    (release,) = close(monthly.copy(), PROGRAM, [terms], NOVEMBER, hold_ends)
    assert (amounts([release]), release.booked_at) == ([("release", 500)], hold_ends)


def test_the_file_is_in_the_order_of_months_partners_and_currencies() -> None:
    monthly = Monthly()
    told = [
        (NOVEMBER, "anna", "EUR"),
        (OCTOBER, "zoe", "EUR"),
        (OCTOBER, "ben", "USD"),
        (OCTOBER, "ben", "EUR"),
    ]
    for month, partner, currency in told:
        monthly.add(sale(month=month, partner=partner, currency=currency))
    rows = [line.split(",")[:3] for line in list(lines(monthly))[1:]]
    assert rows == [
        ["2026-10", "ben", "EUR"],
        ["2026-10", "ben", "USD"],
        ["2026-10", "zoe", "EUR"],
        ["2026-11", "anna", "EUR"],
    ]


def test_what_was_booked_by_hand_or_moved_does_not_count() -> None:
    rule = milestones(Basis.COUNT, (1, 500))
    others = [sale(kind=Kind.RELEASE), sale(kind=Kind.PAYOUT), sale(kind=Kind.CORRECTION, basis="by key_1")]
    assert booked(under(rule), [*others, sale(conversion="")]) == [[]]


def test_after_thirteen_months_figures_stand() -> None:
    monthly = Monthly()
    monthly.add(sale())
    terms = under(milestones(Basis.COUNT, (1, 500)))
    month = OCTOBER
    for _ in range(14):
        close(monthly, PROGRAM, [terms], month)
        month = month.next()
    assert monthly.booked
    close(monthly, PROGRAM, [terms], month)
    assert (monthly.booked, monthly.sales) == ({}, {})
