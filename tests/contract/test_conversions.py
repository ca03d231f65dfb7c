"""`POST /v1/conversions` and its batch, the pixel, the postback and the tag's collector."""

import json
from urllib.parse import urlencode

import pytest

from tests.contract.outside import BROWSER, wait_for

GIF_BYTES = 43


def test_a_sale_is_recorded_once_and_a_retry_answers_the_same(shop):
    anna = shop.partner()
    order = shop.order(click_id=shop.clicked(anna))
    first = shop.tell(order).expect(201).json
    assert first["id"].startswith("cnv_")
    for _ in range(3):
        again = shop.tell(order).expect(200).json
        assert (again["id"], again["outcome"]) == (first["id"], first["outcome"])
    assert [c["id"] for c in shop.conversions()] == [first["id"]]
    assert shop.credits(first["id"]) == {anna.id: 200}


def test_a_retry_answers_the_same_after_everything_else_has_happened(shop, stack):
    order = shop.order(click_id=shop.clicked(shop.partner()), occurred_at="2026-11-10T12:00:00Z")
    first = shop.tell(order).expect(201).json
    shop.close()
    stack.at("2029-01-01T00:00:00Z")
    again = shop.tell(order).expect(200).json
    assert (again["id"], again["outcome"]) == (first["id"], first["outcome"])


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 2001},
        {"currency": "USD"},
        {"items": [{"sku": "a", "quantity": 1, "amount": 2000}]},
    ],
)
def test_the_same_order_with_other_content_is_a_conflict_and_changes_nothing(shop, stack, change):
    order = shop.order(click_id=shop.clicked(shop.partner()))
    conversion = shop.tell(order).expect(201).json["id"]
    before = shop.receipt(conversion)
    shop.tell({**order, **change}).refused(409)
    assert shop.receipt(conversion) == before
    shop.tell(order).expect(200)


def test_an_order_is_program_event_and_order_id(a_shop):
    here, there = a_shop(), a_shop()
    order = here.order(order_id="A-1")
    ids = {
        here.tell(order).expect(201).json["id"],
        here.tell({**order, "event": "lead"}).expect(201).json["id"],
        here.tell({**order, "order_id": "A-2"}).expect(201).json["id"],
        there.tell({**order, "program": there.id}).expect(201).json["id"],
    }
    assert len(ids) == 4


def test_order_ids_are_compared_exactly(shop):
    ids = {shop.sell(order_id=order_id) for order_id in ("A-1", "a-1", "A-1#x", "Ａ-1", "A–1", "0A-1")}
    assert len(ids) == 6


def test_a_click_told_later_is_added_and_decided_again(shop):
    anna = shop.partner()
    token = shop.clicked(anna)
    order = shop.order()
    conversion = shop.tell(order).expect(201).json["id"]
    assert shop.state(conversion) == "unattributed"
    assert shop.tell({**order, "click_id": token}).expect(200, 201).json["id"] == conversion
    assert shop.credits(conversion) == {anna.id: 200}
    assert shop.conversion(conversion)["state"] == "pending"


def test_a_coupon_told_later_is_added_and_decided_again(shop):
    anna = shop.partner()
    shop.coupon(anna, "ANNA10").expect(201)
    order = shop.order()
    conversion = shop.tell(order).expect(201).json["id"]
    assert shop.credits(conversion) == {}
    shop.tell({**order, "coupon": "ANNA10"}).expect(200, 201)
    assert shop.credits(conversion) == {anna.id: 200}


def test_a_conversion_without_evidence_is_kept_as_unattributed(shop):
    conversion = shop.sell()
    receipt = shop.receipt(conversion)
    assert shop.conversion(conversion)["state"] == "unattributed"
    assert receipt["credits"] == []
    assert receipt["entries"] == []
    assert shop.conversions()[0]["order_id"] == shop.conversion(conversion)["order_id"]


@pytest.mark.parametrize("token", ["forged", "a" * 64, "", "x" * 5000, "né", "../../x"])
def test_a_click_id_that_was_made_up_credits_nobody(shop, token):
    shop.partner()
    answer = shop.tell(shop.order(click_id=token)).expect(201, 400, 422)
    if answer.status == 201:
        assert shop.credits(answer.json["id"]) == {}


def test_an_edited_click_id_credits_nobody(shop):
    token = shop.clicked(shop.partner())
    for place in (0, len(token) // 2, len(token) - 1):
        edited = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        answer = shop.tell(shop.order(click_id=edited)).expect(201, 400, 422)
        if answer.status == 201:
            assert shop.credits(answer.json["id"]) == {}


def test_another_programs_click_credits_nobody(a_shop):
    here, there = a_shop(), a_shop()
    token = there.clicked(there.partner())
    answer = here.tell(here.order(click_id=token)).expect(201, 400, 422)
    if answer.status == 201:
        assert here.credits(answer.json["id"]) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"amount": -1},
        {"amount": 19.9},
        {"amount": 2000.0},
        {"amount": "2000"},
        {"amount": True},
        {"amount": None},
        {"amount": 2**53},
        {"amount": [2000]},
        {"currency": "XXX"},
        {"currency": "XTS"},
        {"currency": "XAU"},
        {"currency": "EURO"},
        {"currency": ""},
        {"currency": 978},
        {"order_id": ""},
        {"order_id": 7},
        {"order_id": None},
        {"order_id": "x" * 5000},
        {"event": ""},
        {"event": "x" * 5000},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2026-11-10"},
        {"occurred_at": "2026-11-10T12:00:00"},
        {"occurred_at": 1762776000},
        {"occurred_at": "2026-02-30T12:00:00Z"},
        {"items": "one"},
        {"items": [{"sku": "a", "quantity": -1, "amount": 1}]},
        {"customer_id": 7},
        {"coupon": ["A"]},
        {"state": "approved"},
        {"commission": 100000},
        {"partner": "anna"},
    ],
)
def test_a_conversion_that_cannot_be_right_is_refused_and_nothing_stored(shop, change):
    shop.tell(shop.order(**change)).refused(400, 422)
    assert shop.conversions() == []


@pytest.mark.parametrize("missing", ["event", "order_id", "amount", "currency"])
def test_a_conversion_without_a_field_that_it_needs_is_refused(shop, missing):
    order = shop.order()
    del order[missing]
    shop.tell(order).refused(422)
    assert shop.conversions() == []


def test_the_largest_amount_that_json_keeps_is_taken(shop, stack):
    anna = shop.partner()
    conversion = shop.sell(2**53 - 1, click_id=shop.clicked(anna))
    assert shop.credits(conversion) == {anna.id: 900719925474099}


def test_a_conversion_of_no_program_is_refused(shop):
    shop.tell(shop.order(program="nobodys")).refused(403, 404, 422)


@pytest.mark.parametrize("path", ["", "/receipt"])
def test_a_conversion_that_is_not_there_is_not_found(stack, path):
    stack.api("GET", f"/v1/conversions/cnv_aaaaaaaaaaaaaaaaaaaaaaaaaa{path}").refused(404)


def test_the_receipt_tells_what_was_considered_counted_decided_and_paid(shop):
    anna = shop.partner()
    token = shop.clicked(anna)
    receipt = shop.receipt(shop.sell(click_id=token))
    assert set(receipt) >= {"outcome", "model", "terms_version", "path", "credits", "checks", "entries"}
    assert receipt["model"] == "last"
    (touch,) = receipt["path"]
    assert set(touch) >= {"click_id", "partner", "at", "evidence", "counted", "reason"}
    assert (touch["click_id"], touch["partner"], touch["counted"]) == (token, anna.id, True)
    (credit,) = receipt["credits"]
    assert credit["commission"] == {"amount": 200, "currency": "EUR"}
    assert len(receipt["entries"]) == 1


class TestBatch:
    def test_each_of_a_batch_gets_its_own_result_in_order(self, shop, stack):
        known, fresh = shop.order(), shop.order()
        shop.tell(known).expect(201)
        orders = [fresh, known, {**known, "amount": 1}, shop.order(amount=-1), {"nonsense": True}, fresh]
        results = tell_batch(stack, orders)
        assert [status_of(result) for result in results] == [201, 200, 409, 422, 422, 200]
        assert len(shop.conversions()) == 2

    def test_a_batch_takes_500(self, shop, stack):
        results = tell_batch(stack, [shop.order() for _ in range(500)])
        assert [status_of(result) for result in results] == [201] * 500

    def test_a_larger_batch_is_refused_whole(self, shop, stack):
        body = {"conversions": [shop.order() for _ in range(501)]}
        stack.api("POST", "/v1/conversions/batch", body).refused(400, 413, 422)
        assert shop.conversions() == []

    def test_a_batch_again_is_all_duplicates(self, shop, stack):
        orders = [shop.order() for _ in range(20)]
        first = tell_batch(stack, orders)
        again = tell_batch(stack, orders)
        assert [status_of(result) for result in again] == [200] * 20
        assert [result["id"] for result in again] == [result["id"] for result in first]


def tell_batch(stack, orders):
    answer = stack.api("POST", "/v1/conversions/batch", {"conversions": orders}).expect(200, 207)
    return answer.json["results"]


def status_of(result):
    return result["status"]


class TestPixel:
    def report(self, shop, **fields):
        return {
            "program": shop.id,
            "event": "sale",
            "order_id": "P-1",
            "amount": "19.90",
            "currency": "EUR",
            **fields,
        }

    def test_its_conversion_is_held_shows_its_credits_and_has_no_entries(self, shop):
        anna = shop.partner()
        answer = shop.pixel(self.report(shop, click_id=shop.clicked(anna))).expect(200)
        assert answer.header("Content-Type") == "image/gif"
        assert len(answer.body) == GIF_BYTES
        (conversion,) = shop.conversions()
        receipt = shop.receipt(conversion["id"])
        assert shop.conversion(conversion["id"])["state"] == "held"
        assert receipt["credits"][0]["commission"] == {"amount": 199, "currency": "EUR"}
        assert receipt["entries"] == []
        assert shop.draft().of(conversion["id"]) == []

    def test_a_reload_is_the_same_conversion(self, shop):
        report = self.report(shop, click_id=shop.clicked(shop.partner()))
        for _ in range(3):
            shop.pixel(report).expect(200)
        assert len(shop.conversions()) == 1

    def test_an_authenticated_call_confirms_it(self, shop):
        anna = shop.partner()
        shop.pixel(self.report(shop, click_id=shop.clicked(anna)))
        (held,) = shop.conversions()
        answer = shop.tell(shop.order(1990, order_id="P-1")).expect(200, 201)
        assert answer.json["id"] == held["id"]
        assert shop.state(held["id"]) == "pending"
        assert shop.credits(held["id"]) == {anna.id: 199}
        assert len(shop.receipt(held["id"])["entries"]) == 1

    def test_the_authenticated_figures_stand(self, shop):
        anna = shop.partner()
        shop.pixel(self.report(shop, amount="9999.00", click_id=shop.clicked(anna)))
        order = shop.order(5000, order_id="P-1")
        conversion = shop.tell(order).expect(200, 201).json["id"]
        assert shop.credits(conversion) == {anna.id: 500}
        shop.tell(order).expect(200)
        shop.tell({**order, "amount": 999900}).refused(409)
        assert shop.credits(conversion) == {anna.id: 500}

    def test_the_list_shows_the_authenticated_figures(self, shop):
        shop.pixel(self.report(shop, amount="9999.00"))
        conversion = shop.tell(shop.order(5000, order_id="P-1")).json["id"]
        amounts = {shop.conversion(conversion)["amount"], shop.conversions()[0]["amount"]}
        assert amounts == {5000}

    def test_after_an_authenticated_call_a_pixel_changes_no_figure(self, shop):
        anna = shop.partner()
        conversion = shop.sell(5000, order_id="P-1", click_id=shop.clicked(anna))
        shop.pixel(self.report(shop, amount="1.00")).expect(200)
        assert shop.state(conversion) == "pending"
        assert shop.credits(conversion) == {anna.id: 500}

    def test_a_program_may_trust_it(self, a_shop):
        shop = a_shop(trust_browser=True)
        anna = shop.partner()
        shop.pixel(self.report(shop, click_id=shop.clicked(anna)))
        (conversion,) = shop.conversions()
        assert shop.state(conversion["id"]) == "pending"
        assert len(shop.receipt(conversion["id"])["entries"]) == 1

    def test_a_reviewer_may_approve_it(self, shop):
        anna = shop.partner()
        shop.pixel(self.report(shop, click_id=shop.clicked(anna)))
        conversion = shop.conversions()[0]["id"]
        shop.adjust(conversion, "approve").expect(200, 201)
        assert shop.state(conversion) in {"pending", "approved"}
        assert len(shop.draft().of(conversion, "accrual")) == 1

    def test_a_reviewer_may_reject_it(self, shop):
        shop.pixel(self.report(shop, click_id=shop.clicked(shop.partner())))
        conversion = shop.conversions()[0]["id"]
        shop.adjust(conversion, "reject").expect(200, 201)
        assert shop.state(conversion) == "rejected"
        assert shop.draft().of(conversion) == []

    @pytest.mark.parametrize(
        "change",
        [
            {"amount": "1,99"},
            {"amount": "1e3"},
            {"amount": "-1"},
            {"amount": "NaN"},
            {"amount": "Infinity"},
            {"amount": "1.999"},
            {"amount": "9" * 5000},
            {"amount": "٣"},
            {"amount": None},
            {"currency": "XXX"},
            {"currency": "€"},
            {"order_id": None},
            {"order_id": ""},
            {"event": None},
            {"program": None},
            {"program": "nobodys"},
            {"program": "../x"},
        ],
    )
    def test_whatever_came_in_it_is_a_gif(self, shop, change):
        answer = shop.pixel(self.report(shop, **change)).expect(200)
        assert answer.header("Content-Type") == "image/gif"
        assert len(answer.body) == GIF_BYTES
        assert shop.conversions() == []

    @pytest.mark.parametrize(
        "query", ["", "?", "?amount", "?%ff=%ff", "?a=1&a=2&program=x&program=y", "?" + "x" * 8000]
    )
    def test_even_nonsense_is_a_gif(self, stack, query):
        assert len(stack.http("GET", f"/p.gif{query}", None, {"User-Agent": BROWSER}).body) == GIF_BYTES

    def test_amounts_are_in_the_currencys_own_digits(self, shop):
        anna = shop.partner()
        token = shop.clicked(anna)
        for order_id, amount, currency in (("J", "1990", "JPY"), ("K", "1.990", "KWD"), ("E", "19.9", "EUR")):
            report = self.report(shop, order_id=order_id, amount=amount, currency=currency, click_id=token)
            shop.pixel(report)
        for conversion in shop.conversions():
            assert shop.credits(conversion["id"]) == {anna.id: 199}

    def test_its_window_is_28_days_where_the_terms_say_so(self, a_shop, stack):
        shop = a_shop(terms={"window_days": 60, "window_days_by_method": {"pixel": 28}})
        token = shop.clicked(shop.partner())
        stack.at("2026-12-09T12:00:00Z")
        shop.pixel(self.report(shop, order_id="late", click_id=token))
        conversion = shop.conversions()[0]["id"]
        assert shop.credits(conversion) == {}
        told = shop.sell(click_id=token)
        assert len(shop.credits(told)) == 1


class TestPostback:
    def call(self, shop, method="GET", **fields):
        query = {"token": shop.program["postback_token"], **fields}
        encoded = urlencode({name: value for name, value in query.items() if value is not None})
        if method == "POST":
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return shop.stack.http("POST", f"/postback/{shop.id}", encoded.encode(), headers)
        return shop.stack.http("GET", f"/postback/{shop.id}?{encoded}", None, {"User-Agent": "tracker/1.0"})

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_it_records_a_conversion_that_needs_no_confirmation(self, shop, method):
        anna = shop.partner()
        sale = {"click_id": shop.clicked(anna), "order_id": "N-1", "amount": "19.90", "currency": "EUR"}
        self.call(shop, method, event="sale", **sale).expect(200)
        (conversion,) = shop.conversions()
        assert shop.state(conversion["id"]) == "pending"
        assert shop.credits(conversion["id"]) == {anna.id: 199}

    def test_a_repeat_is_one_conversion(self, shop):
        sale = {"click_id": shop.clicked(shop.partner()), "order_id": "N-1", "amount": "5", "currency": "EUR"}
        for _ in range(3):
            self.call(shop, event="sale", **sale).expect(200)
        assert len(shop.conversions()) == 1

    @pytest.mark.parametrize("click", ["click_id", "clickid", "cid", "subid", "irclickid"])
    @pytest.mark.parametrize("order", ["order_id", "transaction_id", "txid"])
    def test_it_knows_the_usual_aliases(self, shop, click, order):
        anna = shop.partner()
        sale = {click: shop.clicked(anna), order: "N-1", "amount": "19.90", "currency": "EUR"}
        self.call(shop, event="sale", **sale).expect(200)
        (conversion,) = shop.conversions()
        assert conversion["order_id"] == "N-1"
        assert shop.credits(conversion["id"]) == {anna.id: 199}

    @pytest.mark.parametrize("token", [None, "", "wrong"])
    def test_without_the_programs_token_nothing_changes(self, shop, token):
        sale = {"order_id": "N-1", "amount": "19.90", "currency": "EUR", "event": "sale"}
        answer = self.call(shop, **sale, token=token)
        assert 400 <= answer.status < 500
        assert shop.conversions() == []

    def test_another_programs_token_is_no_token(self, a_shop):
        here, there = a_shop(), a_shop()
        sale = {"order_id": "N-1", "amount": "19.90", "currency": "EUR", "event": "sale"}
        answer = self.call(here, **sale, token=there.program["postback_token"])
        assert 400 <= answer.status < 500
        assert here.conversions() == []
        assert there.conversions() == []

    @pytest.mark.parametrize("amount", ["1,99", "1e3", "-5", "NaN", "", "9" * 5000])
    def test_an_amount_that_is_none_stores_nothing(self, shop, amount):
        answer = self.call(shop, event="sale", order_id="N-1", amount=amount, currency="EUR")
        assert answer.status < 500
        assert shop.conversions() == []

    def test_a_method_that_the_program_does_not_use_is_refused(self, a_shop):
        shop = a_shop(methods=["api"])
        sale = {"order_id": "N-1", "amount": "19.90", "currency": "EUR", "event": "sale"}
        assert self.call(shop, **sale).status < 500
        assert len(shop.pixel({"program": shop.id, **sale}).expect(200).body) == GIF_BYTES
        assert shop.conversions() == []
        shop.sell()
        other = a_shop(methods=["pixel"])
        other.tell(other.order()).refused(403, 409, 422)


class TestCollect:
    def send(self, stack, body, content_type="text/plain", **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return stack.http(
            "POST",
            "/v1/collect",
            raw,
            {
                "Content-Type": content_type,
                "Origin": "https://shop.example",
                "User-Agent": BROWSER,
                **headers,
            },
        )

    def conversion(self, shop, **fields):
        return {
            "program": shop.id,
            "type": "convert",
            "event": "sale",
            "order_id": "T-1",
            "amount": "19.90",
            "currency": "EUR",
            **fields,
        }

    @pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8", "application/json"])
    def test_it_takes_beacons_from_any_origin_and_trusts_them_as_the_pixel(self, shop, content_type):
        anna = shop.partner()
        body = self.conversion(shop, click_id=shop.clicked(anna))
        answer = self.send(shop.stack, body, content_type).expect(202)
        assert answer.header("Access-Control-Allow-Origin") in {"*", "https://shop.example"}
        wait_for(lambda: len(shop.conversions()) == 1)
        (conversion,) = shop.conversions()
        assert shop.state(conversion["id"]) == "held"
        assert list(shop.credits(conversion["id"])) == [anna.id]

    def test_a_consent_is_taken(self, shop):
        self.send(shop.stack, {"program": shop.id, "type": "consent", "consent": "granted"}).expect(202, 422)

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"program": "x", "program": "y"}', b"[" * 5000]
    )
    def test_nonsense_is_no_servers_fault(self, stack, body):
        assert self.send(stack, body).status < 500


def test_the_tag_is_a_small_cacheable_script(stack):
    answer = stack.http("GET", "/tag.js", None, {"User-Agent": BROWSER, "Accept": "*/*"}).expect(200)
    assert "javascript" in answer.header("Content-Type")
    assert "max-age" in answer.header("Cache-Control")
    assert len(answer.body) < 20_000
