"""One program, partner or merchant never reads or infers another's data; lists page."""

import pytest


@pytest.fixture
def merchant(stack):
    """Make a merchant's key for a program."""

    def make(shop):
        body = {"scopes": ["merchant"], "program": shop.id}
        return stack.api("POST", "/v1/keys", body).expect(201).json["key"]

    return make


@pytest.fixture
def partner_key(stack):
    def make(shop, partner):
        body = {"scopes": ["partner"], "program": shop.id, "partner": partner.id}
        return stack.api("POST", "/v1/keys", body).expect(201).json["key"]

    return make


@pytest.fixture
def two(a_shop):
    return a_shop(), a_shop()


ADMINISTRATION = [
    ("POST", "/v1/programs", {"id": "grab-1", "name": "x", "domains": ["x.example"], "currency": "EUR"}),
    ("POST", "/v1/keys", {"scopes": ["admin"]}),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMINISTRATION)
def test_neither_merchant_nor_partner_administers(shop, stack, merchant, partner_key, method, path, body):
    for key in (merchant(shop), partner_key(shop, shop.partner())):
        stack.api(method, path, body, key=key).refused(403)


def test_a_merchant_works_in_its_own_program(two, stack, merchant):
    here, _there = two
    key = merchant(here)
    conversion = here.tell(here.order(), key=key).expect(201).json["id"]
    for path in (
        f"/v1/conversions?program={here.id}",
        f"/v1/conversions/{conversion}",
        f"/v1/conversions/{conversion}/receipt",
        f"/v1/stats?program={here.id}",
        f"/v1/programs/{here.id}/terms",
    ):
        stack.api("GET", path, key=key).expect(200)


def test_a_merchant_sees_and_changes_nothing_of_another_program(two, stack, merchant):
    here, there = two
    key = merchant(here)
    anna = there.partner()
    theirs = there.sell(click_id=there.clicked(anna))
    stack.reconcile()
    before = there.receipt(theirs)
    attempts = [
        ("GET", f"/v1/conversions?program={there.id}", None),
        ("GET", f"/v1/conversions/{theirs}", None),
        ("GET", f"/v1/conversions/{theirs}/receipt", None),
        ("POST", f"/v1/conversions/{theirs}/adjustments", {"id": "a", "kind": "refund", "reason": "x"}),
        ("POST", "/v1/conversions", there.order()),
        ("POST", f"/v1/programs/{there.id}/terms", terms()),
        ("GET", f"/v1/programs/{there.id}/terms", None),
        ("POST", f"/v1/programs/{there.id}/secrets", {}),
        ("POST", f"/v1/programs/{there.id}/enrollments", {"partner": anna.id}),
        ("POST", "/v1/links", {"program": there.id, "partner": anna.id}),
        ("GET", f"/v1/links/{anna.code}", None),
        ("PATCH", f"/v1/links/{anna.code}", {"campaign": "stolen"}),
        ("DELETE", f"/v1/links/{anna.code}", None),
        ("POST", "/v1/coupons", {"program": there.id, "partner": anna.id, "code": "X"}),
        (
            "POST",
            "/v1/identities",
            {"program": there.id, "customer_id": "c", "click_id": there.clicked(anna)},
        ),
        ("GET", f"/v1/stats?program={there.id}", None),
        ("GET", f"/v1/ledgers/{there.id}/2026-11", None),
        ("POST", "/v1/keys", {"scopes": ["merchant"], "program": there.id}),
    ]
    for method, path, body in attempts:
        answer = stack.api(method, path, body, key=key)
        assert answer.status in {403, 404}, (method, path, answer)
        assert answer.json["error"]["code"]
    assert there.receipt(theirs) == before
    there.visitor().follow(anna).expect(302)


def terms():
    return {
        "attribution": {"model": "last", "window_days": 30},
        "hold_days": 0,
        "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 10000}],
    }


def test_what_is_not_there_and_what_is_anothers_look_alike(two, stack, merchant):
    here, there = two
    key = merchant(here)
    theirs = there.sell()
    missing = "cnv_" + "a" * (len(theirs) - 4)
    for tail in ("", "/receipt"):
        one = stack.api("GET", f"/v1/conversions/{theirs}{tail}", key=key)
        other = stack.api("GET", f"/v1/conversions/{missing}{tail}", key=key)
        assert (one.status, one.body) == (other.status, other.body)
    one = stack.api("GET", f"/v1/conversions?program={there.id}", key=key)
    other = stack.api("GET", "/v1/conversions?program=nobodys", key=key)
    assert (one.status, one.body) == (other.status, other.body)


def test_the_ledgers_listed_to_a_merchant_are_its_own(two, stack, merchant):
    here, there = two
    for shop in two:
        shop.sell(click_id=shop.clicked(shop.partner()))
    stack.reconcile()
    listed = stack.api("GET", "/v1/ledgers", key=merchant(here)).expect(200)
    assert there.id.encode() not in listed.body


def test_a_partner_reads_no_other_partners_receipt_or_stats(shop, stack, partner_key):
    anna, ben = shop.partner("anna"), shop.partner("ben")
    conversion = shop.sell(click_id=shop.clicked(anna))
    stack.reconcile()
    key = partner_key(shop, ben)
    for path in (f"/v1/conversions/{conversion}", f"/v1/conversions/{conversion}/receipt"):
        stack.api("GET", path, key=key).refused(403, 404)
    listed = stack.api("GET", f"/v1/conversions?program={shop.id}", key=key)
    assert conversion.encode() not in listed.body
    stats = stack.api("GET", f"/v1/stats?program={shop.id}&by=partner", key=key)
    assert anna.id.encode() not in stats.body


def test_a_partner_changes_no_money(shop, stack, partner_key):
    anna = shop.partner()
    conversion = shop.sell(click_id=shop.clicked(anna))
    key = partner_key(shop, anna)
    approve = {"id": "a", "kind": "approve", "reason": "please"}
    stack.api("POST", f"/v1/conversions/{conversion}/adjustments", approve, key=key).refused(403, 404)
    shop.tell(shop.order(), key=key).refused(403, 404)
    stack.api("POST", f"/v1/programs/{shop.id}/terms", terms(), key=key).refused(403, 404)


class TestPages:
    def test_a_list_pages_through_everything_once(self, shop, stack):
        told = {shop.sell() for _ in range(7)}
        # While a conversion is being settled it may be listed in both of its places, though never in none.
        stack.reconcile()
        seen, cursor, pages = [], "", 0
        while cursor is not None:
            path = f"/v1/conversions?program={shop.id}&limit=3" + (f"&cursor={cursor}" if cursor else "")
            page = stack.api("GET", path).expect(200).json
            assert len(page["data"]) <= 3
            seen += [row["id"] for row in page["data"]]
            cursor = page["next_cursor"]
            pages += 1
            assert pages < 10
        assert sorted(seen) == sorted(told)

    def test_a_list_stays_whole_while_states_change(self, shop, stack):
        anna = shop.partner()
        token = shop.clicked(anna)
        told = [shop.sell(click_id=token if number % 2 else None) for number in range(4)]
        stack.reconcile()
        shop.adjust(told[1], "refund")
        stack.reconcile()
        assert sorted(row["id"] for row in shop.conversions()) == sorted(told)

    @pytest.mark.parametrize("limit", ["1", "200"])
    def test_limit_goes_up_to_200(self, shop, stack, limit):
        stack.api("GET", f"/v1/conversions?program={shop.id}&limit={limit}").expect(200)

    @pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "ten", "", "9" * 30])
    def test_another_limit_never_gives_more_than_200(self, shop, stack, limit):
        answer = stack.api("GET", f"/v1/conversions?program={shop.id}&limit={limit}")
        assert answer.status in {200, 400, 422}

    @pytest.mark.parametrize("cursor", ["x", "e30", "e30=", "%00", "bnVsbA", "W10", "a" * 4000])
    def test_a_tampered_cursor_is_refused(self, shop, stack, cursor):
        shop.sell()
        stack.api("GET", f"/v1/conversions?program={shop.id}&cursor={cursor}").refused(400, 422)

    def test_another_programs_cursor_opens_nothing(self, two, stack, merchant):
        here, there = two
        theirs = {there.sell() for _ in range(4)}
        here.sell()
        page = stack.api("GET", f"/v1/conversions?program={there.id}&limit=2").json
        assert page["next_cursor"]
        path = f"/v1/conversions?program={here.id}&cursor={page['next_cursor']}"
        answer = stack.api("GET", path, key=merchant(here))
        assert not any(conversion.encode() in answer.body for conversion in theirs)
        assert answer.status < 500
