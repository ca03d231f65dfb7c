"""The console's webhooks: who is told of events, and what was told."""

from dataclasses import replace

from chalicelib.domain.outbound import Attempt, DeliveryState, EventType, Webhook
from tests import scene
from tests.portal.browsing import Reader
from tests.portal.test_console import at, follow, hidden
from tests.scene import AFTER_GRACE, Scene

URL = "https://hooks.example.com/acme"


def the_webhook(reader: Reader, shop: Scene) -> Webhook:
    (webhook,) = reader.stores.webhooks.of(shop.program.id)
    return webhook


def test_a_webhook_is_made_and_its_secret_shown_once(shop: Scene, reader: Reader) -> None:
    assert "Nobody is told yet" in reader.get(at(shop, "/webhooks")).words
    made = reader.post(at(shop, "/webhooks"), {"url": URL, "events": ["payout.paid", "conversion.held"]})
    webhook = the_webhook(reader, shop)
    assert webhook.secrets[0] in made.text
    assert webhook.events == {EventType.PAYOUT_PAID, EventType.HELD}
    own = at(shop, f"/webhooks/{webhook.id}")
    for path in (at(shop, "/webhooks"), own):
        shown = reader.get(path)
        assert URL in shown.text
        assert "whsec_" not in shown.text
    rotated = reader.post(own, {"do": "rotate"})
    assert the_webhook(reader, shop).secrets[0] in rotated.text
    assert the_webhook(reader, shop).secrets[1] == webhook.secrets[0]


def test_a_partners_postback_is_made_without_a_secret(shop: Scene, reader: Reader) -> None:
    fields = {"url": "https://tracker.example/?c={click_id}", "partner": "anna"}
    made = reader.post(at(shop, "/webhooks"), fields)
    assert "whsec_" not in made.text
    assert the_webhook(reader, shop).partner == "anna"
    own = at(shop, f"/webhooks/{the_webhook(reader, shop).id}")
    assert (reader.post(own, {"do": "rotate"}).status, "ledger.published" in reader.get(own).text) == (
        422,
        False,
    )


def test_what_is_wrong_stands_beside_its_field(shop: Scene, reader: Reader) -> None:
    for fields, field in (
        ({"url": "http://169.254.169.254/"}, "url"),
        ({"url": "https://x.example/{nonsense}"}, "url"),
        ({"url": URL, "events": "nonsense"}, "events"),
        ({"url": URL, "events": "test"}, "events"),
    ):
        refused = reader.post(at(shop, "/webhooks"), fields)
        assert (refused.status, f'href="#f-{field}"' in refused.text) == (422, True)
    assert reader.post(at(shop, "/webhooks"), {"url": URL, "partner": "nobody"}).status == 404
    assert reader.stores.webhooks.of(shop.program.id) == []


def test_it_is_tried_out_and_what_failed_is_sent_again(shop: Scene, reader: Reader) -> None:
    reader.post(at(shop, "/webhooks"), {"url": URL})
    webhook = the_webhook(reader, shop)
    own = at(shop, f"/webhooks/{webhook.id}")
    assert "test" in follow(reader, reader.post(own, {"do": "test"})).words
    (waiting,), _ = reader.stores.outbox.page(webhook.id, 9, None, AFTER_GRACE)
    pending = reader.post(own, {"do": "replay", "delivery": waiting.id})
    assert (pending.status, "on its way" in pending.words) == (409, True)
    failed = replace(
        waiting, state=DeliveryState.FAILED, attempts=(Attempt(AFTER_GRACE, 500, "<b>our fault</b>", 12),)
    )
    reader.stores.outbox.note(waiting, failed)
    page = reader.get(own)
    assert "500 in 12 ms" in page.words
    assert "<b>our fault" not in page.text
    again = follow(reader, reader.post(own, {"do": "replay", "delivery": hidden(page, "delivery")}))
    assert "on its way once more" in again.words
    (sent,), _ = reader.stores.outbox.page(webhook.id, 9, None, AFTER_GRACE)
    assert (sent.state, sent.event) == (DeliveryState.PENDING, waiting.event)
    assert reader.post(own, {"do": "replay", "delivery": "x" * 5000}).status == 404


def test_it_is_changed_stopped_and_deleted(shop: Scene, reader: Reader) -> None:
    reader.post(at(shop, "/webhooks"), {"url": URL})
    own = at(shop, f"/webhooks/{the_webhook(reader, shop).id}")
    follow(reader, reader.post(own, {"do": "change", "url": f"{URL}/new", "events": "payout.paid"}))
    assert the_webhook(reader, shop).url == f"{URL}/new"
    follow(reader, reader.post(own, {"do": "stop"}))
    assert not the_webhook(reader, shop).is_active
    assert "paused" in reader.get(own).words
    follow(reader, reader.post(own, {"do": "start"}))
    assert the_webhook(reader, shop).is_active
    assert reader.post(own, {"do": "nonsense"}).status == 404
    follow(reader, reader.post(own, {"do": "delete"}))
    assert reader.stores.webhooks.of(shop.program.id) == []
    assert reader.get(own).status == 404


def test_another_programs_webhook_is_not_there(shop: Scene, reader: Reader) -> None:
    reader.post(at(shop, "/webhooks"), {"url": URL})
    webhook = the_webhook(reader, shop)
    other = scene.make(reader.stores)
    assert reader.get(at(other, f"/webhooks/{webhook.id}")).status == 404
    stranger = reader.another()
    stranger.sign_in_with_a_key(program=other.program.id)
    for program in (shop, other):
        assert stranger.post(at(program, f"/webhooks/{webhook.id}"), {"do": "delete"}).status == 404
    assert the_webhook(reader, shop) == webhook
