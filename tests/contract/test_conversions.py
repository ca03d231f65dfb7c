"""`POST /v1/conversions`: orders, retries, evidence, receipts."""

import pytest


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
    stack.reconcile()
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
    assert shop.state(conversion) == "unattributed"
    receipt = shop.receipt(conversion)
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
        {"customer_id": 7},
        {"coupon": ["A"]},
        {"state": "approved"},
        {"commission": 100000},
        {"partner": "anna"},
    ],
)
def test_a_conversion_that_cannot_be_right_is_refused_and_nothing_stored(stack, closed_shop, change):
    closed_shop.tell(closed_shop.order(**change)).refused(400, 422)
    assert closed_shop.conversions() == []


@pytest.mark.parametrize("missing", ["event", "order_id", "amount", "currency"])
def test_a_conversion_without_a_field_that_it_needs_is_refused(stack, closed_shop, missing):
    order = closed_shop.order()
    del order[missing]
    closed_shop.tell(order).refused(422)
    assert closed_shop.conversions() == []


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
    conversion = shop.sell(click_id=token)
    shop.stack.reconcile()
    receipt = shop.receipt(conversion)
    assert set(receipt) >= {"outcome", "model", "terms_version", "path", "credits", "checks", "entries"}
    assert receipt["model"] == "last"
    (touch,) = receipt["path"]
    assert set(touch) >= {"click_id", "partner", "at", "evidence", "counted", "reason"}
    assert (touch["click_id"], touch["partner"], touch["counted"]) == (token, anna.id, True)
    (credit,) = receipt["credits"]
    assert credit["commission"] == {"amount": 200, "currency": "EUR"}
    assert len(receipt["entries"]) == 1


LINE = {"sku": "boots", "quantity": 1, "amount": 2000}


@pytest.mark.parametrize(
    "items",
    [
        [{**LINE, "sku": ""}],
        [{**LINE, "sku": " "}],
        [{**LINE, "sku": "boots\r\nX-A: b"}],
        [{**LINE, "sku": "s" * 129}],
        [{**LINE, "category": "c" * 129}],
        [{**LINE, "quantity": 0}],
        [{**LINE, "quantity": -1}],
        [{**LINE, "amount": -1}],
        [LINE] * 201,
        [LINE] * 15_000,
    ],
)
def test_lines_that_no_order_has_are_refused_and_nothing_is_kept(shop, items):
    shop.tell(shop.order(items=items)).refused(413, 422)
    assert shop.conversions() == []


def test_a_line_without_a_category_is_one_whose_category_is_empty(shop):
    order = shop.order(items=[{**LINE, "category": ""}])
    first = shop.tell(order).expect(201).json["id"]
    assert shop.tell(order).expect(200).json["id"] == first
    assert shop.tell({**order, "items": [LINE]}).expect(200).json["id"] == first


def test_the_largest_order_is_kept_whole(shop):
    items = [{"sku": "\U0001f45f" * 128, "category": "\U0001f45f" * 128, "amount": 10}] * 200
    order = shop.order(items=items, click_id=shop.clicked(shop.partner()))
    conversion = shop.tell(order).expect(201).json["id"]
    assert shop.tell(order).expect(200).json["id"] == conversion
    assert shop.state(conversion) == "pending"
