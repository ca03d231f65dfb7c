"""Erasing a customer takes the person out of the facts, and neither a cent nor a published byte."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import cli
from chalicelib.domain.application import Application
from chalicelib.domain.conversion import AdjustmentKind, Content, Outcome
from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.errors import Conflict, Invalid, Unauthenticated, Unavailable
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.partner import Partner
from chalicelib.domain.path import in_order
from chalicelib.domain.payout.batch import Account
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.domain.session import Area
from chalicelib.domain.terms import Attribution, CommissionRule, CustomerKind, Terms
from chalicelib.services import (
    access,
    adjustments,
    applications,
    capture,
    erasures,
    evidence,
    identities,
    keys,
    partners,
    payouts,
    restoring,
    sessions,
    webhooks,
)
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import reconcile
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.services.verifying import verify
from chalicelib.storage import table
from chalicelib.storage.table import Table
from tests import scene
from tests.conftest import Stage
from tests.reconciling import result, work
from tests.scene import AFTER_GRACE, MONTH_START

NOW = MONTH_START + timedelta(days=10)
ADMIN = Caller(frozenset({Scope.ADMIN}))
RELEASED = NOW + timedelta(days=14)
CUSTOMER = "jane.doe@example.com"
ORDER = Incoming("sale", "order-1", Content(9_000, "EUR"), Method.API, customer_id=CUSTOMER)
TABLES = ("links", "clicks", "conversions", "identities", "journal", "catalogue", "counts")


@dataclass(frozen=True)
class Person:
    """Two devices with three clicks, an order that all of them led to, and every text that leads to her."""

    shop: scene.Scene
    order: str
    clicks: tuple[Any, ...]

    def traces(self, stage: Stage) -> set[str]:
        digest = evidence.customer_hash(stage.stores, self.shop.program.id, CUSTOMER)
        told = {text for click in self.clicks for text in (click.visitor, click.token)}
        return {CUSTOMER, digest, *told}


@pytest.fixture
def jane(stage: Stage) -> Person:
    """One click she bought with, one of her other device before the order and one after it."""
    stores, shop = stage.stores, scene.make(stage.stores)
    linear = Attribution(model="linear")
    rules = (CommissionRule("sale", "percent", rate_bp=1000),)
    stores.catalogue.add_terms_once(Terms(shop.program.id, 2, MONTH_START, linear, 14, rules))
    laptop = shop.click(stores, NOW - timedelta(days=3), "anna")
    earlier = shop.click(stores, NOW - timedelta(days=4), "ben", visitor=laptop.visitor)
    phone = shop.click(stores, NOW - timedelta(days=2), "ben")
    order = replace(ORDER, click_id=laptop.token)
    sold = capture.record(stores, shop.program, order, NOW).id
    identities.link(stores, shop.program, CUSTOMER, phone.token, NOW + timedelta(hours=1))
    return Person(shop, sold, (laptop, earlier, phone))


def stored(stage: Stage) -> str:
    """Everything that the stage's tables hold, but for tombstones, which have to name whom they keep out."""
    found: list[Any] = []
    for name in TABLES:
        whole = table.call("scan", TableName=Table(stage.settings, name).name)["Items"]
        found += [item for item in whole if not item["pk"]["S"].startswith("@erased")]
    return json.dumps(found)


def credits_of(stage: Stage, jane: Person) -> list[tuple[str, int, str]]:
    found = stage.stores.conversions.find(jane.order)
    return [(entry.partner, entry.commission_minor, entry.share) for entry in found.booked.entries]


def erase(stage: Stage, jane: Person, now: Any = NOW) -> erasures.Erased:
    return erasures.erase_customer(stage.stores, jane.shop.program, CUSTOMER, now)


def test_nothing_that_is_stored_leads_to_an_erased_customer(stage: Stage, jane: Person) -> None:
    before = stored(stage)
    assert {trace for trace in jane.traces(stage) if trace in before} == jane.traces(stage) - {CUSTOMER}
    assert erase(stage, jane) == erasures.Erased(devices=2, clicks=3, orders=1)
    after = stored(stage)
    assert [trace for trace in jane.traces(stage) if trace in after] == []


def test_an_order_that_is_decided_after_the_erasure_pays_the_same(stage: Stage, jane: Person) -> None:
    rules = rules_of(stage.stores, jane.shop.program.id)
    erase(stage, jane)
    settle_conversion(stage.stores, rules, jane.order, NOW + timedelta(days=1))
    assert sorted(credits_of(stage, jane)) == [("anna", 300, "1/3"), ("ben", 600, "2/3")]


def test_a_published_month_keeps_its_bytes_and_still_follows_from_the_facts(
    stage: Stage, jane: Person
) -> None:
    stores, program = stage.stores, jane.shop.program
    reconcile(stores, NOW + timedelta(days=1))
    reconcile(stores, RELEASED)
    close_program(stores, program.id, AFTER_GRACE)
    september = Month(2026, 9)
    assert verify(stores, program.id, september).problems == ()
    assert erase(stage, jane, AFTER_GRACE).orders == 1
    assert verify(stores, program.id, september).problems == ()


def test_an_order_that_is_decided_again_after_the_erasure_books_nothing_new(
    stage: Stage, jane: Person
) -> None:
    stores = stage.stores
    rules = rules_of(stores, jane.shop.program.id)
    settle_conversion(stores, rules, jane.order, NOW + timedelta(days=1))
    booked = stores.conversions.find(jane.order).booked.entries
    erase(stage, jane)
    found = stores.conversions.find(jane.order)
    at = NOW + timedelta(days=2)
    stores.conversion_queue.wake(jane.order, found.version, jane.shop.program.id, found.shard, at)
    settle_conversion(stores, rules, jane.order, at)
    assert stores.conversions.find(jane.order).booked.entries == booked


def test_clicks_of_one_instant_keep_their_order(stage: Stage) -> None:
    """Their tokens, as text, sort otherwise than decisions take them."""
    for _ in range(6):
        stores, shop = stage.stores, scene.make(stage.stores)
        at = NOW - timedelta(days=1)
        device = shop.click(stores, at, "anna")
        clicks = [device, *(shop.click(stores, at, p, device.visitor) for p in ("ben", "anna", "ben"))]
        sold = capture.record(stores, shop.program, replace(ORDER, click_id=device.token), NOW).id
        before = stores.conversions.find(sold).facts.touches
        erasures.erase_customer(stores, shop.program, CUSTOMER, NOW)
        after = stores.conversions.find(sold).facts.touches
        assert len(before) == len(clicks)
        assert [t.partner for t in in_order(after)] == [t.partner for t in in_order(before)]


def test_a_refund_after_the_erasure_takes_back_what_was_paid(stage: Stage, jane: Person) -> None:
    stores = stage.stores
    rules = rules_of(stores, jane.shop.program.id)
    settle_conversion(stores, rules, jane.order, NOW + timedelta(days=1))
    erase(stage, jane)
    at = NOW + timedelta(days=2)
    adjustments.adjust(stores, jane.order, "r1", AdjustmentKind.REFUND, None, "", at)
    settle_conversion(stores, rules, jane.order, at)
    totals: dict[str, int] = {}
    for partner, amount, _ in credits_of(stage, jane):
        totals[partner] = totals.get(partner, 0) + amount
    assert totals == {"anna": 0, "ben": 0}


def test_what_is_told_late_links_nothing(stage: Stage, jane: Person) -> None:
    stores, program = stage.stores, jane.shop.program
    erase(stage, jane)
    laptop, _, phone = jane.clicks
    identities.link(stores, program, CUSTOMER, phone.token, NOW + timedelta(hours=1))
    again = capture.record(stores, program, replace(ORDER, click_id=laptop.token), NOW + timedelta(hours=2))
    assert (again.id, again.duplicate) == (jane.order, True)
    new = capture.record(stores, program, replace(ORDER, order_id="order-2"), NOW + timedelta(hours=2))
    assert new.outcome is Outcome.UNATTRIBUTED
    assert stores.conversions.find(new.id).facts.report.customer is None
    assert restoring.restore(stores, phone.token, NOW + timedelta(hours=3)) is None
    after = stored(stage)
    assert [trace for trace in jane.traces(stage) if trace in after] == []


def test_a_device_goes_on_with_its_next_click(stage: Stage, jane: Person) -> None:
    erase(stage, jane)
    later = NOW + timedelta(days=1)
    click = jane.shop.click(stage.stores, later, "anna", visitor=jane.clicks[0].visitor, kept=False)
    assert restoring.restore(stage.stores, click.token, later) is not None


def test_another_customer_of_the_shop_stays_as_it_is(stage: Stage, jane: Person) -> None:
    stores, program = stage.stores, jane.shop.program
    click = jane.shop.click(stores, NOW - timedelta(days=1))
    other = replace(ORDER, order_id="order-9", customer_id="john", click_id=click.token)
    sold = capture.record(stores, program, other, NOW).id
    before = stores.conversions.find(sold)
    erase(stage, jane)
    assert stores.conversions.find(sold) == before


def test_erasing_again_after_a_crash_anywhere_finishes_it(
    stage: Stage, jane: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = table.call, 0

    def until_then(operation: str, **arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Unavailable("storage_unavailable", "away")
        return real(operation, **arguments)

    for calls in range(4, 100, 3):
        left = calls
        monkeypatch.setattr(table, "call", until_then)
        try:
            erase(stage, jane)
        except Unavailable:
            continue
        finally:
            monkeypatch.setattr(table, "call", real)
        break
    after = stored(stage)
    assert [trace for trace in jane.traces(stage) if trace in after] == []
    rules = rules_of(stage.stores, jane.shop.program.id)
    settle_conversion(stage.stores, rules, jane.order, NOW + timedelta(days=1))
    assert sorted(credits_of(stage, jane)) == [("anna", 300, "1/3"), ("ben", 600, "2/3")]


def test_an_order_whose_customer_was_forgotten_is_erased_all_the_same(stage: Stage, jane: Person) -> None:
    identities.forget(stage.stores, jane.shop.program, CUSTOMER, NOW)
    assert erase(stage, jane).orders == 1
    after = stored(stage)
    assert [trace for trace in jane.traces(stage) if trace in after] == []


def test_a_customer_of_long_ago_is_erased_as_well(stage: Stage, jane: Person) -> None:
    much_later = NOW + timedelta(days=800)
    assert erase(stage, jane, much_later).orders == 1


def test_an_erasure_is_asked_for_and_carried_out_by_a_worker(stage: Stage, jane: Person, engine: Any) -> None:
    job = erasures.ask(stage.stores, jane.shop.program, CUSTOMER, NOW)
    late = identities.link(stage.stores, jane.shop.program, CUSTOMER, jane.clicks[0].token, NOW)
    assert late is None
    work(engine, stage)
    assert result(stage, job) == {"devices": 2, "clicks": 3, "orders": 1}


def test_a_subject_is_told_everything_and_nothing_after_the_erasure(stage: Stage, jane: Person) -> None:
    told = erasures.tell(stage.stores, jane.shop.program, CUSTOMER)
    assert len(told.devices) == 2
    assert sorted(click["partner"] for click in told.clicks) == ["anna", "ben", "ben"]
    (order,) = told.orders
    assert (order["order_id"], order["amount"], len(order["path"])) == ("order-1", 9_000, 3)
    erase(stage, jane)
    assert erasures.tell(stage.stores, jane.shop.program, CUSTOMER) == erasures.Subject((), (), ())
    with pytest.raises(Invalid, match="customer_id_invalid"):
        erasures.tell(stage.stores, jane.shop.program, " ")


def test_the_operator_erases_from_the_command_line(
    stage: Stage, jane: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["erase", jane.shop.program.id, CUSTOMER]) == 0
    assert json.loads(capsys.readouterr().out) == {"devices": 2, "clicks": 3, "orders": 1}


def test_a_partner_that_leaves_keeps_its_books_and_loses_its_name(stage: Stage) -> None:
    stores = stage.stores
    stores.catalogue.add_partner_once(Partner("mia", "Mia Muster", "mia@example.com", MONTH_START))
    payouts.set_accounts(
        stores, "mia", [Account("paypal", None, {"email": "mia.private@example.com"})], MONTH_START
    )
    erased, owed = erasures.erase_partner(stores, ADMIN, "mia", NOW)
    assert owed == ()
    assert stores.catalogue.partner("mia") == erased
    assert stores.catalogue.partners_page(10, None)[0] == [erased]
    after = stored(stage)
    for private in ("Mia Muster", "mia@example.com", "mia.private@example.com"):
        assert private not in after


def test_an_erased_partner_is_shut_out(stage: Stage) -> None:
    stores, shop = stage.stores, scene.make(stage.stores)
    told = Application("", shop.program.id, "Mia Muster", "mia@example.com", "mia.example.com", "", NOW)
    applications.apply(stores, told, "somewhere")
    made = applications.approve(
        stores, shop.program, applications.id_of(shop.program.id, told.email), NOW
    ).partner
    caller = Caller(frozenset({Scope.PARTNER}), partner=made)
    text = keys.create(stores, caller.scopes, None, made, NOW)[1]
    token = sessions.begin(stores, Area.PORTAL, caller, NOW)[1]
    webhooks.create(stores, ADMIN, shop.program.id, "https://mia.example.com/?t={click_id}", None, made, NOW)
    others = webhooks.create(stores, ADMIN, shop.program.id, "https://shop.example.com/", None, None, NOW)
    erasures.erase_partner(stores, ADMIN, made, NOW)
    with pytest.raises(Unauthenticated):
        access.verify_key(stores, f"Bearer {text}", {Scope.PARTNER}, NOW)
    assert sessions.find(stores, Area.PORTAL, token, NOW) is None
    assert stores.webhooks.of(shop.program.id) == [others]
    after = stored(stage)
    for trace in ("Muster", "mia@example.com", "mia.example.com"):
        assert trace not in after
    with pytest.raises(Conflict, match="was erased"):
        keys.create(stores, caller.scopes, None, made, NOW)
    another = replace(shop.program, id="another")
    stores.catalogue.add_program_once(another)
    with pytest.raises(Conflict, match="was erased"):
        partners.enroll(stores, another.id, made, NOW)


def test_a_partner_that_is_owed_something_is_erased_only_on_purpose(stage: Stage, jane: Person) -> None:
    stores, program = stage.stores, jane.shop.program.id
    for name in ("anna", "ben"):
        stores.catalogue.add_partner_once(Partner(name, name, f"{name}@example.com", MONTH_START))
        partners.enroll(stores, program, name, MONTH_START)
    reconcile(stores, RELEASED)
    with pytest.raises(Conflict, match=r"6\.00 EUR in shop.*pay first") as refused:
        erasures.erase_partner(stores, ADMIN, "ben", NOW)
    assert refused.value.code == "balance_open"
    assert not stores.catalogue.partner("ben").is_erased
    stranger = Caller(frozenset({Scope.MERCHANT}), program="other")
    assert erasures.erase_partner(stores, stranger, "anna", NOW)[1] == ()
    erased, owed = erasures.erase_partner(stores, ADMIN, "ben", NOW, despite_balance=True)
    assert (erased.is_erased, owed) == (True, (erasures.Balance(program, 600, "EUR"),))
    assert erasures.erase_partner(stores, ADMIN, "ben", NOW) == (erased, owed)


def test_a_later_order_stays_one_of_a_returning_customer(stage: Stage, jane: Person) -> None:
    stores, program = stage.stores, jane.shop.program
    kinds = {CustomerKind.NEW: 2000, CustomerKind.RETURNING: 500, CustomerKind.UNKNOWN: 1}
    rules = tuple(
        CommissionRule("sale", "percent", rate_bp=rate, customer=kind) for kind, rate in kinds.items()
    )
    stores.catalogue.add_terms_once(Terms(program.id, 3, MONTH_START, Attribution(), 14, rules))
    second = replace(ORDER, order_id="order-2", coupon="ANNA")
    sold = capture.record(stores, program, second, NOW + timedelta(days=1)).id
    erase(stage, jane, NOW + timedelta(days=2))
    settle_conversion(stores, rules_of(stores, program.id), sold, NOW + timedelta(days=3))
    assert [e.commission_minor for e in stores.conversions.find(sold).booked.entries] == [450]
    reconcile(stores, RELEASED + timedelta(days=1))
    close_program(stores, program.id, AFTER_GRACE)
    assert verify(stores, program.id, Month(2026, 9)).problems == ()


def test_the_first_of_several_customers_of_an_order_stays_the_first(stage: Stage, jane: Person) -> None:
    program = jane.shop.program.id
    digests = sorted(evidence.customer_hash(stage.stores, program, str(n)) for n in range(3))
    stage.stores.erasures.begin(program, digests[1], NOW)
    name = stage.stores.erasures.name(program, digests[1], {digests[0], digests[2]})
    assert digests[0] < name < digests[2]
    assert stage.stores.erasures.name(program, digests[1], set()) == name
