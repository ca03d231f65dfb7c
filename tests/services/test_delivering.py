"""Events are announced once, delivered to whoever wants them, tried again for hours, and can be repeated."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.conversion import AdjustmentKind, Content
from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.outbound import (
    BACKOFF,
    MAX_OF_PARTNER,
    MAX_WEBHOOKS,
    Delivery,
    DeliveryState,
    EventType,
    Webhook,
)
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.path import MAX_PARTNERS
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.services import adjustments, announcing, capture, delivering, signatures, webhooks
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import TRANSACTION_LIMIT
from tests.scene import MONTH_START, Scene, make
from tests.shop import Server, a_server

NOW = MONTH_START + timedelta(days=3)
ADMIN = Caller(frozenset({Scope.ADMIN}))


@pytest.fixture
def site() -> Iterator[Server]:
    with a_server() as server:
        yield server


@pytest.fixture
def stores(stage: Any, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """The stores of a stage that may call this machine."""
    monkeypatch.setenv("CALLS_ITSELF", "yes")
    bootstrap.stores.cache_clear()
    return bootstrap.stores()


@pytest.fixture
def scene(stores: Stores) -> Scene:
    made = make(stores)
    for partner in made.links:
        stores.catalogue.add_enrollment_once(Enrollment(made.program.id, partner, "x", MONTH_START))
    return made


def wants(stores: Stores, scene: Scene, url: str, partner: str | None = None, *events: EventType) -> Webhook:
    return webhooks.create(stores, ADMIN, scene.program.id, url, events or None, partner, NOW)


def announce(stores: Stores, conversion: str, *, is_new: bool = False, now: datetime = NOW) -> int:
    """As the stream does when the conversion has changed."""
    found = bootstrap.stores().conversions._table.find(conversion, "conversion")
    assert found is not None
    return announcing.of_conversions(stores, [(is_new, found)], now)


def waiting(stores: Stores, webhook: Webhook, now: datetime = NOW) -> list[Delivery]:
    return stores.outbox.page(webhook.id, 50, None, now)[0]


def deliver_all(stores: Stores, webhook: Webhook, now: datetime = NOW) -> list[DeliveryState | None]:
    return [delivering.deliver(stores, webhook.id, one.id, now) for one in waiting(stores, webhook, now)]


def test_a_merchant_is_told_once_signed_and_with_who_earned_what(
    stores: Stores, scene: Scene, site: Server
) -> None:
    site.at("/hook")
    webhook = wants(stores, scene, site.url("/hook"))
    sold = scene.sell(stores, NOW)
    assert announce(stores, sold.id, is_new=True) == 1
    assert announce(stores, sold.id, is_new=True) == 0
    assert deliver_all(stores, webhook) == [DeliveryState.DELIVERED]
    assert deliver_all(stores, webhook) == [DeliveryState.DELIVERED]
    [received] = site.received
    told = json.loads(received.body)
    assert (told["type"], told["data"]["id"], told["data"]["state"]) == (
        "conversion.recorded",
        sold.id,
        "pending",
    )
    assert told["data"]["credits"] == [
        {"partner": "anna", "share": "1/1", "commission": {"amount": 1000, "currency": "EUR"}}
    ]
    sent = received.headers
    assert signatures.verifies(
        webhook.secrets,
        sent["webhook-id"],
        sent["webhook-timestamp"],
        sent["webhook-signature"],
        received.body,
        NOW,
    )


def test_every_state_is_told_as_it_comes(stores: Stores, scene: Scene, site: Server) -> None:
    webhook = wants(stores, scene, site.url("/hook"))
    sold = scene.sell(stores, NOW)
    announce(stores, sold.id, is_new=True)
    rules = rules_of(stores, scene.program.id)
    settle_conversion(stores, rules, sold.id, NOW)
    announce(stores, sold.id)
    settle_conversion(stores, rules, sold.id, NOW + timedelta(days=15))
    announce(stores, sold.id)
    adjustments.adjust(stores, sold.id, "r1", AdjustmentKind.REFUND, None, "", NOW + timedelta(days=16))
    announce(stores, sold.id)
    announcing.of_ledger(stores, scene.program.id, Month.parse("2026-09"), "f" * 64, NOW)
    types = {one.type for one in waiting(stores, webhook)}
    assert types == {
        EventType.RECORDED,
        EventType.APPROVED,
        EventType.REVERSED,
        EventType.LEDGER_PUBLISHED,
    }


def test_a_partner_is_told_its_own_part_with_its_macros_filled(
    stores: Stores, scene: Scene, site: Server
) -> None:
    site.at("/postback")
    url = (
        site.url("/postback")
        + "?c={click_id}&t={transaction_id}&p={payout}&a={sale_amount}{currency}&s={sub1}"
    )
    anna, ben = wants(stores, scene, url, "anna"), wants(stores, scene, url, "ben")
    click = scene.click(stores, NOW - timedelta(hours=1))
    incoming = Incoming("sale", "o 1", Content(9990, "EUR"), Method.API, click_id=click.token)
    sold = capture.record(stores, scene.program, incoming, NOW)
    announce(stores, sold.id, is_new=True)
    assert deliver_all(stores, anna) == [DeliveryState.DELIVERED]
    assert waiting(stores, ben) == []
    [received] = site.received
    assert received.method == "GET"
    assert received.path == f"/postback?c={click.token}&t={sold.id}&p=9.99&a=99.90EUR&s="
    assert "webhook-signature" not in received.headers


def test_a_receiver_that_is_down_is_tried_for_a_day_and_then_given_up(
    stores: Stores, scene: Scene, site: Server
) -> None:
    site.at("/hook", status=500, body="<b>down</b>\x00" + "x" * 5000)
    webhook = wants(stores, scene, site.url("/hook"))
    announce(stores, scene.sell(stores, NOW).id, is_new=True)
    now = NOW
    for wait in BACKOFF:
        assert deliver_all(stores, webhook, now) == [DeliveryState.PENDING]
        [found] = waiting(stores, webhook)
        assert found.due_at == now + wait
        assert deliver_all(stores, webhook, now + wait - timedelta(seconds=1)) == [DeliveryState.PENDING]
        now += wait
    assert deliver_all(stores, webhook, now) == [DeliveryState.FAILED]
    assert now - NOW > timedelta(hours=24)
    assert len(site.received) == len(BACKOFF) + 1
    assert len({one.headers["webhook-id"] for one in site.received}) == 1
    [found] = waiting(stores, webhook, now)
    assert found.attempts[0].status == 500
    assert found.attempts[0].told.startswith("<b>down</b> x")
    assert len(found.attempts[0].told) <= delivering.SNIPPET_BYTES
    site.replies["/hook"] = []
    site.at("/hook", status=204)
    again = webhooks.replay(stores, webhook, found.id, now)
    assert again.body == found.body
    assert deliver_all(stores, webhook, now) == [DeliveryState.DELIVERED]


def test_a_redirect_is_a_failure_and_leads_nowhere(stores: Stores, scene: Scene, site: Server) -> None:
    site.at("/hook", status=307, Location=site.url("/other"))
    webhook = wants(stores, scene, site.url("/hook"))
    announce(stores, scene.sell(stores, NOW).id, is_new=True)
    assert deliver_all(stores, webhook) == [DeliveryState.PENDING]
    assert [one.path for one in site.received] == ["/hook"]


def test_a_receiver_that_is_gone_is_told_nothing_more(stores: Stores, scene: Scene, site: Server) -> None:
    site.at("/hook", status=410)
    webhook = wants(stores, scene, site.url("/hook"))
    announce(stores, scene.sell(stores, NOW).id, is_new=True)
    assert deliver_all(stores, webhook) == [DeliveryState.FAILED]
    assert announce(stores, scene.sell(stores, NOW).id, is_new=True) == 0


def test_a_name_that_turns_to_an_address_of_our_own_is_not_called(
    stores: Stores, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = wants(stores, scene, "https://hooks.example.com/")
    announce(stores, scene.sell(stores, NOW).id, is_new=True)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("169.254.169.254", 443))])
    assert deliver_all(stores, webhook) == [DeliveryState.PENDING]
    [found] = waiting(stores, webhook)
    assert found.attempts[0].told.startswith("address_not_public")


def test_what_the_queue_lost_is_sent_again(stores: Stores, scene: Scene, site: Server) -> None:
    site.at("/hook")
    webhook = wants(stores, scene, site.url("/hook"))
    announce(stores, scene.sell(stores, NOW).id, is_new=True)
    assert announcing.send_lost(stores, NOW + timedelta(minutes=19)) == 0
    assert announcing.send_lost(stores, NOW + timedelta(minutes=21)) == 1
    deliver_all(stores, webhook)
    assert announcing.send_lost(stores, NOW + timedelta(hours=2)) == 0


def test_both_secrets_sign_for_a_day_after_a_rotation(stores: Stores, scene: Scene, site: Server) -> None:
    site.at("/hook")
    before = wants(stores, scene, site.url("/hook"))
    after = webhooks.rotate(stores, before, NOW)
    announce(stores, scene.sell(stores, NOW).id, is_new=True)
    deliver_all(stores, after)
    sent = site.received[0]
    for live in (before.secrets[:1], after.secrets[:1]):
        assert signatures.verifies(
            live,
            sent.headers["webhook-id"],
            sent.headers["webhook-timestamp"],
            sent.headers["webhook-signature"],
            sent.body,
            NOW,
        )
    assert after.signing(NOW + timedelta(days=1)) == after.secrets[:1]


def test_a_payout_is_told_once(stores: Stores, scene: Scene) -> None:
    webhook = wants(stores, scene, "https://hooks.example.com/", None, EventType.PAYOUT_PAID)
    entry = {
        "entry": "ent_1",
        "kind": "payout",
        "program": scene.program.id,
        "partner": "anna",
        "commission_minor": -1000,
        "currency": "EUR",
        "booked_at": "2026-09-04T00:00:00.000Z",
    }
    assert announcing.of_entries(stores, [entry, entry], NOW) == 1
    [found] = waiting(stores, webhook)
    assert json.loads(found.body)["data"]["amount"] == 1000


def test_a_record_that_cannot_be_read_stops_no_other(stores: Stores, scene: Scene) -> None:
    wants(stores, scene, "https://hooks.example.com/")
    sold = scene.sell(stores, NOW)
    found = stores.conversions._table.find(sold.id, "conversion") or {}
    broken = {"pk": "cnv_x", "sk": "conversion", "report": {}}
    assert announcing.of_conversions(stores, [(True, broken), (True, found)], NOW) == 1


def test_partners_postbacks_take_no_place_of_the_merchants_and_all_of_them_fit_in_one_transaction(
    stores: Stores, scene: Scene
) -> None:
    url = "https://shop.example.com/hook"
    for number in range(7):
        stores.catalogue.add_enrollment_once(Enrollment(scene.program.id, f"p{number}", "x", MONTH_START))
        for _ in range(MAX_OF_PARTNER):
            wants(stores, scene, url, f"p{number}")
    for _ in range(MAX_WEBHOOKS):
        wants(stores, scene, url)
    with pytest.raises(Conflict, match="webhooks"):
        wants(stores, scene, url)
    most = MAX_WEBHOOKS + MAX_PARTNERS * MAX_OF_PARTNER
    assert 2 * most + 1 <= TRANSACTION_LIMIT


def test_a_receiver_that_is_gone_does_not_take_back_what_was_changed_meanwhile(
    stores: Stores, scene: Scene, site: Server
) -> None:
    site.at("/hook", status=410)
    webhook = wants(stores, scene, site.url("/hook"))
    old = stores.webhooks.find(webhook.id)
    assert old is not None
    rotated = webhooks.rotate(stores, webhook, NOW)
    stores.webhooks.turn_off(old)
    now_there = stores.webhooks.find(webhook.id)
    assert now_there is not None
    assert (now_there.secrets, now_there.is_active) == (rotated.secrets, False)
    turned_off = stores.trail.page(scene.program.id, None, None, 1, None)[0][0]
    assert (turned_off.change.what, turned_off.change.after) == ("webhook", {"off": True})


def test_of_two_who_change_a_webhook_at_once_the_second_is_told(
    stores: Stores, scene: Scene, site: Server
) -> None:
    webhook = wants(stores, scene, site.url("/hook"))
    webhooks.change(stores, webhook, site.url("/new"), None, None)
    with pytest.raises(Conflict, match="changed meanwhile"):
        webhooks.change(stores, webhook, site.url("/other"), None, None)
    assert webhooks.change(stores, webhook, site.url("/new"), None, None).url == site.url("/new")
    webhooks.change(stores, webhook, None, [EventType.RECORDED], None)
    found = stores.webhooks.find(webhook.id)
    assert found is not None
    assert (found.url, found.events) == (site.url("/new"), {EventType.RECORDED})
    rotated = webhooks.rotate(stores, webhook, NOW)
    with pytest.raises(Conflict, match="changed meanwhile"):
        webhooks.rotate(stores, webhook, NOW)
    found = stores.webhooks.find(webhook.id)
    assert found is not None
    assert found.secrets == rotated.secrets
    stores.webhooks.remove(found)
    with pytest.raises(NotFound):
        webhooks.change(stores, found, None, None, False)
