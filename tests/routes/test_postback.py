"""Postbacks over HTTP: who may send them, what they do, what they are answered."""

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.program import Method
from tests.capturing import NOW, TOKEN, a_click, a_program, calling, euros, is_known, known

PATH = "/postback/acme"


@pytest.fixture
def caller(stage: Any, clock: Any) -> Any:
    clock.set(NOW)
    a_program(bootstrap.stores())
    return calling()


def send(caller: Any, **parameters: str) -> tuple[int, str]:
    answer = caller.get(PATH, **{"token": TOKEN} | parameters)
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.status_code, answer.body.decode()


def test_a_conversion_is_recorded_and_confirmed(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    assert send(caller, cid=click, txid="o1", payout="49.90", et="sale") == (200, "OK")
    order = known("o1")
    assert (order.report.content, order.report.method) == (euros(4990), Method.POSTBACK)
    assert order.report.confirmed
    assert [touch.partner for touch in order.touches] == ["anna"]


def test_a_repeat_is_answered_alike(caller: Any) -> None:
    first = send(caller, order_id="o1", amount="10.00")
    assert send(caller, order_id="o1", amount="10.00") == first == (200, "OK")


def test_without_an_order_one_click_is_one_conversion(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    assert send(caller, subid=click, payout="5") == (200, "OK")
    assert send(caller, subid=click, payout="5") == (200, "OK")
    assert send(caller, subid=click, payout="6")[0] == 409
    assert known(click).report.content == euros(500)


def test_a_form_says_the_same_as_a_query(caller: Any) -> None:
    form = f"token={TOKEN}&order_id=o1&amount=3.50".encode()
    answer = caller.post(PATH, form, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.body) == (200, b"OK")
    assert known("o1").report.content == euros(350)


def test_the_reply_follows_the_caller(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    assert send(caller, order_id="o1", **{"return": "1"}) == (200, "1")
    assert send(caller, transaction_id=click, amount="1.00") == (200, "success=true;")
    status, text = send(caller, transaction_id=click, amount="nothing")
    assert status == 422
    assert text.startswith("success=false; err_msg=")


def test_a_reply_that_could_be_a_page_is_refused(caller: Any) -> None:
    assert send(caller, order_id="o1", **{"return": "<script>"})[0] == 422
    assert not is_known("o1")


def test_a_refund_takes_its_amount_back_once(caller: Any) -> None:
    send(caller, order_id="o1", amount="10.00")
    for _ in range(2):
        assert send(caller, order_id="o1", status="refunded", amount="4.00") == (200, "OK")
    (adjustment,) = known("o1").adjustments
    assert (adjustment.kind, adjustment.amount_minor) == (AdjustmentKind.REFUND, 400)


def test_a_refund_is_one_in_the_currency_of_its_order(caller: Any) -> None:
    send(caller, order_id="o1", amount="1000", currency="JPY")
    status, text = send(caller, order_id="o1", status="refunded", amount="4.00", currency="USD")
    assert (status, text.startswith("error=currency_differs:")) == (422, True)
    assert known("o1").adjustments == ()
    for _ in range(2):
        assert send(caller, order_id="o1", status="refunded", amount="400") == (200, "OK")
    assert [adjustment.amount_minor for adjustment in known("o1").adjustments] == [400]


def test_a_rejection_may_come_before_its_order(caller: Any) -> None:
    assert send(caller, order_id="o1", status="rejected") == (200, "OK")
    assert send(caller, order_id="o1", amount="10.00", status="approved") == (200, "OK")
    assert [adjustment.kind for adjustment in known("o1").adjustments] == [AdjustmentKind.REJECT]


def test_an_ignored_status_does_nothing(caller: Any) -> None:
    assert send(caller, order_id="o1", status="ping", ignore_status="ping,test") == (200, "OK")
    assert not is_known("o1")


def test_a_wrong_token_and_an_unknown_program_are_refused_alike(caller: Any) -> None:
    wrong = caller.get(PATH, token="wrong", order_id="o1")
    missing = caller.get(PATH, order_id="o1")
    unknown = caller.get("/postback/nobody", token=TOKEN, order_id="o1")
    assert wrong.status_code == missing.status_code == unknown.status_code == 401
    assert wrong.body == missing.body == unknown.body
    assert not is_known("o1")


def test_other_figures_of_a_known_order_are_a_conflict(caller: Any) -> None:
    send(caller, order_id="o1", amount="10.00")
    status, text = send(caller, order_id="o1", amount="11.00")
    assert (status, text.split(":")[0]) == (409, "error=order_conflict")
    assert known("o1").report.content == euros(1000)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "NaN"},
        {"amount": "-1"},
        {"amount": "1e9999"},
        {"currency": "XAU"},
        {"event": "e" * 65},
        {"event": "\u2028"},
        {"order_id": "o\x00"},
        {"order_id": "o" * 129},
        {"status": "\u0000"},
        {"coupon": "\x00"},
        {"occurred_at": "2999-01-01T00:00:00Z"},
        {"occurred_at": "1969-01-01T00:00:00Z"},
    ],
)
def test_rubbish_is_refused_and_not_stored(caller: Any, change: dict[str, str]) -> None:
    query = {"order_id": "o1", "amount": "1.00"} | change
    assert send(caller, **query)[0] == 422
    assert not is_known(query["order_id"], query.get("event", "sale"))


def test_a_refund_of_an_impossible_order_is_refused(caller: Any) -> None:
    assert send(caller, order_id="o\x00", status="refunded")[0] == 422


def test_a_repeated_parameter_is_refused(caller: Any) -> None:
    answer = caller.client.http.get(f"{PATH}?token={TOKEN}&order_id=o1&amount=1&amount=2")
    assert answer.status_code == 422
    assert not is_known("o1")


@pytest.mark.parametrize("raw", [b"\xff=1", b"a=%ff", b"&".join(b"a%d=1" % n for n in range(200))])
def test_a_form_that_cannot_be_read_is_refused(caller: Any, raw: bytes) -> None:
    answer = caller.post(PATH, raw, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400


def test_other_bodies_are_refused(caller: Any) -> None:
    assert caller.post(PATH, {"token": TOKEN, "order_id": "o1"}).status_code == 415
    form = b"a=" + b"1" * 70_000
    assert caller.post(PATH, form, content_type="application/x-www-form-urlencoded").status_code == 413


def test_a_program_that_does_not_use_postbacks_takes_none(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    a_program(bootstrap.stores(), methods=frozenset({Method.API}))
    status, text = send(calling(), order_id="o1", status="refunded")
    assert (status, text.split(":")[0]) == (422, "error=method_not_allowed")


def test_a_failure_of_ours_is_told_in_text(caller: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr("chalicelib.services.capture.record", fail)
    assert send(caller, order_id="o1") == (500, "error=internal: try again")
