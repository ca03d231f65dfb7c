"""Who earns: models, windows, coupon rules, devices, versions of the terms."""

from fractions import Fraction

import pytest

CLICKED = "2026-11-10T12:00:00Z"


def shares(receipt):
    return {credit["partner"]: Fraction(credit["share"]) for credit in receipt["credits"]}


@pytest.fixture
def three_touches(a_shop, stack):
    """Anna, then Ben, then Anna again, an hour apart; the sale carries the last click."""

    def make(model, **terms):
        shop = a_shop(terms={"model": model, **terms})
        anna, ben = shop.partner("anna"), shop.partner("ben")
        visitor = shop.visitor()
        for hour, partner in ((12, anna), (13, ben), (14, anna)):
            stack.at(f"2026-11-10T{hour}:00:00Z")
            visitor.follow(partner).expect(302)
        stack.at("2026-11-10T15:00:00Z")
        return shop, anna, ben, visitor.click_id

    return make


def test_last_credits_the_last_touch(three_touches):
    shop, anna, _ben, token = three_touches("last")
    receipt = shop.receipt(shop.sell(click_id=token))
    assert receipt["model"] == "last"
    assert shares(receipt) == {anna.id: 1}
    assert len(receipt["path"]) == 3


def test_first_credits_the_first_touch(stack, a_shop):
    shop = a_shop(terms={"model": "first"})
    anna, ben = shop.partner("anna"), shop.partner("ben")
    visitor = shop.visitor()
    visitor.follow(anna)
    stack.at("2026-11-10T13:00:00Z")
    visitor.follow(ben)
    assert shares(shop.receipt(shop.sell(click_id=visitor.click_id))) == {anna.id: 1}


def test_linear_counts_touches_and_not_partners(three_touches):
    shop, anna, ben, token = three_touches("linear")
    conversion = shop.sell(3000, click_id=token)
    assert shares(shop.receipt(conversion)) == {anna.id: Fraction(2, 3), ben.id: Fraction(1, 3)}
    assert shop.credits(conversion) == {anna.id: 200, ben.id: 100}


def test_a_split_sums_to_the_commission(three_touches):
    shop, _anna, _ben, token = three_touches("linear")
    for amount in (5, 10, 15, 25, 1990, 1999, 10_001):
        conversion = shop.sell(amount, click_id=token)
        assert sum(shop.credits(conversion).values()) == (amount + 5) // 10


def test_a_share_is_a_fraction(three_touches):
    shop, anna, _ben, token = three_touches("linear")
    receipt = shop.receipt(shop.sell(click_id=token))
    assert {credit["share"] for credit in receipt["credits"]} == {"2/3", "1/3"}
    assert anna.id in shares(receipt)


@pytest.mark.parametrize(("model", "credited"), [("last", "cleo"), ("first", "anna")])
def test_clicks_while_the_clock_stands_still_keep_their_order(a_shop, model, credited):
    shop = a_shop(terms={"model": model})
    partners = [shop.partner(name) for name in ("anna", "ben", "cleo")]
    for _ in range(5):
        visitor = shop.visitor()
        for partner in partners:
            visitor.follow(partner)
        receipt = shop.receipt(shop.sell(click_id=visitor.click_id))
        assert [touch["partner"] for touch in receipt["path"]] == [partner.id for partner in partners]
        assert [partner.split("-")[0] for partner in shares(receipt)] == [credited]


@pytest.mark.parametrize(
    ("occurred_at", "credited"),
    [
        ("2026-11-10T11:59:59Z", False),
        ("2026-11-10T12:00:00Z", True),
        ("2026-11-17T11:59:59Z", True),
        ("2026-11-17T12:00:00Z", True),
        ("2026-11-17T12:00:01Z", False),
    ],
)
def test_the_window_is_closed_at_both_ends_to_the_second(a_shop, stack, occurred_at, credited):
    shop = a_shop(terms={"window_days": 7})
    anna = shop.partner()
    token = shop.clicked(anna)
    stack.at("2026-11-18T00:00:00Z")
    conversion = shop.sell(click_id=token, occurred_at=occurred_at)
    receipt = shop.receipt(conversion)
    assert shares(receipt) == ({anna.id: 1} if credited else {})
    for touch in receipt["path"]:
        assert touch["counted"] is credited
        assert credited or touch["reason"]


def test_a_conversion_told_late_still_finds_its_click(a_shop, stack):
    shop = a_shop(terms={"window_days": 7}, late_days=3)
    anna, ben = shop.partner("anna"), shop.partner("ben")
    visitor = shop.visitor()
    visitor.follow(anna)
    stack.at("2026-11-10T13:00:00Z")
    visitor.follow(ben)
    shop.terms(model="first", window_days=7)
    stack.at("2026-11-20T11:00:00Z")
    conversion = shop.sell(click_id=visitor.click_id, occurred_at="2026-11-17T11:00:00Z")
    assert [touch["partner"] for touch in shop.receipt(conversion)["path"]] == [anna.id, ben.id]


def test_a_touch_outside_the_window_is_shown_and_does_not_count(a_shop, stack):
    shop = a_shop(terms={"model": "linear", "window_days": 7}, late_days=30)
    anna, ben = shop.partner("anna"), shop.partner("ben")
    visitor = shop.visitor()
    visitor.follow(anna)
    stack.at("2026-11-16T12:00:00Z")
    visitor.follow(ben)
    stack.at("2026-11-20T12:00:00Z")
    receipt = shop.receipt(shop.sell(click_id=visitor.click_id))
    assert shares(receipt) == {ben.id: 1}
    counted = {touch["partner"]: touch["counted"] for touch in receipt["path"]}
    assert counted[ben.id] is True
    assert counted.get(anna.id, False) is False


def test_an_event_without_a_commission_pays_nothing(shop):
    conversion = shop.sell(event="download", click_id=shop.clicked(shop.partner()))
    assert sum(shop.credits(conversion).values()) == 0


def test_each_event_is_paid_by_its_own_rule(a_shop):
    shop = a_shop(
        terms={
            "commissions": [
                {"event": "sale", "kind": "percent", "rate_bp": 1250},
                {"event": "lead", "kind": "flat", "amount": 300},
            ]
        }
    )
    anna = shop.partner()
    token = shop.clicked(anna)
    sale = shop.sell(2000, click_id=token)
    lead = shop.sell(0, event="lead", click_id=token)
    assert shop.credits(sale) == {anna.id: 250}
    assert shop.credits(lead) == {anna.id: 300}


class TestCoupons:
    @pytest.fixture
    def world(self, a_shop):
        def make(rule):
            shop = a_shop(terms={"coupon": rule})
            clicked, couponed = shop.partner("clicked"), shop.partner("couponed")
            shop.coupon(couponed, "Straße10").expect(201)
            return shop, clicked, couponed

        return make

    def test_beats_click(self, world):
        shop, clicked, couponed = world("beats_click")
        conversion = shop.sell(click_id=shop.clicked(clicked), coupon="Straße10")
        assert shop.credits(conversion) == {couponed.id: 200}

    def test_if_no_click_leaves_the_credit_with_the_click(self, world):
        shop, clicked, couponed = world("if_no_click")
        conversion = shop.sell(click_id=shop.clicked(clicked), coupon="Straße10")
        assert shop.credits(conversion) == {clicked.id: 200}
        assert shop.credits(shop.sell(coupon="Straße10")) == {couponed.id: 200}

    def test_off_credits_no_coupon(self, world):
        shop, clicked, _couponed = world("off")
        conversion = shop.sell(click_id=shop.clicked(clicked), coupon="Straße10")
        assert shop.credits(conversion) == {clicked.id: 200}
        assert shop.credits(shop.sell(coupon="Straße10")) == {}

    def test_a_coupon_alone_is_enough(self, world):
        shop, _clicked, couponed = world("beats_click")
        conversion = shop.sell(coupon="Straße10")
        assert shop.credits(conversion) == {couponed.id: 200}
        assert shop.receipt(conversion)["path"] == [] or all(
            touch["partner"] == couponed.id for touch in shop.receipt(conversion)["path"]
        )

    @pytest.mark.parametrize("spelling", ["STRASSE10", "  straße10 ", "ｓtraße１０", "\tStraße10\n"])
    def test_codes_are_trimmed_and_folded(self, world, spelling):
        shop, _clicked, couponed = world("beats_click")
        assert shop.credits(shop.sell(coupon=spelling)) == {couponed.id: 200}

    @pytest.mark.parametrize("spelling", ["Strase10", "Straße1O", "Straße 10", "Ѕtraße10"])
    def test_another_code_is_another_code(self, world, spelling):
        shop, _clicked, _couponed = world("beats_click")
        assert shop.credits(shop.sell(coupon=spelling)) == {}

    def test_another_programs_coupon_credits_nobody(self, world, shop):
        world("beats_click")
        assert shop.credits(shop.sell(coupon="Straße10")) == {}

    def test_under_gpc_coupons_still_work(self, world):
        shop, clicked, couponed = world("beats_click")
        shop.visitor(Sec_GPC="1").follow(clicked)
        assert shop.credits(shop.sell(coupon="Straße10")) == {couponed.id: 200}


class TestDevices:
    def identify(self, shop, customer, token):
        body = {"program": shop.id, "customer_id": customer, "click_id": token}
        return shop.stack.api("POST", "/v1/identities", body).expect(200, 201, 202, 204)

    def test_a_customer_known_on_one_device_is_credited_on_another(self, shop):
        anna = shop.partner()
        self.identify(shop, "customer-1", shop.clicked(anna))
        conversion = shop.sell(customer_id="customer-1")
        assert shop.credits(conversion) == {anna.id: 200}

    def test_all_devices_of_a_customer_are_one_path(self, a_shop, stack):
        shop = a_shop(terms={"model": "linear"})
        anna, ben = shop.partner("anna"), shop.partner("ben")
        phone = shop.clicked(anna)
        stack.at("2026-11-10T13:00:00Z")
        laptop = shop.clicked(ben)
        self.identify(shop, "customer-1", phone)
        self.identify(shop, "customer-1", laptop)
        conversion = shop.sell(customer_id="customer-1", click_id=laptop)
        assert shares(shop.receipt(conversion)) == {anna.id: Fraction(1, 2), ben.id: Fraction(1, 2)}

    def test_an_identity_told_later_heals_a_conversion(self, shop):
        anna = shop.partner()
        token = shop.clicked(anna)
        conversion = shop.sell(customer_id="customer-1")
        assert shop.state(conversion) == "unattributed"
        self.identify(shop, "customer-1", token)
        assert shop.credits(conversion) == {anna.id: 200}

    def test_another_customer_is_another_customer(self, shop):
        self.identify(shop, "customer-1", shop.clicked(shop.partner()))
        assert shop.credits(shop.sell(customer_id="Customer-1")) == {}

    def test_another_programs_customer_is_nobody_here(self, a_shop):
        here, there = a_shop(), a_shop()
        self.identify(there, "customer-1", there.clicked(there.partner()))
        assert here.credits(here.sell(customer_id="customer-1")) == {}

    @pytest.mark.parametrize(
        "change",
        [
            {"click_id": "forged"},
            {"click_id": ""},
            {"click_id": None},
            {"customer_id": ""},
            {"customer_id": 7},
            {"email": "x@example.com"},
        ],
    )
    def test_an_identity_that_cannot_be_right_is_refused(self, shop, stack, change):
        body = {"program": shop.id, "customer_id": "c", "click_id": shop.clicked(shop.partner()), **change}
        stack.api("POST", "/v1/identities", body).refused(400, 404, 422)


class TestVersions:
    def test_terms_in_force_at_the_first_credited_click_price_the_sale(self, shop, stack):
        anna = shop.partner()
        token = shop.clicked(anna)
        old = shop.receipt(shop.sell(click_id=token))["terms_version"]
        stack.at("2026-11-11T12:00:00Z")
        shop.terms(commissions=[{"event": "sale", "kind": "percent", "rate_bp": 2000}])
        stack.at("2026-11-12T12:00:00Z")
        before = shop.sell(click_id=token)
        after = shop.sell(click_id=shop.clicked(anna))
        assert shop.credits(before) == {anna.id: 200}
        assert shop.receipt(before)["terms_version"] == old
        assert shop.credits(after) == {anna.id: 400}
        assert shop.receipt(after)["terms_version"] != old

    def test_new_terms_reprice_nothing_that_was_sold(self, shop, stack):
        anna = shop.partner()
        conversion = shop.sell(click_id=shop.clicked(anna))
        stack.at("2026-11-11T12:00:00Z")
        shop.terms(commissions=[{"event": "sale", "kind": "flat", "amount": 9999}])
        assert shop.credits(conversion) == {anna.id: 200}


class TestWindows:
    @pytest.mark.parametrize(
        ("event", "day", "credited"), [("lead", 17, True), ("lead", 18, False), ("sale", 18, True)]
    )
    def test_an_event_may_have_a_window_of_its_own(self, a_shop, stack, event, day, credited):
        rules = [{"event": name, "kind": "flat", "amount": 300} for name in ("lead", "sale")]
        shop = a_shop(terms={"window_days_by_event": {"lead": 7}, "commissions": rules})
        anna = shop.partner()
        token = shop.clicked(anna)
        stack.at(f"2026-11-{day}T12:00:00Z")
        receipt = shop.receipt(shop.sell(event=event, click_id=token))
        assert shares(receipt) == ({anna.id: 1} if credited else {})

    def test_the_terms_tell_it(self, shop):
        view = shop.terms(window_days_by_event={"lead": 7})
        assert view["attribution"]["window_days_by_event"] == {"lead": 7}


class TestStandingDown:
    def test_a_link_on_the_shops_own_checkout_earns_nothing(self, a_shop, stack):
        shop = a_shop(terms={"stand_down": ["shop.example", "checkout.stripe.com"]})
        creator, coupons = shop.partner("creator"), shop.partner("coupons")
        visitor = shop.visitor(Referer="https://creator.example/")
        visitor.follow(creator)
        stack.at("2026-11-10T13:00:00Z")
        extension = shop.visitor(Referer="https://pay.shop.example/")
        extension.cookie = visitor.cookie
        extension.follow(coupons)
        receipt = shop.receipt(shop.sell(click_id=extension.click_id))
        assert shares(receipt) == {creator.id: 1}
        assert [touch["reason"] for touch in receipt["path"]] == ["credited", "stood_down"]
        assert "shop's own pages" in receipt["text"]

    def test_where_nobody_else_brought_the_customer_nobody_earns(self, a_shop):
        shop = a_shop(terms={"stand_down": ["shop.example"]})
        visitor = shop.visitor(Referer="https://shop.example/")
        visitor.follow(shop.partner())
        assert shop.state(shop.sell(click_id=visitor.click_id)) == "unattributed"

    @pytest.mark.parametrize("host", ["https://shop.example", "shop.example/pay", "*", ""])
    def test_what_is_no_host_is_refused(self, shop, stack, host):
        body = {
            "attribution": {"stand_down": [host]},
            "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
        }
        stack.api("POST", f"/v1/programs/{shop.id}/terms", body).refused(422, 400)


class TestCustomers:
    """What a customer's earlier orders decide."""

    RULES = (
        {"event": "sale", "kind": "percent", "rate_bp": 2000, "customer": "new"},
        {"event": "sale", "kind": "percent", "rate_bp": 500, "customer": "returning"},
    )

    @pytest.fixture
    def sold(self):
        """Sales of one customer, one after another."""

        def tell(shop, **fields):
            return shop.sell(customer_id="c-1", **fields)

        return tell

    def test_new_and_returning_customers_are_paid_by_rules_of_their_own(self, a_shop, stack, sold):
        rule = {"event": "sale", "kind": "percent"}
        rules = [
            rule | {"rate_bp": 2000, "customer": "new"},
            rule | {"rate_bp": 500, "customer": "returning"},
        ]
        shop = a_shop(terms={"commissions": rules})
        anna = shop.partner()
        token = shop.clicked(anna)
        first = sold(shop, click_id=token)
        stack.at("2026-11-11T12:00:00Z")
        second = sold(shop, click_id=token)
        nobodys = shop.sell(click_id=token)
        assert [shop.credits(sale) for sale in (first, second)] == [{anna.id: 400}, {anna.id: 100}]
        assert "customer returning" in shop.receipt(second)["text"]
        assert shop.state(nobodys) == "held"
        assert shop.receipt(nobodys)["checks"][-1]["detail"].startswith("customer_missing")

    def test_an_older_order_that_is_told_late_makes_a_new_customer_a_returning_one(self, a_shop, stack, sold):
        rule = {"event": "sale", "kind": "percent"}
        rules = [
            rule | {"rate_bp": 2000, "customer": "new"},
            rule | {"rate_bp": 500, "customer": "returning"},
        ]
        shop = a_shop(terms={"commissions": rules})
        anna = shop.partner()
        token = shop.clicked(anna)
        stack.at("2026-11-12T12:00:00Z")
        newer = sold(shop, click_id=token)
        stack.reconcile()
        assert shop.credits(newer) == {anna.id: 400}
        sold(shop, click_id=token, occurred_at="2026-11-11T12:00:00Z")
        stack.reconcile()
        booked = shop.draft().of(newer)
        assert [(entry["kind"], entry["commission_amount"]) for entry in booked] == [
            ("accrual", "4.00"),
            ("correction", "-3.00"),
        ]
        assert booked[1]["reverses"] == booked[0]["entry_id"]

    def test_a_rule_recurs_for_so_many_months_and_no_longer(self, a_shop, stack, sold):
        rule = {"event": "sale", "kind": "percent", "rate_bp": 1000, "recurring_months": 1}
        shop = a_shop(terms={"commissions": [rule], "window_days": 60})
        anna = shop.partner()
        token = shop.clicked(anna)
        paid = []
        for at in ("2026-11-10T13:00:00Z", "2026-12-10T13:00:00Z", "2026-12-10T13:00:01Z"):
            stack.at(at)
            paid.append(shop.credits(sold(shop, click_id=token))[anna.id])
        assert paid == [200, 200, 0]

    @pytest.mark.parametrize(("lock", "credited"), [({"months": None}, True), ({"months": 1}, False)])
    def test_a_customer_stays_with_the_partner_of_the_first_order(self, a_shop, stack, sold, lock, credited):
        shop = a_shop(terms={"lock": lock})
        anna, ben = shop.partner("anna"), shop.partner("ben")
        sold(shop, click_id=shop.clicked(anna))
        stack.at("2026-12-09T12:00:00Z")
        within = sold(shop, click_id=shop.clicked(ben))
        stack.at("2026-12-30T12:00:00Z")
        later = sold(shop)
        assert shop.credits(within) == {anna.id: 200}
        assert shop.receipt(within)["model"] == "lock"
        assert [touch["reason"] for touch in shop.receipt(within)["path"]] == ["customer_locked"]
        assert shop.credits(later) == ({anna.id: 200} if credited else {})
        assert shop.state(later) == ("pending" if credited else "unattributed")

    @pytest.mark.parametrize(
        ("attribution", "rule"),
        [
            ({"lock": {"months": 0}}, {}),
            ({"lock": {"months": 121}}, {}),
            ({"lock": {}}, {}),
            ({}, {"customer": "old"}),
            ({}, {"recurring_months": 0}),
            ({}, {"recurring_months": 6, "customer": "unknown"}),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, shop, stack, attribution, rule):
        body = {
            "attribution": attribution,
            "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000, **rule}],
        }
        stack.api("POST", f"/v1/programs/{shop.id}/terms", body).refused(422, 400)


def test_terms_published_in_the_very_instant_of_a_sale_leave_it_alone_and_price_the_next(stack, a_shop):
    shop = a_shop()
    anna = shop.partner("anna")
    before = shop.sell(10_000, click_id=shop.clicked(anna))
    shop.terms([{"event": "sale", "kind": "percent", "rate_bp": 2000}])
    after = shop.sell(10_000, click_id=shop.clicked(anna))
    shop.adjust(before, "refund", amount=5_000).expect(201)
    stack.reconcile()
    assert (shop.credits(before), shop.credits(after)) == ({anna.id: 1_000}, {anna.id: 2_000})
    booked = [entry["commission"]["amount"] for entry in shop.receipt(before)["entries"]]
    assert booked == [1_000, -500]
