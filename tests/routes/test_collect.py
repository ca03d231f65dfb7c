"""Where the tag sends: clicks, orders and identities of anybody's browser."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib import bootstrap
from chalicelib.domain import token
from chalicelib.domain.program import Consent, Method
from chalicelib.services import doctor
from chalicelib.services.guessing import MAX_UNKNOWN
from local.engine import Engine
from tests.capturing import LONG_AGO, NOW, a_click, a_program, calling, euros, is_known, known
from tests.faults.transport import DatabaseAway, wired
from tests.reconciling import work

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
ORDER = {
    "program": "acme",
    "type": "convert",
    "event": "sale",
    "order_id": "o1",
    "amount": 4990,
    "currency": "EUR",
}


@pytest.fixture
def caller(stage: Any, clock: Any) -> Any:
    clock.set(NOW)
    a_program(bootstrap.stores())
    return calling()


def tell(caller: Any, event: object, **headers: str) -> Any:
    headers = {"user_agent": BROWSER, "content_type": "text/plain;charset=UTF-8"} | headers
    answer = caller.post("/v1/collect", event, **headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.status_code == 202, answer.body
    return json.loads(answer.body)


def refusal(caller: Any, event: object, **headers: str) -> tuple[int, str]:
    answer = caller.post("/v1/collect", event, **{"user_agent": BROWSER} | headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return answer.status_code, json.loads(answer.body)["error"]["code"]


def partners_of(order_id: str) -> list[str | None]:
    return [touch.partner for touch in sorted(known(order_id).touches, key=lambda touch: touch.at)]


def test_an_order_is_recorded_with_its_click_and_waits_for_a_confirmation(caller: Any) -> None:
    tell(caller, ORDER | {"click_id": a_click(bootstrap.stores()), "coupon": "anna10", "customer_id": "c1"})
    report = known("o1").report
    assert (report.content, report.method, report.confirmed) == (euros(4990), Method.TAG, False)
    assert partners_of("o1") == ["anna"]


def test_every_click_that_the_shop_remembers_is_evidence(caller: Any) -> None:
    stores = bootstrap.stores()
    first = a_click(stores, "anna", NOW - timedelta(days=2))
    last = a_click(stores, "ben", NOW - timedelta(days=1))
    tell(caller, ORDER | {"click_id": last, "earlier": [first]})
    assert partners_of("o1") == ["anna", "ben"]


def test_an_amount_in_text_is_in_major_units(caller: Any) -> None:
    item = {"sku": "s1", "quantity": 2, "amount": "49.90"}
    tell(caller, ORDER | {"amount": "49.90", "items": [item]})
    assert known("o1").report.content.amount_minor == 4990
    assert known("o1").report.content.items[0].amount_minor == 4990


def test_an_answer_says_nothing_about_the_order(caller: Any) -> None:
    first = tell(caller, ORDER)
    assert tell(caller, ORDER) == first
    assert tell(caller, ORDER | {"amount": 1}) == first
    assert known("o1").report.content == euros(4990)


def test_an_order_that_is_told_while_storage_is_away_is_recorded_as_of_then(
    caller: Any, clock: Any, engine: Engine, stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = bootstrap.stores()
    first, last = a_click(stores, "anna", NOW - timedelta(days=2)), a_click(stores, "ben", NOW)
    item = {"sku": "s1", "quantity": 2, "amount": 4990, "category": "shoes"}
    order = ORDER | {"items": [item], "click_id": last, "earlier": [first], "customer_id": "c1"}
    tell(caller, ORDER | {"order_id": "o2", "items": [item]})
    with wired(monkeypatch, DatabaseAway()):
        assert tell(caller, order) == {"recorded": True, "click_id": None, "max_age_s": None}
    assert not is_known("o1")
    clock.set(NOW + timedelta(hours=9))
    assert work(engine, stage)
    report = known("o1").report
    assert (report.occurred_at, report.method) == (NOW, Method.TAG)
    assert report.content == known("o2").report.content
    assert report.customer is None, "whether the program requires a consent was not known"
    assert partners_of("o1") == ["anna", "ben"]


@pytest.mark.parametrize("is_away", [False, True])
def test_an_order_of_a_check_up_is_no_sale_of_the_partner_whose_link_was_followed_before(
    caller: Any, engine: Engine, stage: Any, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    stores = bootstrap.stores()
    checkup = doctor.start(stores, "acme", NOW, walks=False)
    landed = caller.get(f"/{checkup.code}", {"user-agent": BROWSER}).headers["Location"]
    (tested,) = parse_qs(urlsplit(landed).query)["ll_click"]
    order = ORDER | {"click_id": tested, "earlier": [a_click(stores)]}
    if is_away:
        with wired(monkeypatch, DatabaseAway()):
            tell(caller, order)
        assert work(engine, stage)
    else:
        tell(caller, order)
    assert not is_known("o1")
    assert len(doctor.look(stores, "acme", checkup.id, NOW).orders) == 1


@pytest.mark.parametrize(
    ("wrong", "refused"),
    [
        ({"currency": None}, (503, "storage_unavailable")),
        ({"event": "s@le"}, (422, "event_invalid")),
        ({"order_id": " o1"}, (422, "order_id_invalid")),
        ({"amount": -1}, (422, "amount_invalid")),
        ({"items": [{"sku": " ", "quantity": 1, "amount": 1}]}, (422, "items_invalid")),
    ],
)
def test_what_cannot_be_kept_while_storage_is_away_is_refused(
    caller: Any, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], refused: tuple[int, str]
) -> None:
    with wired(monkeypatch, DatabaseAway()):
        assert refusal(caller, ORDER | wrong) == refused


def test_a_landing_is_answered_with_the_window(caller: Any) -> None:
    click = a_click(bootstrap.stores())
    receipt = tell(caller, {"program": "acme", "type": "click", "click_id": click})
    assert receipt == {"recorded": True, "click_id": click, "max_age_s": 30 * 86_400}


def test_a_forged_click_is_not_known(caller: Any) -> None:
    receipt = tell(caller, {"program": "acme", "type": "click", "click_id": "A" * 59})
    assert not receipt["recorded"]


def test_a_click_of_another_program_is_not_known(caller: Any) -> None:
    stores = bootstrap.stores()
    click = a_click(stores)
    stores.catalogue.add_program_once(
        type(stores.catalogue.program("acme"))(
            "other", "Other", ("other.example.com",), "EUR", "https://other.example.com/", LONG_AGO, "t"
        )
    )
    assert not tell(caller, {"program": "other", "type": "click", "click_id": click})["recorded"]


def test_a_direct_link_is_a_click(caller: Any) -> None:
    receipt = tell(caller, {"program": "acme", "type": "click", "partner": "anna"})
    assert receipt["recorded"]
    tell(caller, ORDER | {"click_id": receipt["click_id"]})
    assert partners_of("o1") == ["anna"]


def test_a_second_direct_link_goes_on_with_the_journey(caller: Any, clock: Any) -> None:
    first = tell(caller, {"program": "acme", "type": "click", "partner": "anna"})["click_id"]
    clock.set(NOW + timedelta(minutes=1))
    second = tell(caller, {"program": "acme", "type": "click", "partner": "ben", "click_id": first})[
        "click_id"
    ]
    tell(caller, ORDER | {"click_id": second})
    assert partners_of("o1") == ["anna", "ben"]


def test_a_direct_link_that_means_nobody_is_no_click(caller: Any) -> None:
    receipt = tell(caller, {"program": "acme", "type": "click", "partner": "newsletter"})
    assert receipt == {"recorded": False, "click_id": None, "max_age_s": None}


def test_a_robots_direct_link_earns_nothing(caller: Any) -> None:
    event = {"program": "acme", "type": "click", "partner": "anna"}
    assert not tell(caller, event, user_agent="Googlebot/2.1 (+http://www.google.com/bot.html)")["recorded"]


def test_a_direct_link_in_a_frame_is_kept_and_is_no_touch(caller: Any) -> None:
    event = {"program": "acme", "type": "click", "partner": "anna", "framed": True}
    assert tell(caller, event)["click_id"] is None


@pytest.mark.parametrize(("extra", "headers"), [({"consent": "denied"}, {}), ({}, {"sec_gpc": "1"})])
def test_a_visitor_who_refuses_gets_no_identifier(
    caller: Any, extra: dict[str, str], headers: dict[str, str]
) -> None:
    direct = tell(caller, {"program": "acme", "type": "click", "partner": "anna"} | extra, **headers)
    assert direct["click_id"] is None
    click = a_click(bootstrap.stores())
    landed = tell(caller, {"program": "acme", "type": "click", "click_id": click} | extra, **headers)
    assert landed["click_id"] is None
    tell(caller, ORDER | {"click_id": click, "customer_id": "c1", "coupon": "ANNA10"} | extra, **headers)
    report = known("o1").report
    assert (report.click_id, report.customer, known("o1").touches) == (None, None, ())
    assert known("o1").coupons[0].partner == "anna"


def test_where_consent_is_required_a_direct_link_waits_for_it(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    a_program(bootstrap.stores(), consent=Consent.REQUIRED)
    caller = calling()
    event = {"program": "acme", "type": "click", "partner": "anna"}
    assert tell(caller, event)["click_id"] is None
    assert tell(caller, event | {"consent": "granted"})["click_id"]


def test_a_customer_brings_the_click_of_another_device(caller: Any) -> None:
    phone = a_click(bootstrap.stores())
    identity = {"program": "acme", "type": "identify", "customer_id": "c1", "click_id": phone}
    assert tell(caller, identity)["recorded"]
    tell(caller, ORDER | {"customer_id": "c1"})
    assert partners_of("o1") == ["anna"]


def test_our_own_cookie_is_evidence_where_shop_and_link_are_one_site(caller: Any) -> None:
    stores = bootstrap.stores()
    visitor = token.visitor_text(b"0123456789")
    a_click(stores, visitor=visitor)
    cookie = token.sign_visitor(
        visitor, stores.secrets.token_key, stores.secrets.token_keys[stores.secrets.token_key]
    )
    tell(caller, ORDER, cookie=f"ll_id={cookie}")
    assert partners_of("o1") == ["anna"]


def test_a_consent_is_taken(caller: Any) -> None:
    assert tell(caller, {"program": "acme", "type": "consent", "consent": "granted"})["recorded"]


def test_a_visit_from_a_search_engine_is_a_touch_of_its_channel(caller: Any, clock: Any) -> None:
    click = a_click(bootstrap.stores())
    view = {"program": "acme", "type": "view", "click_id": click, "page": "https://shop.example.com/"}
    receipt = tell(caller, view | {"referrer": "https://www.google.com/"})
    assert receipt["recorded"]
    clock.set(NOW + timedelta(minutes=1))
    tell(caller, ORDER | {"click_id": receipt["click_id"]})
    found = sorted(known("o1").touches, key=lambda touch: touch.at)
    assert [(touch.partner, touch.channel) for touch in found] == [("anna", "partner"), (None, "search")]


@pytest.mark.parametrize(
    ("extra", "headers"),
    [
        ({}, {}),
        ({"utm": {"gclid": "x"}, "consent": "denied"}, {}),
        ({"utm": {"gclid": "x"}}, {"sec_gpc": "1"}),
        ({"utm": {"gclid": "x"}}, {"user_agent": "Googlebot/2.1"}),
    ],
)
def test_a_visit_without_a_channel_or_a_person_is_not_kept(
    caller: Any, extra: dict[str, Any], headers: dict[str, str]
) -> None:
    assert not tell(caller, {"program": "acme", "type": "view"} | extra, **headers)["recorded"]


def test_the_sub_ids_of_a_direct_link_are_kept(caller: Any) -> None:
    event = {"program": "acme", "type": "click", "partner": "anna", "utm": {"sub1": "banner-7"}}
    said = token.read(tell(caller, event)["click_id"], bootstrap.stores().secrets.token_keys)
    assert said is not None
    found = bootstrap.stores().clicks.find("acme", said.visitor, said.at, said.nonce, NOW)
    assert found is not None
    assert found.sub == {"sub1": "banner-7"}


def test_a_browser_may_ask_first(caller: Any) -> None:
    answer = caller.client.http.request(
        "OPTIONS", "/v1/collect", headers={"origin": "https://shop.example.com"}
    )
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "sale"},
        {"type": None},
        {"amount": -1},
        {"amount": "1e3"},
        {"amount": "NaN"},
        {"amount": True},
        {"amount": 2**53},
        {"currency": "XXX"},
        {"event": None},
        {"event": "\u0000"},
        {"order_id": ""},
        {"order_id": "o" * 129},
        {"consent": "perhaps"},
        {"items": [{"sku": "", "quantity": 1, "amount": 1}]},
        {"items": [{"sku": "s", "quantity": 0, "amount": 1}]},
        {"items": [{"sku": "s", "quantity": 1, "amount": 1}] * 201},
        {"earlier": ["a"] * 5},
        {"click_id": "a" * 201},
        {"trusted": True},
    ],
)
def test_rubbish_is_refused_and_not_stored(caller: Any, change: dict[str, Any]) -> None:
    assert refusal(caller, ORDER | change)[0] == 422
    assert not is_known("o1")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"[]", 422),
        (b"\xff", 400),
        (b'{"program": "acme", "program": "acme"}', 400),
        (b'{"amount": 49.9}', 422),
        (b"[" * 100_000, 400),
        (b" " * 70_000 + json.dumps(ORDER).encode(), 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(caller: Any, raw: bytes, status: int) -> None:
    assert refusal(caller, raw)[0] == status
    assert not is_known("o1")


@pytest.mark.parametrize(
    "kind", ["text/html", "application/x-www-form-urlencoded", "text/plain;charset=utf-16"]
)
def test_other_content_types_are_refused(caller: Any, kind: str) -> None:
    assert refusal(caller, ORDER, content_type=kind)[0] == 415


def test_an_unknown_program_is_told(caller: Any) -> None:
    assert refusal(caller, ORDER | {"program": "nobody"}) == (404, "program_unknown")


def test_a_program_without_the_tag_takes_nothing_from_it(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    a_program(bootstrap.stores(), methods=frozenset({Method.API}))
    assert refusal(calling(), ORDER) == (422, "method_not_allowed")


def test_who_tries_out_promo_codes_is_told_to_wait(caller: Any) -> None:
    for number in range(MAX_UNKNOWN):
        tell(caller, ORDER | {"order_id": f"g{number}", "coupon": f"GUESS{number}"})
    answer = caller.post("/v1/collect", ORDER | {"coupon": "ANNA10"}, user_agent=BROWSER)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    assert json.loads(answer.body)["error"]["code"] == "coupon_guessing"
    assert not is_known("o1")
    tell(caller, ORDER)
