"""`GET /p.gif`."""

import pytest

from tests.contract.outside import BROWSER

GIF_BYTES = 43


def a_report(shop, **fields):
    return {
        "program": shop.id,
        "event": "sale",
        "order_id": "P-1",
        "amount": "19.90",
        "currency": "EUR",
        **fields,
    }


def test_its_conversion_is_held_shows_its_credits_and_has_no_entries(shop):
    anna = shop.partner()
    answer = shop.pixel(a_report(shop, click_id=shop.clicked(anna))).expect(200)
    assert answer.header("Content-Type") == "image/gif"
    assert len(answer.body) == GIF_BYTES
    (conversion,) = shop.conversions()
    assert shop.state(conversion["id"]) == "held"
    receipt = shop.receipt(conversion["id"])
    assert receipt["credits"][0]["commission"] == {"amount": 199, "currency": "EUR"}
    assert receipt["entries"] == []
    assert shop.draft().of(conversion["id"]) == []


def test_a_reload_is_the_same_conversion(shop):
    report = a_report(shop, click_id=shop.clicked(shop.partner()))
    for _ in range(3):
        shop.pixel(report).expect(200)
    assert len(shop.conversions()) == 1


def test_an_authenticated_call_confirms_it(shop):
    anna = shop.partner()
    shop.pixel(a_report(shop, click_id=shop.clicked(anna)))
    (held,) = shop.conversions()
    answer = shop.tell(shop.order(1990, order_id="P-1")).expect(200, 201)
    assert answer.json["id"] == held["id"]
    assert shop.state(held["id"]) == "pending"
    assert shop.credits(held["id"]) == {anna.id: 199}
    assert len(shop.receipt(held["id"])["entries"]) == 1


def test_the_authenticated_figures_stand(shop):
    anna = shop.partner()
    shop.pixel(a_report(shop, amount="9999.00", click_id=shop.clicked(anna)))
    order = shop.order(5000, order_id="P-1")
    conversion = shop.tell(order).expect(200, 201).json["id"]
    assert shop.credits(conversion) == {anna.id: 500}
    shop.tell(order).expect(200)
    shop.tell({**order, "amount": 999900}).refused(409)
    assert shop.credits(conversion) == {anna.id: 500}


def test_the_list_shows_the_authenticated_figures(shop):
    shop.pixel(a_report(shop, amount="9999.00"))
    conversion = shop.tell(shop.order(5000, order_id="P-1")).json["id"]
    amounts = {shop.conversion(conversion)["amount"], shop.conversions()[0]["amount"]}
    assert amounts == {5000}


def test_after_an_authenticated_call_a_pixel_changes_no_figure(shop):
    anna = shop.partner()
    conversion = shop.sell(5000, order_id="P-1", click_id=shop.clicked(anna))
    shop.pixel(a_report(shop, amount="1.00")).expect(200)
    assert shop.state(conversion) == "pending"
    assert shop.credits(conversion) == {anna.id: 500}


def test_a_program_may_trust_it(a_shop):
    shop = a_shop(trust_browser=True)
    anna = shop.partner()
    shop.pixel(a_report(shop, click_id=shop.clicked(anna)))
    (conversion,) = shop.conversions()
    assert shop.state(conversion["id"]) == "pending"
    assert len(shop.receipt(conversion["id"])["entries"]) == 1


def test_a_reviewer_may_approve_it(shop):
    anna = shop.partner()
    shop.pixel(a_report(shop, click_id=shop.clicked(anna)))
    conversion = shop.conversions()[0]["id"]
    shop.adjust(conversion, "approve").expect(200, 201)
    assert shop.state(conversion) in {"pending", "approved"}
    assert len(shop.draft().of(conversion, "accrual")) == 1


def test_a_reviewer_may_reject_it(shop):
    shop.pixel(a_report(shop, click_id=shop.clicked(shop.partner())))
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
def test_whatever_came_in_it_is_a_gif(stack, closed_shop, change):
    answer = closed_shop.pixel(a_report(closed_shop, **change)).expect(200)
    assert answer.header("Content-Type") == "image/gif"
    assert len(answer.body) == GIF_BYTES
    assert closed_shop.conversions() == []


@pytest.mark.parametrize(
    "query", ["", "?", "?amount", "?%ff=%ff", "?a=1&a=2&program=x&program=y", "?" + "x" * 8000]
)
def test_even_nonsense_is_a_gif(stack, query):
    assert len(stack.http("GET", f"/p.gif{query}", None, {"User-Agent": BROWSER}).body) == GIF_BYTES


def test_amounts_are_in_the_currencys_own_digits(shop):
    anna = shop.partner()
    token = shop.clicked(anna)
    for order_id, amount, currency in (("J", "1990", "JPY"), ("K", "1.990", "KWD"), ("E", "19.9", "EUR")):
        report = a_report(shop, order_id=order_id, amount=amount, currency=currency, click_id=token)
        shop.pixel(report)
    for conversion in shop.conversions():
        assert shop.credits(conversion["id"]) == {anna.id: 199}


def test_its_window_is_28_days_where_the_terms_say_so(a_shop, stack):
    shop = a_shop(terms={"window_days": 60, "window_days_by_method": {"pixel": 28}})
    token = shop.clicked(shop.partner())
    stack.at("2026-12-09T12:00:00Z")
    shop.pixel(a_report(shop, order_id="late", click_id=token))
    conversion = shop.conversions()[0]["id"]
    assert shop.credits(conversion) == {}
    told = shop.sell(click_id=token)
    assert len(shop.credits(told)) == 1
