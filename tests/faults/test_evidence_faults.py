"""What is told beside and after a report, under every fault at every call and beside rivals."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from chalicelib import bootstrap
from chalicelib.domain import ids
from chalicelib.domain.adjusting import Back, Details
from chalicelib.domain.conversion import AdjustmentKind, Content, Item, Outcome, State
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.job import JobKind, JobState
from chalicelib.domain.partner import Coupon
from chalicelib.domain.path import MAX_PARTNERS
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.domain.settlement import MAX_ADJUSTMENTS
from chalicelib.services import adjustments, capture, healing, identities, jobs, reconciliations
from chalicelib.services.order_matching import Wanted
from chalicelib.services.pacing import always, at_most
from chalicelib.services.reconcile import Summary, reconcile, settle_due
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import Table
from tests import scene
from tests.faults.books import audit
from tests.faults.plays import ENUMERATED, MOST_TELLING, Play, fail_every_call
from tests.faults.transport import Fault, Wire, wired
from tests.scene import MONTH_START, Scene

SOLD_AT = MONTH_START + timedelta(days=3)
LATER = SOLD_AT + timedelta(hours=1)
Prepared = tuple[Scene, str]


def told(stores: Stores, made: Scene, method: Method = Method.API, **more: object) -> capture.Reply:
    """One report of the order, worth 10.00 to whoever earns it."""
    incoming = Incoming("sale", "order", Content(10_000, "EUR"), method, **more)
    return capture.record(stores, made.program, incoming, SOLD_AT)


def settled(stores: Stores, prepared: Prepared) -> None:
    made, sold = prepared
    settle_conversion(stores, rules_of(stores, made.program.id), sold, LATER)


def assert_earns(stores: Stores, prepared: Prepared, partner: str, expected: int = 1000) -> None:
    made, sold = prepared
    audited = audit(stores, made.program)
    assert audited.problems == []
    assert audited.commission_of(sold) == expected
    found = stores.conversions.find(sold)
    assert found is not None
    assert found.partners == (partner,)


def an_identity_that_leads_to_a_click() -> Play:
    clicks = {}

    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores)
        click = made.click(stores, SOLD_AT - timedelta(days=1))
        reply = told(stores, made, customer_id="c-1")
        clicks[made.program.id] = click.token
        return made, reply.id

    def act(stores: Stores, prepared: Prepared) -> None:
        program = prepared[0].program
        identities.link(stores, program, "c-1", clicks[program.id], LATER)

    def check(stores: Stores, prepared: Prepared) -> None:
        settled(stores, prepared)
        assert_earns(stores, prepared, "anna")

    return Play(prepare, act, check)


def confirmation_of_a_browsers_report() -> Play:
    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores)
        return made, told(stores, made, Method.PIXEL, coupon="ANNA").id

    def act(stores: Stores, prepared: Prepared) -> None:
        reply = told(stores, prepared[0], coupon="ANNA")
        assert (reply.outcome, reply.state) == (Outcome.RECORDED, State.PENDING)

    def check(stores: Stores, prepared: Prepared) -> None:
        settled(stores, prepared)
        assert_earns(stores, prepared, "anna")

    return Play(prepare, act, check)


def evidence_that_comes_later() -> Play:
    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores)
        return made, told(stores, made).id

    def act(stores: Stores, prepared: Prepared) -> None:
        reply = told(stores, prepared[0], coupon="BEN")
        assert (reply.outcome, reply.state) == (Outcome.RECORDED, State.PENDING)

    def check(stores: Stores, prepared: Prepared) -> None:
        settled(stores, prepared)
        assert_earns(stores, prepared, "ben")

    return Play(prepare, act, check)


def use_of_a_code_that_pushes_another_over_its_limit() -> Play:
    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores, shards=1)
        once = Coupon(made.program.id, "ben", "ONCE", MONTH_START, max_uses=1)
        stores.catalogue.add_coupon_once(once)
        prepared = made, told(stores, made, coupon="once").id
        settled(stores, prepared)
        return prepared

    def act(stores: Stores, prepared: Prepared) -> None:
        settled(stores, (prepared[0], sell_before(stores, prepared)))

    return Play(prepare, act, assert_the_earlier_one_earns)


def sell_before(stores: Stores, prepared: Prepared) -> str:
    """An order of an hour before that one, with the same code."""
    made = prepared[0]
    at = SOLD_AT - timedelta(hours=1)
    incoming = Incoming("sale", "before", Content(10_000, "EUR"), Method.API, coupon="ONCE", occurred_at=at)
    return capture.record(stores, made.program, incoming, SOLD_AT).id


def settle_all(stores: Stores, prepared: Prepared) -> None:
    """What the hourly passes do, until nothing of this program is due."""
    rules, summary = rules_of(stores, prepared[0].program.id), Summary(decided=1)
    while summary.looked_at:
        summary = Summary()
        settle_due(stores, rules, LATER, summary)


def assert_the_earlier_one_earns(stores: Stores, prepared: Prepared) -> None:
    settle_all(stores, prepared)
    made, sold = prepared
    audited = audit(stores, made.program)
    assert audited.problems == []
    before = ids.conversion_id(made.program.id, "sale", "before")
    assert [audited.commission_of(each) for each in (before, sold)] == [1_000, 0]


def a_line_that_comes_back_and_a_chargeback_of_the_rest() -> Play:
    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores)
        items = (Item("shoe", 2, 6_000), Item("sock", 4, 4_000))
        incoming = Incoming("sale", "order", Content(10_000, "EUR", items), Method.API, coupon="ANNA")
        prepared = made, capture.record(stores, made.program, incoming, SOLD_AT).id
        settled(stores, prepared)
        return prepared

    def act(stores: Stores, prepared: Prepared) -> None:
        sold = prepared[1]
        socks = Details((Back(sku="sock", quantity=1),))
        adjustments.adjust(stores, sold, "r-1", AdjustmentKind.REFUND, None, "", LATER, socks)
        adjustments.adjust(stores, sold, "c-1", AdjustmentKind.CHARGEBACK, 3_000, "", LATER)
        settled(stores, prepared)

    def check(stores: Stores, prepared: Prepared) -> None:
        assert_earns(stores, prepared, "anna", 600)
        taken = [e for e in audit(stores, prepared[0].program).open_entries if e.kind == "reversal"]
        assert sorted(entry.commission_minor for entry in taken) == [-300, -100]

    return Play(prepare, act, check)


def recovery_of_a_file_of_orders_piece_by_piece() -> Play:
    """Each run has time for one piece; the file tells of a refund, and of an order that is not here."""
    text = "order_id,amount,currency,refunded,date,coupon\norder,100.00,EUR,25.00,2026-09-04,ANNA\n"
    text += "lost,50.00,EUR,,2026-09-04,BEN\n"
    works = {
        JobKind.RECONCILIATION: partial(reconciliations.carry_out, has_time=always),
        JobKind.RECOVERY: lambda *job: reconciliations.carry_out_recovery(*job, at_most(1)),
    }
    asked: dict[str, str] = {}

    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores)
        sold = told(stores, made, coupon="ANNA").id
        compared = reconciliations.ask(stores, Wanted(made.program), text.encode(), LATER)
        jobs.carry_out(stores, compared.id, works, LATER)
        done = stores.jobs.find(compared.id)
        assert done is not None
        asked[made.program.id] = reconciliations.recover(stores, done, LATER).id
        return made, sold

    def act(stores: Stores, prepared: Prepared) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reconciliations, "_EVERY", 1)
            while jobs.carry_out(stores, asked[prepared[0].program.id], works, LATER) is JobState.RUNNING:
                pass

    def check(stores: Stores, prepared: Prepared) -> None:
        reconcile(stores, LATER)
        assert_earns(stores, prepared, "anna", 750)
        program = prepared[0].program.id
        assert_earns(stores, (prepared[0], ids.conversion_id(program, "sale", "lost")), "ben", 500)
        recovery = stores.jobs.find(asked[program])
        assert recovery is not None
        assert recovery.state is JobState.DONE
        assert list(stores.bucket.keys(f"{recovery.folder}work/")) == []
        Table(stores.settings, "catalogue").delete("programs", program)

    return Play(prepare, act, check)


PLAYS = {
    play.__name__: play
    for play in (
        an_identity_that_leads_to_a_click,
        confirmation_of_a_browsers_report,
        evidence_that_comes_later,
        use_of_a_code_that_pushes_another_over_its_limit,
        a_line_that_comes_back_and_a_chargeback_of_the_rest,
    )
}


@pytest.mark.parametrize("fault", ENUMERATED, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("name", PLAYS)
def test_every_call_may_fail(stage, clock, monkeypatch, name: str, fault: Fault) -> None:
    fail_every_call(monkeypatch, PLAYS[name](), fault)


@pytest.mark.parametrize("fault", MOST_TELLING, ids=lambda fault: fault.name.lower())
def test_every_call_of_a_job_in_pieces_may_fail(stage, clock, monkeypatch, fault: Fault) -> None:
    fail_every_call(monkeypatch, recovery_of_a_file_of_orders_piece_by_piece(), fault)


def beside(
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Stores], Prepared],
    act: Callable[[Stores, Prepared], object],
    rival: Callable[[Stores, Prepared], object],
    check: Callable[[Stores, Prepared], None],
) -> None:
    """Play it once for each of its calls, with the rival acting just before that call."""
    at = 0
    while True:
        prepared = prepare(bootstrap.stores())

        def interfere(prepared: Prepared = prepared) -> None:
            rival(Stores(bootstrap.stores().settings), prepared)

        with wired(monkeypatch, Wire(Fault.RIVAL, at, interfere)) as wire:
            act(bootstrap.stores(), prepared)
        if len(wire.calls) <= at:
            break
        check(bootstrap.stores(), prepared)
        at += 1
    assert at > 3


def test_a_code_that_gets_its_owner_while_the_order_is_settled_is_found(stage, clock, monkeypatch) -> None:
    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores)
        return made, told(stores, made, coupon="CARA").id

    def rival(stores: Stores, prepared: Prepared) -> None:
        program = prepared[0].program.id
        stores.catalogue.add_coupon_once(Coupon(program, "cara", "CARA", MONTH_START))
        healing.wake_unattributed(stores, program, SOLD_AT)

    def check(stores: Stores, prepared: Prepared) -> None:
        reconcile(stores, LATER)
        assert_earns(stores, prepared, "cara")

    beside(monkeypatch, prepare, settled, rival, check)


def test_two_orders_that_are_settled_beside_each_other_know_who_is_within_the_limit(
    stage, clock, monkeypatch
) -> None:
    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores, shards=1)
        once = Coupon(made.program.id, "ben", "ONCE", MONTH_START, max_uses=1)
        stores.catalogue.add_coupon_once(once)
        return made, told(stores, made, coupon="once").id

    def rival(stores: Stores, prepared: Prepared) -> None:
        before = sell_before(stores, prepared)
        settled(stores, (prepared[0], before))

    beside(monkeypatch, prepare, settled, rival, assert_the_earlier_one_earns)


def test_a_refund_is_not_lost_on_a_settlement_that_reads_page_by_page(stage, clock, monkeypatch) -> None:
    whole = Table.page

    def one_by_one(table, *arguments, **named):
        return whole(table, *arguments, **{**named, "limit": 1})

    def prepare(stores: Stores) -> Prepared:
        made = scene.make(stores)
        prepared = made, told(stores, made, coupon="ANNA").id
        refund(stores, prepared, "z-first")
        return prepared

    def refund(stores: Stores, prepared: Prepared, name: str = "a-second") -> None:
        adjustments.adjust(stores, prepared[1], name, AdjustmentKind.REFUND, 1_000, "", SOLD_AT)

    def act(stores: Stores, prepared: Prepared) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Table, "page", one_by_one)
            settled(stores, prepared)

    def check(stores: Stores, prepared: Prepared) -> None:
        reconcile(stores, LATER)
        assert_earns(stores, prepared, "anna", 800)

    beside(monkeypatch, prepare, act, refund, check)


@pytest.mark.parametrize("first", ["code", "order"])
def test_a_code_that_only_a_browser_told_is_trusted_no_more_for_being_looked_up_later(stage, first) -> None:
    made = scene.make(stage.stores)
    click = made.click(stage.stores, SOLD_AT - timedelta(days=1), "ben")

    def own_code() -> None:
        stage.stores.catalogue.add_coupon_once(Coupon(made.program.id, "cara", "CARA", MONTH_START))
        healing.wake_unattributed(stage.stores, made.program.id, SOLD_AT)

    if first == "code":
        own_code()
    told(stage.stores, made, Method.PIXEL, coupon="CARA")
    sold = told(stage.stores, made).id
    settled(stage.stores, (made, sold))
    if first == "order":
        own_code()
        settled(stage.stores, (made, sold))
    assert [
        coupon.trusted for coupon in stage.stores.conversions.find(sold).facts.coupons if coupon.partner
    ] == [False]
    told(stage.stores, made, click_id=click.token)
    settled(stage.stores, (made, sold))
    booked = stage.stores.conversions.find(sold).booked
    assert [booked.earned(partner, "EUR")[1] for partner in ("ben", "cara")] == [1000, 0]


def test_every_code_of_an_order_is_looked_up_again(stage) -> None:
    made = scene.make(stage.stores)
    sold = told(stage.stores, made, coupon="CARA").id
    told(stage.stores, made, coupon="DORA")
    settled(stage.stores, (made, sold))
    stage.stores.catalogue.add_coupon_once(Coupon(made.program.id, "dora", "DORA", MONTH_START))
    healing.wake_unattributed(stage.stores, made.program.id, SOLD_AT)
    settled(stage.stores, (made, sold))
    assert_earns(stage.stores, (made, sold), "dora")


def test_the_longest_reasons_of_all_refunds_fit_in_the_record(stage) -> None:
    made = scene.make(stage.stores)
    versions = stage.stores.catalogue.terms(made.program.id)
    linear = replace(versions[0], version=2, attribution=replace(versions[0].attribution, model="linear"))
    stage.stores.catalogue.add_terms_once(linear)
    visitor = made.click(stage.stores, SOLD_AT - timedelta(days=2)).visitor
    for position in range(MAX_PARTNERS):
        partner = f"partner-{position}-{'x' * 30}"
        link = replace(
            made.links["anna"], id=ids.from_bytes("lnk", bytes(7) + bytes([position])), partner=partner
        )
        link = replace(link, code=f"{partner}-{made.program.id}"[:60])
        stage.stores.links.create(link)
        made.links[partner] = link
        last = made.click(stage.stores, SOLD_AT - timedelta(hours=position + 1), partner, visitor)
    incoming = Incoming("sale", "\U0001f600" * 128, Content(10_000_000, "EUR"), Method.API, last.token)
    sold = capture.record(stage.stores, made.program, incoming, SOLD_AT).id
    for position in range(MAX_ADJUSTMENTS):
        adjustments.adjust(
            stage.stores,
            sold,
            f"{'r' * 90}{position}",
            AdjustmentKind.REFUND,
            1_000,
            "\U0001f600" * 300,
            SOLD_AT,
        )
    settled(stage.stores, (made, sold))
    found = stage.stores.conversions.find(sold)
    assert len(found.booked.entries) > 9 * MAX_ADJUSTMENTS
    journal = {
        entry
        for shard in range(made.program.shards)
        for entry in stage.stores.journal.entries(made.program.id, Month(2026, 9), shard)
    }
    assert set(found.booked.entries) == journal
    head = Table(stage.stores.settings, "conversions").find(sold, "conversion")
    assert len(json.dumps(head, ensure_ascii=False).encode()) < 380_000
