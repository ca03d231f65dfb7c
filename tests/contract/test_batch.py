"""`POST /v1/conversions/batch`."""


def test_each_of_a_batch_gets_its_own_result_in_order(shop, stack):
    known, fresh = shop.order(), shop.order()
    shop.tell(known).expect(201)
    orders = [fresh, known, {**known, "amount": 1}, shop.order(amount=-1), {"nonsense": True}, fresh]
    results = tell_batch(stack, orders)
    assert [status_of(result) for result in results] == [201, 200, 409, 422, 422, 200]
    assert len(shop.conversions()) == 2


def test_one_that_cannot_be_read_is_told_of_and_stops_no_other(shop, stack):
    half = {"sku": "sock", "amount": 0.5}
    orders = [shop.order(amount=1.5), shop.order(order_id="a\0b"), shop.order(items=[half])]
    unread = [*orders, None, 7, 0.5, []]
    results = tell_batch(stack, [shop.order(), *unread, shop.order()])
    assert [status_of(result) for result in results] == [201, *[422] * len(unread), 201]
    fields = [result["error"].get("field") for result in results[1:-1]]
    assert fields == ["amount", "order_id", "items[0].amount", None, None, None, None]
    assert len(shop.conversions()) == 2


def test_a_batch_takes_500(shop, stack):
    results = tell_batch(stack, [shop.order() for _ in range(500)])
    assert [status_of(result) for result in results] == [201] * 500


def test_a_larger_batch_is_refused_whole(shop, stack):
    body = {"conversions": [shop.order() for _ in range(501)]}
    stack.api("POST", "/v1/conversions/batch", body).refused(400, 413, 422)
    assert shop.conversions() == []


def test_a_batch_again_is_all_duplicates(shop, stack):
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
