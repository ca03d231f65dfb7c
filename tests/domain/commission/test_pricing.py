"""Prices: which rule pays for what part of a sale, to whom, and when nothing is guessed."""

from datetime import date
from fractions import Fraction

import pytest

from chalicelib.domain.commission.pricing import line_shares, price, rule_text
from chalicelib.domain.commission.sale import Sale, Waiting
from chalicelib.domain.conversion import Content, Item
from chalicelib.domain.rates import Rate, Rates
from chalicelib.domain.terms import CommissionRule, Tier, TierMode
from tests.domain.builders import flat

TIERS = (Tier(0, 500), Tier(10_000, 800), Tier(50_000, 1_000))
SHOES = Item("boots", 2, 6_000, "shoes")
TAX = Item("vat", 1, 1_900, "tax")
DAY = date(2026, 10, 15)
DOLLARS = Rates([Rate(DAY, "USD", "EUR", "0.5", "test")])


def a_rule(rate_bp: int = 1_000, **changes: object) -> CommissionRule:
    return CommissionRule("sale", "percent", rate_bp=rate_bp, **changes)  # type: ignore[arg-type]


def paid(*rules: CommissionRule, amount: int = 10_000, items: tuple[Item, ...] = ()) -> Fraction:
    return price(rules, "anna", "creators", Sale(Content(amount, "EUR", items), "EUR")).exact


@pytest.mark.parametrize(
    ("amount", "marginal", "retroactive"),
    [
        (0, 0, 0),
        (9_999, Fraction(9_999, 20), Fraction(9_999, 20)),
        (10_000, 500, 800),
        (10_001, 500 + Fraction(8, 100), Fraction(10_001 * 8, 100)),
        (60_000, 500 + 3_200 + 1_000, 6_000),
    ],
)
def test_tiers_pay_by_the_part_or_by_the_whole(
    amount: int, marginal: Fraction, retroactive: Fraction
) -> None:
    for mode, expected in ((TierMode.MARGINAL, marginal), (TierMode.RETROACTIVE, retroactive)):
        assert paid(CommissionRule("sale", "tiered", tiers=TIERS, tier_mode=mode), amount=amount) == expected


def test_below_the_first_tier_nothing_is_paid() -> None:
    tiered = CommissionRule("sale", "tiered", tiers=TIERS[1:])
    assert [paid(tiered, amount=amount) for amount in (9_999, 10_000, 10_100)] == [0, 0, 8]


@pytest.mark.parametrize(
    ("rules", "paying"),
    [
        ([a_rule(100), a_rule(200, group="creators")], 200),
        ([a_rule(200, group="creators"), a_rule(300, partner="anna")], 300),
        ([a_rule(100), a_rule(200, group="coupons"), a_rule(300, partner="berta")], 100),
    ],
)
def test_the_rule_that_is_most_for_the_partner_pays(rules: list[CommissionRule], paying: int) -> None:
    for order in (rules, rules[::-1]):
        assert paid(*order) == paying


def test_lines_are_paid_by_their_own_rule_and_the_rest_by_the_general_one() -> None:
    rules = [a_rule(1_000), a_rule(2_000, category="shoes")]
    assert paid(*rules, items=(SHOES, Item("socks", 1, 4_000))) == 1_200 + 400
    assert paid(*rules) == 1_000


def test_a_product_goes_before_its_category_and_a_partner_before_a_product() -> None:
    rules = [a_rule(100), a_rule(200, category="shoes"), a_rule(300, sku="boots")]
    assert paid(*rules, amount=6_000, items=(SHOES,)) == 180
    assert paid(*rules, a_rule(400, partner="anna"), amount=6_000, items=(SHOES,)) == 240


def test_a_flat_amount_for_a_product_is_paid_for_every_unit() -> None:
    rules = [a_rule(0), CommissionRule("sale", "flat", amount_minor=150, sku="boots")]
    assert paid(*rules, items=(SHOES,)) == 300


def test_excluded_lines_earn_nothing() -> None:
    assert paid(a_rule(1_000, exclude=("tax", "shipping")), amount=11_900, items=(TAX,)) == 1_000


def test_what_earns_nothing_is_told() -> None:
    rules = [a_rule(1_000, exclude=("tax",)), a_rule(2_000, sku="boots")]
    found = price(rules, "anna", None, Sale(Content(10_000, "EUR", (SHOES, TAX)), "EUR"))
    assert (found.excluded_minor, found.excluded_lines) == (1_900, (1,))
    assert price([a_rule()], "anna", None, Sale(Content(10_000, "EUR"), "EUR")).excluded_minor == 0


def test_a_general_flat_amount_is_paid_once_whatever_lines_there_are() -> None:
    rules = [CommissionRule("sale", "flat", amount_minor=150), a_rule(2_000, sku="boots")]
    assert paid(*rules, items=(SHOES, Item("socks", 7, 4_000))) == 150 + 1_200


def test_the_last_minor_unit_of_the_rest_is_paid_for() -> None:
    rules = [a_rule(10_000), a_rule(0, sku="boots")]
    assert [paid(*rules, amount=amount, items=(SHOES,)) for amount in (6_000, 6_001)] == [0, 1]


SOCKS = Item("socks", 6, 2_000, "shoes")


@pytest.mark.parametrize(
    ("rules", "amount", "items", "shares"),
    [
        ([a_rule()], 10_000, (SHOES,), "3/5 2/5"),
        ([a_rule()], 6_000, (SHOES,), "1 0"),
        ([a_rule()], 5_000, (SHOES,), "1 0"),
        ([a_rule()], 5_000, (), "1"),
        ([a_rule(0)], 5_000, (SHOES,), "0 1"),
        ([a_rule(2_000, category="shoes")], 8_000, (SHOES, SOCKS), "3/4 1/4 0"),
        ([flat(150, "sale")], 10_000, (SHOES, SOCKS), "3/5 1/5 1/5"),
        ([flat(150, "sale")], 0, (Item("gift", 3, 0),), "0 1"),
        ([a_rule(), a_rule(2_000, sku="boots")], 10_000, (SHOES, SOCKS), "3/4 1/8 1/8"),
        ([a_rule(), a_rule(2_000, sku="gift")], 1_000, (Item("gift", 1, 0),), "0 1"),
        ([a_rule(1_000, exclude=("tax",))], 7_900, (SHOES, TAX), "1 0 0"),
    ],
)
def test_lines_earn_their_part_of_the_price(
    rules: list[CommissionRule], amount: int, items: tuple[Item, ...], shares: str
) -> None:
    found = price(rules, "anna", None, Sale(Content(amount, "EUR", items), "EUR"))
    assert line_shares(found, items) == tuple(map(Fraction, shares.split()))


def test_lines_of_which_each_piece_earns_weigh_by_their_pieces() -> None:
    by_piece = CommissionRule("sale", "flat", amount_minor=50, category="shoes")
    found = price([by_piece], "anna", None, Sale(Content(8_000, "EUR", (SHOES, SOCKS)), "EUR"))
    assert line_shares(found, (SHOES, SOCKS)) == (Fraction(1, 4), Fraction(3, 4), 0)


def test_orders_below_the_minimum_pay_nothing_and_above_the_cap_no_more() -> None:
    rule = a_rule(1_000, min_order_minor=5_000, cap_minor=900)
    assert [paid(rule, amount=amount) for amount in (4_999, 5_000, 9_000, 9_001)] == [0, 500, 900, 900]


def test_what_limits_a_commission_is_told() -> None:
    rule = a_rule(1_000, min_order_minor=5_000, cap_minor=900)
    for amount, limited in ((4_999, "minimum_order"), (9_000, ""), (9_001, "cap")):
        (part,) = price([rule], "anna", None, Sale(Content(amount, "EUR"), "EUR")).parts
        assert part.limited == limited


@pytest.mark.parametrize(
    ("rules", "items", "code"),
    [
        ([a_rule(partner="berta")], (), "commission_rule_missing"),
        ([a_rule(sku="boots")], (SHOES,), "commission_rule_missing"),
        ([a_rule(), a_rule(sku="boots")], (Item("boots", 1, 10_001),), "items_exceed_amount"),
    ],
)
def test_what_no_rule_is_for_is_not_guessed(
    rules: list[CommissionRule], items: tuple[Item, ...], code: str
) -> None:
    with pytest.raises(Waiting) as waiting:
        paid(*rules, items=items)
    assert waiting.value.code == code


def test_an_order_that_is_all_lines_with_rules_needs_no_general_one() -> None:
    assert paid(a_rule(2_000, sku="boots"), amount=6_000, items=(SHOES,)) == 1_200


def test_amounts_of_rules_are_exchanged_for_a_sale_in_another_currency() -> None:
    rule = CommissionRule("sale", "flat", amount_minor=250)
    sale = Sale(Content(10_000, "USD"), "EUR", rates=DOLLARS, on=DAY)
    assert price([rule], "anna", None, sale).exact == 500
    capped = price([a_rule(1_000, cap_minor=250)], "anna", None, sale)
    assert (capped.exact, capped.parts[0].limited) == (500, "cap")


def test_a_rule_is_named_by_what_it_pays_and_whom_and_what_it_is_for() -> None:
    assert rule_text(a_rule(1_000)) == "1000 bp"
    assert (
        rule_text(a_rule(1_000, partner="anna", category="shoes")) == "1000 bp (partner anna, category shoes)"
    )
    tiered = CommissionRule("sale", "tiered", tiers=TIERS[:2])
    assert rule_text(tiered) == "tiered marginal: 500 bp from 0, 800 bp from 10000"
