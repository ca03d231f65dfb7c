"""What AppsFlyer, Adjust and Branch tell of installs and in-app events."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.domain.conversion import Content
from chalicelib.domain.errors import Invalid, LinkledgerError
from chalicelib.services.carts import adjust, appsflyer, branch
from chalicelib.services.carts.delivery import Delivery, Sale, Source

NOW = datetime(2026, 10, 15, tzinfo=UTC)
CLICK = "AQGhC4GFAAere79tg4Tfyo5x8AQGhC4GFAAere79tg4Tfyo5x8AQGhC4GF0"

APPSFLYER: dict[str, Any] = {
    "event_name": "af_purchase",
    "event_time": "2026-10-15 09:57:24.898",
    "event_revenue": "12.99",
    "event_revenue_currency": "GBP",
    "event_value": '{"af_order_id": "9277", "af_revenue": 12.99, "af_coupon_code": "ANNA10"}',
    "appsflyer_id": "1415211453000-6513894",
    "customer_user_id": "user-7",
    "af_sub1": "autumn",
    "af_sub2": CLICK,
}
ADJUST = {
    "activity_kind": "event",
    "event_name": "purchase",
    "adid": "c2dcb58a",
    "label": CLICK,
    "revenue_float": "5.5",
    "currency": "EUR",
    "created_at": "1792058244",
    "order_id": "9277",
}
BRANCH: dict[str, Any] = {
    "name": "PURCHASE",
    "id": 1234567890,
    "event_timestamp": 1792058244898,
    "event_data": {"transaction_id": "9277", "revenue": 19.5, "currency": "USD", "coupon": "ANNA10"},
    "last_attributed_touch_data": {"ll_click": CLICK, "~campaign": "autumn"},
    "user_data": {"developer_identity": "user-7"},
}


def sold(source: Source, body: object, query: Mapping[str, str] | None = None) -> Sale:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (fact,) = source.read(Delivery({}, query or {}, raw, currency="EUR"))
    assert isinstance(fact, Sale)
    return fact


def test_appsflyer_tells_a_purchase() -> None:
    at = datetime(2026, 10, 15, 9, 57, 24, 898000, UTC)
    expected = Sale("9277", Content(1299, "GBP"), "af_purchase", CLICK, "ANNA10", "user-7", at)
    assert sold(appsflyer.SOURCE, APPSFLYER) == expected


def test_appsflyer_tells_an_install_without_an_order() -> None:
    install = {name: APPSFLYER[name] for name in ("event_time", "appsflyer_id")} | {"event_name": "install"}
    url = f"https://app.onelink.me/x?pid=linkledger&clickid={CLICK}"
    sale = sold(appsflyer.SOURCE, install | {"original_url": url, "event_value": "not JSON"})
    assert (sale.order_id, sale.event) == ("1415211453000-6513894-2026-10-15 09:57:24.898", "install")
    assert (sale.content, sale.click_id) == (Content(0, "EUR"), CLICK)


def test_adjust_tells_an_event_in_its_query_or_in_a_form() -> None:
    in_query = sold(adjust.SOURCE, b"", ADJUST)
    at = datetime(2026, 10, 15, 9, 57, 24, tzinfo=UTC)
    assert in_query == Sale("9277", Content(550, "EUR"), "purchase", CLICK, occurred_at=at)
    assert sold(adjust.SOURCE, urlencode(ADJUST).encode()) == in_query


def test_adjusts_sessions_are_no_facts() -> None:
    assert adjust.SOURCE.read(Delivery({}, {"activity_kind": "session"}, b"")) == []


def test_branch_tells_a_purchase() -> None:
    at = datetime(2026, 10, 15, 9, 57, 24, tzinfo=UTC)
    expected = Sale("9277", Content(1950, "USD"), "PURCHASE", CLICK, "ANNA10", "user-7", at)
    assert sold(branch.SOURCE, BRANCH) == expected


@pytest.mark.parametrize("source", [appsflyer.SOURCE, adjust.SOURCE, branch.SOURCE])
def test_a_delivery_carries_the_secret_itself(source: Source) -> None:
    good = [
        Delivery({"authorization": "Bearer secret-1"}, {}, b""),
        Delivery({"authentication": "secret-1"}, {}, b""),
        Delivery({}, {"token": "secret-1"}, b""),
    ]
    assert all(source.verifies("secret-1", delivery, NOW) for delivery in good)
    assert not any(source.verifies("secret-2", delivery, NOW) for delivery in [*good, Delivery({}, {}, b"")])


@pytest.mark.parametrize(
    "change",
    [
        {"event_time": "yesterday"},
        {"event_name": None},
        {"event_revenue": "1,5"},
        {"event_revenue_currency": "XTS"},
    ],
)
def test_an_appsflyer_message_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        sold(appsflyer.SOURCE, APPSFLYER | change)


@pytest.mark.parametrize("change", [{"created_at": "-1"}, {"created_at": "9" * 13}, {"revenue_float": "NaN"}])
def test_an_adjust_callback_that_makes_no_sense_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(LinkledgerError):
        sold(adjust.SOURCE, b"", ADJUST | change)


@pytest.mark.parametrize("change", [{"event_timestamp": None}, {"name": ""}, {"id": None, "event_data": {}}])
def test_a_branch_event_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        sold(branch.SOURCE, BRANCH | change)
