"""What a partner's month as a whole adds, and the most that it earns."""

import pytest

TIERED = {"kind": "tiered", "by": "amount", "tiers": [{"at": 4000, "add_bp": 500}]}
SALE = {"event": "sale", "kind": "percent", "rate_bp": 1000}


@pytest.fixture
def a_month_of(a_shop, stack):
    """A shop with these rules for months, and so many sales of 20.00 each, worth 2.00 to Anna."""

    def make(*rules, sales=3, **program):
        shop = a_shop(**program)
        body = {"commissions": [SALE], "hold_days": 14, "monthly": list(rules)}
        stack.at("2026-10-31T12:00:00Z")
        stack.api("POST", f"/v1/programs/{shop.id}/terms", body).expect(201)
        stack.at("2026-11-10T12:00:00Z")
        anna = shop.partner()
        return shop, anna, [shop.sell(click_id=shop.clicked(anna)) for _ in range(sales)]

    return make


def own(books):
    """The month's own lines."""
    return [(row["kind"], row["commission_amount"]) for row in books.entries if row["event"] == "monthly"]


@pytest.mark.parametrize(
    ("rule", "added"),
    [
        (
            {
                "kind": "tiered",
                "by": "count",
                "tier_mode": "marginal",
                "tiers": [{"at": 1, "add_amount": 50}],
            },
            "1.00",
        ),
        (
            {
                "kind": "tiered",
                "by": "amount",
                "tier_mode": "marginal",
                "tiers": [{"at": 4000, "add_bp": 500}],
            },
            "1.00",
        ),
        (
            {
                "kind": "tiered",
                "by": "amount",
                "tier_mode": "retroactive",
                "tiers": [{"at": 4000, "add_bp": 500}],
            },
            "3.00",
        ),
        ({"kind": "milestone", "by": "count", "tiers": [{"at": 3, "add_amount": 700}]}, "7.00"),
        ({"kind": "cap", "amount": 500}, "-1.00"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else value,
)
def test_drafts_and_the_published_month_show_the_same(a_month_of, stack, rule, added):
    shop, anna, _ = a_month_of(rule)
    assert own(shop.draft()) == [("correction", added)]
    books = shop.close()
    assert own(books) == [("correction", added)]
    row = books.summary[anna.id, "EUR"]
    assert (row["accrued"], row["corrected"]) == ("6.00", added)
    (line,) = [entry for entry in books.entries if entry["event"] == "monthly"]
    assert (line["conversion_id"], line["terms_version"], line["partner"]) == ("", "2", anna.id)
    assert "3 conversions of 60.00 EUR that earned 6.00 EUR" in line["reason"]


def test_an_addition_is_held_and_then_payable_once(a_month_of):
    rule = {"kind": "milestone", "by": "count", "tiers": [{"at": 3, "add_amount": 700}]}
    shop, anna, _ = a_month_of(rule)
    november = shop.close().summary[anna.id, "EUR"]
    assert (november["closing"], november["payable"]) == ("13.00", "6.00")
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert own(december) == [("release", "7.00")]
    row = december.summary[anna.id, "EUR"]
    assert (row["closing"], row["payable"]) == ("13.00", "13.00")


def test_a_refund_after_the_close_is_corrected_in_the_open_month(a_month_of):
    shop, anna, sales = a_month_of({"kind": "cap", "amount": 500})
    first = shop.close()
    for sale in sales:
        shop.adjust(sale, "refund").expect(201)
    december = shop.close("2026-12", at="2027-01-02T00:00:00Z")
    assert own(december) == [("correction", "1.00")]
    (line,) = [entry for entry in december.entries if entry["event"] == "monthly"]
    (cut,) = [entry for entry in first.entries if entry["event"] == "monthly"]
    assert line["reverses"] == cut["entry_id"]
    row = december.summary[anna.id, "EUR"]
    assert (row["reversed"], row["closing"], row["payable"]) == ("-6.00", "0.00", "0.00")


def test_a_month_keeps_the_rules_with_which_it_began(a_month_of, stack):
    rule = {"kind": "milestone", "by": "count", "tiers": [{"at": 3, "add_amount": 700}]}
    shop, _anna, _ = a_month_of(rule)
    stack.at("2026-11-20T12:00:00Z")
    body = {"commissions": [SALE], "monthly": []}
    assert stack.api("POST", f"/v1/programs/{shop.id}/terms", body).expect(201).json["monthly"] == []
    assert own(shop.close()) == [("correction", "7.00")]


def test_a_partner_sees_the_rules_that_are_for_it(a_month_of, stack):
    rules = [{"kind": "cap", "amount": 500}, {"kind": "cap", "amount": 100, "partner": "somebody-else"}]
    shop, anna, _ = a_month_of(*rules, sales=0)
    wanted = {"scopes": ["partner"], "program": shop.id, "partner": anna.id}
    key = stack.api("POST", "/v1/keys", wanted).expect(201).json["key"]
    seen = stack.api("GET", f"/v1/programs/{shop.id}/terms", key=key).expect(200).json["data"][-1]
    assert seen["monthly"] == rules[:1]


@pytest.mark.parametrize("rule", [{"kind": "cap"}, {"kind": "generous"}, TIERED, TIERED | {"tiers": [{}]}])
def test_a_rule_that_cannot_be_reckoned_is_refused(shop, stack, rule):
    body = {"commissions": [SALE], "monthly": [rule]}
    stack.api("POST", f"/v1/programs/{shop.id}/terms", body).refused(422, 400)
