"""What turns up late is found by the orders that it may belong to, and nobody waits for that."""

from datetime import timedelta

import pytest

from chalicelib.domain.conversion import Content, State
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.partner import Coupon
from chalicelib.domain.program import Method
from chalicelib.domain.token import visitor_text
from chalicelib.services import capture, healing, identities, keeping, late_clicks
from chalicelib.services.pacing import at_most
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage.clicks import to_item
from chalicelib.storage.table import Table
from tests import scene
from tests.scene import MONTH_START, Scene

SOLD_AT = MONTH_START + timedelta(days=10)
LATER = SOLD_AT + timedelta(hours=1)


def a_lost_click(stage, shop: Scene, visitor: str):
    """A click that could not be written; it is in the log."""
    return shop.click(stage.stores, SOLD_AT - timedelta(days=1), "ben", visitor, kept=False)


def told(stage, shop: Scene, method: Method = Method.API, **more: object) -> str:
    incoming = Incoming("sale", "order", Content(10_000, "EUR"), method, **more)
    return capture.record(stage.stores, shop.program, incoming, SOLD_AT).id


def written_late(stage, click) -> None:
    """What `replay-clicks` does, and then the stream."""
    item = to_item(click, SOLD_AT + timedelta(days=30))
    stage.stores.clicks.waiting.append(item)
    assert keeping.drain(stage.stores) == 1
    rows = Table(stage.settings, "clicks").query(item["pk"])
    late_clicks.take_up(stage.stores, rows, LATER)


def credited(stage, shop: Scene, sold: str) -> tuple[str, ...]:
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold, LATER)
    return stage.stores.conversions.find(sold).partners


def test_a_click_that_is_written_late_reaches_an_order_known_by_its_visitor(stage) -> None:
    shop = scene.make(stage.stores, trust_browser=True)
    visitor = visitor_text(b"0123456789")
    click = a_lost_click(stage, shop, visitor)
    sold = told(stage, shop, Method.PIXEL, visitor=visitor)
    assert credited(stage, shop, sold) == ()
    written_late(stage, click)
    assert credited(stage, shop, sold) == ("ben",)


def test_a_click_that_is_written_late_reaches_an_order_known_by_its_customer(stage) -> None:
    shop = scene.make(stage.stores)
    visitor = visitor_text(b"0123456789")
    known = shop.click(stage.stores, SOLD_AT - timedelta(days=40), "anna", visitor)
    identities.link(stage.stores, shop.program, "c-1", known.token, SOLD_AT - timedelta(days=2))
    click = a_lost_click(stage, shop, visitor)
    sold = told(stage, shop, customer_id="c-1")
    assert credited(stage, shop, sold) == ()
    written_late(stage, click)
    assert credited(stage, shop, sold) == ("ben",)


def test_a_late_click_ends_as_one_in_time(stage) -> None:
    outcomes = []
    for late in (False, True):
        shop = scene.make(stage.stores, trust_browser=False)
        visitor = visitor_text(b"0123456789")
        click = a_lost_click(stage, shop, visitor)
        if not late:
            stage.stores.clicks.put(click, SOLD_AT + timedelta(days=30))
        sold = told(stage, shop, Method.PIXEL, visitor=visitor)
        if late:
            written_late(stage, click)
        told(stage, shop, coupon="ANNA")
        credited(stage, shop, sold)
        found = stage.stores.conversions.find(sold)
        outcomes.append((found.partners, found.state, {t.trusted for t in found.facts.touches}))
    assert outcomes[0] == outcomes[1]


def test_a_click_in_time_wakes_nobody(stage) -> None:
    shop = scene.make(stage.stores, trust_browser=True)
    click = shop.click(stage.stores, SOLD_AT - timedelta(days=1))
    told(stage, shop, Method.PIXEL, visitor=click.visitor)
    rows = list(Table(stage.settings, "clicks").query(f"{shop.program.id}#{click.visitor}"))
    assert late_clicks.take_up(stage.stores, rows, LATER) == 0


@pytest.fixture
def unattributed(stage) -> Scene:
    shop = scene.make(stage.stores)
    rules = rules_of(stage.stores, shop.program.id)
    for number in range(7):
        sold = shop.report(
            stage.stores, f"order-{number}", SOLD_AT + timedelta(seconds=number), code="CARA"
        ).id
        settle_conversion(stage.stores, rules, sold, LATER)
    stage.stores.catalogue.add_coupon_once(Coupon(shop.program.id, "cara", "CARA", MONTH_START))
    return shop


def test_a_request_wakes_some_and_reconcile_the_rest(stage, unattributed, monkeypatch) -> None:
    monkeypatch.setattr(healing, "MOST_IN_ONE_REQUEST", 3)
    program = unattributed.program
    assert healing.wake_unattributed(stage.stores, program.id, LATER) == 3
    assert healing.wake_again(stage.stores, program, LATER) == 0
    assert healing.wake_again(stage.stores, program, LATER + timedelta(minutes=16)) == 4


def test_a_pass_without_time_goes_on_where_the_last_one_stopped(stage, unattributed) -> None:
    program, later = unattributed.program, LATER + timedelta(minutes=16)
    stage.stores.wakings.note(program.id, healing.Feed.UNATTRIBUTED, LATER)
    woken = []
    for _ in range(3):
        woken.append(healing.wake_again(stage.stores, program, later, at_most(3)))
        # Decided again without success, they stand where they stood: yet nobody begins anew.
    assert (sum(woken), woken[0]) == (7, 3)
    assert list(stage.stores.wakings.before(program.id, later)) == []
    due = [
        listed.state
        for shard in range(program.shards)
        for listed in stage.stores.conversion_queue.in_feed(program.id, shard, healing.Feed.DUE)
    ]
    assert due == [State.UNATTRIBUTED] * 7
