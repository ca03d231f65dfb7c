"""The pixel: the same picture always, and a conversion where what it says makes sense."""

import json
import struct
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.program import Consent, Method
from chalicelib.routes import pixel
from chalicelib.services.guessing import MAX_UNKNOWN
from local.engine import Engine
from tests.capturing import NOW, a_click, a_program, calling, euros, is_known, known
from tests.faults.transport import DatabaseAway, wired
from tests.reconciling import work

ORDER = {"program": "acme", "event": "sale", "order_id": "o1", "amount": "49.90", "currency": "EUR"}


@pytest.fixture
def caller(stage: Any, clock: Any) -> Any:
    clock.set(NOW)
    a_program(bootstrap.stores())
    return calling()


def waiting(engine: Engine, stage: Any) -> list[str]:
    """The reports that the jobs' queue holds."""
    sqs = engine.client("sqs")
    url = sqs.get_queue_url(QueueName=stage.environment["JOBS_QUEUE"])["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=10)["Messages"]
    return [message["Body"] for message in found if "late_order" in json.loads(message["Body"])]


def assert_picture(answer: Any) -> None:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.body) == 43
    assert answer.body == pixel.GIF


def test_the_picture_is_one_pixel_of_gif89a() -> None:
    assert pixel.GIF[:6] == b"GIF89a"
    assert struct.unpack("<HH", pixel.GIF[6:10]) == (1, 1)
    assert pixel.GIF[-1:] == b";"


def test_a_conversion_is_recorded_with_its_click(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    assert_picture(caller.get("/p.gif", **ORDER, click_id=click, coupon="anna10", customer_id="c1"))
    order = known("o1")
    assert (order.report.content, order.report.method) == (euros(4990), Method.PIXEL)
    assert [touch.partner for touch in order.touches] == ["anna"]
    assert [coupon.partner for coupon in order.coupons] == ["anna"]
    assert not order.report.confirmed


def test_a_reload_is_the_same_conversion(caller: Any) -> None:
    for _ in range(3):
        assert_picture(caller.get("/p.gif", **ORDER))
    assert known("o1").report.content == euros(4990)


def test_a_lead_is_worth_nothing(caller: Any) -> None:
    assert_picture(caller.get("/p.gif", **ORDER | {"event": "lead", "order_id": "l1", "amount": "0"}))
    assert known("l1", "lead").report.content == euros(0)


def test_under_global_privacy_control_no_identifier_is_kept(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    query = ORDER | {"click_id": click, "customer_id": "c1", "coupon": "ANNA10"}
    assert_picture(caller.get("/p.gif", headers={"sec-gpc": "1"}, **query))
    order = known("o1")
    assert (order.report.click_id, order.report.customer, order.touches) == (None, None, ())
    assert order.coupons[0].partner == "anna"


def test_after_a_denied_consent_no_identifier_is_kept(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    assert_picture(caller.get("/p.gif", **ORDER, click_id=click, customer_id="c1", consent="denied"))
    assert (known("o1").report.click_id, known("o1").report.customer) == (None, None)


def test_where_consent_is_required_a_customer_needs_it(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    a_program(bootstrap.stores(), consent=Consent.REQUIRED)
    caller = calling()
    assert_picture(caller.get("/p.gif", **ORDER, customer_id="c1"))
    assert known("o1").report.customer is None
    assert_picture(caller.get("/p.gif", **ORDER | {"order_id": "o2"}, customer_id="c1", consent="granted"))
    assert known("o2").report.customer is not None


@pytest.mark.parametrize(
    "change",
    [
        {"amount": ""},
        {"amount": "NaN"},
        {"amount": "-1"},
        {"amount": "1e3"},
        {"amount": "1,00"},
        {"amount": "9" * 5000},
        {"amount": "1.005"},
        {"currency": ""},
        {"currency": "XXX"},
        {"currency": "eur"},
        {"program": "nobody"},
        {"program": "../acme"},
        {"event": ""},
        {"event": "<script>"},
        {"order_id": ""},
        {"order_id": "a\x00b"},
        {"order_id": "a\r\nb"},
        {"order_id": "o" * 129},
        {"coupon": "\x00"},
        {"customer_id": "c" * 5000},
    ],
)
def test_rubbish_gets_the_picture_and_is_not_stored(caller: Any, change: dict[str, str]) -> None:
    query = ORDER | change
    assert_picture(caller.get("/p.gif", **query))
    assert not is_known(query["order_id"])


def test_no_parameters_get_the_picture(caller: Any) -> None:
    assert_picture(caller.get("/p.gif"))


def test_a_parameter_that_comes_twice_is_not_stored(caller: Any) -> None:
    assert_picture(caller.client.http.get("/p.gif?program=acme&event=sale&order_id=o1&amount=1&amount=2"))
    assert not is_known("o1")


def test_a_forged_click_is_no_evidence(caller: Any) -> None:
    assert_picture(caller.get("/p.gif", **ORDER, click_id="A" * 59))
    assert known("o1").touches == ()


def test_other_figures_of_a_known_order_change_nothing(caller: Any) -> None:
    caller.get("/p.gif", **ORDER)
    assert_picture(caller.get("/p.gif", **ORDER | {"amount": "1.00"}))
    assert known("o1").report.content == euros(4990)


def test_a_program_that_does_not_use_pixels_takes_none(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    a_program(bootstrap.stores(), methods=frozenset({Method.API}))
    assert_picture(calling().get("/p.gif", **ORDER))
    assert not is_known("o1")


@pytest.mark.parametrize("failure", [Unavailable("storage_unavailable", "away"), RuntimeError("unexpected")])
def test_a_failure_of_ours_gets_the_picture(
    caller: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr("chalicelib.services.capture.record", fail)
    assert_picture(caller.get("/p.gif", **ORDER))


@pytest.fixture
def tell_while_away(caller: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def tell(**more: Any) -> None:
        with wired(monkeypatch, DatabaseAway()):
            assert_picture(caller.get("/p.gif", **more))
        assert not is_known("o1")

    return tell


def test_what_is_told_while_storage_is_away_is_recorded_as_of_then(
    tell_while_away: Any, clock: Any, engine: Engine, stage: Any
) -> None:
    click = a_click(bootstrap.stores())
    tell_while_away(**ORDER, click_id=click, coupon="anna10", customer_id="c1", consent="granted")
    clock.set(NOW + timedelta(hours=9))
    assert work(engine, stage)
    order = known("o1")
    assert (order.report.content, order.report.method) == (euros(4990), Method.PIXEL)
    assert order.report.occurred_at == NOW
    assert [touch.partner for touch in order.touches] == ["anna"]
    assert [coupon.partner for coupon in order.coupons] == ["anna"]
    assert order.report.customer is not None


def test_while_storage_is_away_it_keeps_no_customer_without_an_explicit_consent(
    tell_while_away: Any, engine: Engine, stage: Any
) -> None:
    tell_while_away(**ORDER, customer_id="c1")
    assert work(engine, stage)
    assert known("o1").report.customer is None


def test_while_storage_is_away_it_keeps_no_identifier_under_global_privacy_control(
    tell_while_away: Any, engine: Engine, stage: Any
) -> None:
    click = a_click(bootstrap.stores())
    query = ORDER | {"click_id": click, "customer_id": "c1", "coupon": "ANNA10", "consent": "granted"}
    tell_while_away(**query, headers={"sec-gpc": "1"})
    (message,) = waiting(engine, stage)
    assert click not in message
    assert "c1" not in message
    assert work(engine, stage)
    assert known("o1").coupons[0].partner == "anna"


def test_what_makes_no_sense_when_storage_is_back_is_let_go(
    tell_while_away: Any, engine: Engine, stage: Any
) -> None:
    tell_while_away(**ORDER | {"program": "nobodys"})
    assert work(engine, stage)
    assert work(engine, stage) == 0


def test_who_tries_out_promo_codes_gets_the_picture_and_nothing_is_stored(caller: Any) -> None:
    for number in range(MAX_UNKNOWN):
        assert_picture(caller.get("/p.gif", **ORDER | {"order_id": f"g{number}"}, coupon=f"GUESS{number}"))
    assert_picture(caller.get("/p.gif", **ORDER | {"order_id": "hit"}, coupon="ANNA10"))
    assert_picture(caller.get("/p.gif", **ORDER | {"order_id": "bare"}))
    assert [is_known(order) for order in ("g0", f"g{MAX_UNKNOWN - 1}", "hit", "bare")] == [
        True,
        True,
        False,
        True,
    ]
