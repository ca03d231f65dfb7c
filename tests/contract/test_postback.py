"""`GET` and `POST /postback/{program}`."""

from urllib.parse import urlencode

import pytest

GIF_BYTES = 43


def call(shop, method="GET", **fields):
    query = {"token": shop.program["postback_token"], **fields}
    encoded = urlencode({name: value for name, value in query.items() if value is not None})
    if method == "POST":
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return shop.stack.http("POST", f"/postback/{shop.id}", encoded.encode(), headers)
    return shop.stack.http("GET", f"/postback/{shop.id}?{encoded}", None, {"User-Agent": "tracker/1.0"})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_records_a_conversion_that_needs_no_confirmation(shop, method):
    anna = shop.partner()
    sale = {"click_id": shop.clicked(anna), "order_id": "N-1", "amount": "19.90", "currency": "EUR"}
    call(shop, method, event="sale", **sale).expect(200)
    (conversion,) = shop.conversions()
    assert shop.state(conversion["id"]) == "pending"
    assert shop.credits(conversion["id"]) == {anna.id: 199}


def test_a_repeat_is_one_conversion(shop):
    sale = {"click_id": shop.clicked(shop.partner()), "order_id": "N-1", "amount": "5", "currency": "EUR"}
    for _ in range(3):
        call(shop, event="sale", **sale).expect(200)
    assert len(shop.conversions()) == 1


@pytest.mark.parametrize("click", ["click_id", "clickid", "cid", "subid", "irclickid"])
@pytest.mark.parametrize("order", ["order_id", "transaction_id", "txid"])
def test_it_knows_the_usual_aliases(shop, click, order):
    anna = shop.partner()
    sale = {click: shop.clicked(anna), order: "N-1", "amount": "19.90", "currency": "EUR"}
    call(shop, event="sale", **sale).expect(200)
    (conversion,) = shop.conversions()
    assert conversion["order_id"] == "N-1"
    assert shop.credits(conversion["id"]) == {anna.id: 199}


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_the_programs_token_nothing_changes(stack, closed_shop, token):
    sale = {"order_id": "N-1", "amount": "19.90", "currency": "EUR", "event": "sale"}
    answer = call(closed_shop, **sale, token=token)
    assert 400 <= answer.status < 500
    assert closed_shop.conversions() == []


def test_another_programs_token_is_no_token(a_shop):
    here, there = a_shop(), a_shop()
    sale = {"order_id": "N-1", "amount": "19.90", "currency": "EUR", "event": "sale"}
    answer = call(here, **sale, token=there.program["postback_token"])
    assert 400 <= answer.status < 500
    assert here.conversions() == []
    assert there.conversions() == []


@pytest.mark.parametrize("amount", ["1,99", "1e3", "-5", "NaN", "9" * 5000])
def test_an_amount_that_is_none_stores_nothing(stack, closed_shop, amount):
    answer = call(closed_shop, event="sale", order_id="N-1", amount=amount, currency="EUR")
    assert answer.status < 500
    assert closed_shop.conversions() == []


def test_a_method_that_the_program_does_not_use_is_refused(a_shop):
    shop = a_shop(methods=["api"])
    sale = {"order_id": "N-1", "amount": "19.90", "currency": "EUR", "event": "sale"}
    assert call(shop, **sale).status < 500
    assert len(shop.pixel({"program": shop.id, **sale}).expect(200).body) == GIF_BYTES
    assert shop.conversions() == []
    shop.sell()
    other = a_shop(methods=["pixel"])
    other.tell(other.order()).refused(403, 409, 422)
