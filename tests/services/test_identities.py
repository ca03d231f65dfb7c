"""A customer's devices and orders find each other, whichever is told first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.conversion import Content, Outcome
from chalicelib.domain.errors import Invalid
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.path import in_order
from chalicelib.domain.program import Method
from chalicelib.domain.token import visitor_text
from chalicelib.services import capture, identities
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage.table import Table
from tests import scene
from tests.scene import MONTH_START

NOW = MONTH_START + timedelta(days=10)
ORDER = Incoming("sale", "order-1", Content(10_000, "EUR"), Method.API, customer_id="customer-7")


def test_an_order_gathers_the_clicks_of_the_customers_other_device(stage) -> None:
    shop = scene.make(stage.stores)
    phone = shop.click(stage.stores, NOW - timedelta(days=2))
    identities.link(stage.stores, shop.program, "customer-7", phone.token, NOW - timedelta(days=2))
    reply = capture.record(stage.stores, shop.program, ORDER, NOW)
    touches = stage.stores.conversions.find(reply.id).facts.touches
    assert [(t.partner, t.evidence) for t in touches] == [("anna", "customer")]


def test_an_order_that_came_before_the_log_in_is_credited_all_the_same(stage) -> None:
    shop = scene.make(stage.stores)
    phone = shop.click(stage.stores, NOW - timedelta(days=2))
    reply = capture.record(stage.stores, shop.program, ORDER, NOW)
    assert reply.outcome is Outcome.UNATTRIBUTED
    rules = rules_of(stage.stores, shop.program.id)
    settle_conversion(stage.stores, rules, reply.id, NOW)
    identities.link(stage.stores, shop.program, "customer-7", phone.token, NOW + timedelta(hours=1))
    settle_conversion(stage.stores, rules, reply.id, NOW + timedelta(hours=1))
    found = stage.stores.conversions.find(reply.id)
    assert [(e.partner, e.commission_minor) for e in found.booked.entries] == [("anna", 1000)]


def test_a_late_log_in_moves_the_credit_by_a_linked_correction(stage) -> None:
    shop = scene.make(stage.stores)
    desktop = shop.click(stage.stores, NOW - timedelta(days=3), "anna")
    phone = shop.click(stage.stores, NOW - timedelta(days=1), "ben")
    told = Incoming(
        "sale", "order-2", Content(10_000, "EUR"), Method.API, desktop.token, customer_id="customer-7"
    )
    reply = capture.record(stage.stores, shop.program, told, NOW)
    rules = rules_of(stage.stores, shop.program.id)
    settle_conversion(stage.stores, rules, reply.id, NOW)
    identities.link(stage.stores, shop.program, "customer-7", phone.token, NOW + timedelta(hours=1))
    settle_conversion(stage.stores, rules, reply.id, NOW + timedelta(hours=1))
    entries = stage.stores.conversions.find(reply.id).booked.entries
    assert [(e.kind, e.partner, e.commission_minor) for e in entries] == [
        ("accrual", "anna", 1000),
        ("correction", "anna", -1000),
        ("correction", "ben", 1000),
    ]
    assert entries[1].reverses == entries[0].id


def test_a_log_in_that_races_an_order_is_found_by_its_first_settlement(stage) -> None:
    """The order's note is there, its record not yet: what the log-in leaves is read when it comes."""
    shop = scene.make(stage.stores)
    phone = shop.click(stage.stores, NOW - timedelta(days=2))
    customer = capture.evidence.customer_hash(stage.stores, shop.program.id, "customer-7")
    conversion = capture.ids.conversion_id(shop.program.id, "sale", "order-1")
    stage.stores.identities.add_conversion(shop.program.id, customer, conversion, NOW + timedelta(days=9))
    identities.link(stage.stores, shop.program, "customer-7", phone.token, NOW)
    reply = capture.record(stage.stores, shop.program, ORDER, NOW)
    assert stage.stores.conversions.find(reply.id).facts.touches[0].partner == "anna"


def test_customers_of_two_programs_with_the_same_id_are_two_people(stage) -> None:
    shop, other = scene.make(stage.stores), scene.make(stage.stores)
    phone = other.click(stage.stores, NOW - timedelta(days=2))
    identities.link(stage.stores, other.program, "customer-7", phone.token, NOW)
    assert capture.record(stage.stores, shop.program, ORDER, NOW).outcome is Outcome.UNATTRIBUTED


def test_a_click_of_another_program_cannot_be_linked(stage) -> None:
    shop, other = scene.make(stage.stores), scene.make(stage.stores)
    foreign = other.click(stage.stores, NOW)
    with pytest.raises(Invalid, match="click_id_invalid"):
        identities.link(stage.stores, shop.program, "customer-7", foreign.token, NOW)


def test_a_device_is_forgotten_when_its_time_is_over(stage) -> None:
    shop = scene.make(stage.stores)
    phone = shop.click(stage.stores, NOW)
    identities.link(stage.stores, shop.program, "customer-7", phone.token, NOW)
    customer = capture.evidence.customer_hash(stage.stores, shop.program.id, "customer-7")
    assert stage.stores.identities.known(shop.program.id, customer, NOW + timedelta(days=33)).visitors
    assert not stage.stores.identities.known(shop.program.id, customer, NOW + timedelta(days=34)).visitors


def test_a_device_that_was_unlinked_tells_of_no_further_order(stage) -> None:
    shop = scene.make(stage.stores)
    phone, desktop = (shop.click(stage.stores, NOW - timedelta(days=2), name) for name in ("anna", "ben"))
    for click in (phone, desktop):
        identities.link(stage.stores, shop.program, "customer-7", click.token, NOW)
    before = capture.record(stage.stores, shop.program, ORDER, NOW)
    later_click = shop.click(stage.stores, NOW - timedelta(days=1), "anna", visitor=phone.visitor)
    identities.unlink(stage.stores, shop.program, "customer-7", later_click.token)
    after = capture.record(stage.stores, shop.program, replace(ORDER, order_id="order-2"), NOW)
    partners = [
        {touch.partner for touch in stage.stores.conversions.find(reply.id).facts.touches}
        for reply in (before, after)
    ]
    assert partners == [{"anna", "ben"}, {"ben"}]


def test_a_customer_who_is_erased_is_known_no_more_and_the_orders_stay(stage) -> None:
    shop = scene.make(stage.stores)
    phone = shop.click(stage.stores, NOW - timedelta(days=2))
    identities.link(stage.stores, shop.program, "customer-7", phone.token, NOW)
    identities.link(stage.stores, shop.program, "customer-8", phone.token, NOW)
    reply = capture.record(stage.stores, shop.program, ORDER, NOW)
    identities.forget(stage.stores, shop.program, "customer-7", NOW)
    known = [
        stage.stores.identities.known(
            shop.program.id, capture.evidence.customer_hash(stage.stores, shop.program.id, customer), NOW
        )
        for customer in ("customer-7", "customer-8")
    ]
    assert (known[0].visitors, known[0].conversions) == ((), ())
    assert known[1].visitors == (phone.visitor,)
    assert stage.stores.conversions.find(reply.id).facts.touches[0].partner == "anna"
    again = capture.record(stage.stores, shop.program, replace(ORDER, order_id="order-2"), NOW)
    assert again.outcome is Outcome.UNATTRIBUTED


def test_nothing_that_is_kept_of_an_order_names_its_customer(stage) -> None:
    shop = scene.make(stage.stores)
    reply = capture.record(stage.stores, shop.program, ORDER, NOW)
    table = Table(stage.stores.settings, "conversions")
    assert "customer-7" not in str(list(table.query(reply.id)))


def test_only_a_click_of_ours_can_be_unlinked(stage) -> None:
    shop = scene.make(stage.stores)
    with pytest.raises(Invalid, match="click_id_invalid"):
        identities.unlink(stage.stores, shop.program, "customer-7", "x" * 59)


def test_as_many_devices_as_a_customer_may_have_count_in_whatever_order_they_came(stage) -> None:
    found = []
    for order_first in (False, True):
        shop = scene.make(stage.stores)
        clicks = [shop.click(stage.stores, NOW - timedelta(hours=n + 1)) for n in range(30)]
        sold = None
        if order_first:
            sold = capture.record(stage.stores, shop.program, an_order(), NOW).id
        for click in clicks:
            identities.link(stage.stores, shop.program, "customer-7", click.token, NOW)
        sold = sold or capture.record(stage.stores, shop.program, an_order(), NOW).id
        facts = stage.stores.conversions.find(sold).facts
        found.append(len(in_order(facts.touches)))
    assert found == [30, 30]


def test_a_device_too_many_is_refused_and_no_other_forgotten(stage) -> None:
    shop = scene.make(stage.stores)
    clicks = [shop.click(stage.stores, NOW - timedelta(hours=n + 1)) for n in range(4)]
    for click in clicks[:2]:
        identities.link(stage.stores, shop.program, "customer-7", click.token, NOW, most=2)
    with pytest.raises(Invalid, match="devices_exhausted"):
        identities.link(stage.stores, shop.program, "customer-7", clicks[2].token, NOW, most=2)
    identities.link(stage.stores, shop.program, "customer-7", clicks[1].token, NOW, most=2)
    identities.link(stage.stores, shop.program, "customer-7", clicks[3].token, NOW)


def test_more_clicks_than_a_path_holds_leave_the_same_ones_whichever_device_is_told_first(stage) -> None:
    kept = []
    for turned in (False, True):
        shop = scene.make(stage.stores)
        devices = []
        for device in range(2):
            visitor = visitor_text(bytes([device]) * 10)
            at = NOW - timedelta(days=2, minutes=device)
            devices.append(
                [shop.click(stage.stores, at + timedelta(minutes=2 * n), visitor=visitor) for n in range(70)]
            )
        sold = capture.record(stage.stores, shop.program, an_order(), NOW).id
        for clicks in reversed(devices) if turned else devices:
            identities.link(stage.stores, shop.program, "customer-7", clicks[0].token, NOW)
        path = in_order(stage.stores.conversions.find(sold).facts.touches)
        kept.append([touch.at for touch in path])
    assert len(kept[0]) == 100
    assert kept[0] == kept[1]


def an_order() -> Incoming:
    return Incoming(
        "sale", "order", Content(10_000, "EUR"), Method.API, customer_id="customer-7", occurred_at=NOW
    )
