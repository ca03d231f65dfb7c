"""Reconcile and close over several programs: what stops one stops no other, and loses nothing."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ResponseStreamingError
from botocore.response import StreamingBody

from chalicelib import bootstrap
from chalicelib.domain.decision import decide
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.period import Month
from chalicelib.services import months
from chalicelib.services.close import close_months, close_program
from chalicelib.services.folders import draft_folder
from chalicelib.services.month_files import CloseStopped
from chalicelib.services.reconcile import reconcile
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import Table
from tests import scene
from tests.faults.books import audit
from tests.faults.plays import ENUMERATED, RIVAL_STEP, Play, fail_every_call
from tests.faults.transport import Fault, Wire, wired
from tests.scene import AFTER_GRACE, MONTH_START, Scene

SEPTEMBER = Month(2026, 9)
SOLD_AT = MONTH_START + timedelta(days=3)


def reconcile_of_two_programs() -> Play:
    def prepare(stores: Stores) -> list[tuple[Scene, str]]:
        shops = [scene.make(stores, shards=1), scene.make(stores, shards=1)]
        return [(shop, shop.sell(stores, SOLD_AT).id) for shop in shops]

    def act(stores: Stores, _prepared: object) -> None:
        reconcile(stores, SOLD_AT)

    def check(stores: Stores, prepared: list[tuple[Scene, str]]) -> None:
        for shop, sold in prepared:
            assert audit(stores, shop.program).commission_of(sold) == 1000
            manifest = stores.bucket.find(draft_folder(shop.program.id, SEPTEMBER) + "manifest.json")
            assert json.loads(manifest or b"{}")["totals"]["EUR"]["accrued"] == "10.00"
        forget_all(stores)

    return Play(prepare, act, check)


def forget_all(stores: Stores) -> None:
    """Take the programs off the list, so that the next round has only its own."""
    table = Table(stores.settings, "catalogue")
    for program in list(stores.catalogue.programs()):
        table.delete("programs", program)


@pytest.mark.parametrize("fault", ENUMERATED, ids=lambda fault: fault.name.lower())
def test_every_call_of_a_reconcile_may_fail(stage, clock, monkeypatch, fault: Fault) -> None:
    fail_every_call(monkeypatch, reconcile_of_two_programs(), fault)


def test_a_sale_that_opens_an_earlier_month_beside_a_close_is_in_exactly_one_ledger(
    stage, clock, monkeypatch
) -> None:
    at = 0
    while True:
        shop = scene.make(bootstrap.stores())
        sold: list[str] = []

        def rival(shop: Scene = shop, sold: list[str] = sold) -> None:
            stores = Stores(bootstrap.stores().settings)
            sold.append(shop.report(stores, "old", MONTH_START - timedelta(days=20)).id)
            settle_conversion(stores, rules_of(stores, shop.program.id), sold[0], AFTER_GRACE)

        with wired(monkeypatch, Wire(Fault.RIVAL, at, rival)) as wire:
            close_program(bootstrap.stores(), shop.program.id, AFTER_GRACE)
        if len(wire.calls) <= at:
            break
        close_program(bootstrap.stores(), shop.program.id, AFTER_GRACE + timedelta(days=31))
        audited = audit(bootstrap.stores(), shop.program)
        assert audited.problems == [], at
        assert audited.open_entries == [], at
        assert audited.commission_of(sold[0]) == 1000, at
        at += RIVAL_STEP
    assert at > 10


def test_a_draft_shows_what_was_booked_while_it_was_written(stage, clock, monkeypatch) -> None:
    at = 0
    while True:
        shop = scene.make(bootstrap.stores(), shards=1)
        sold = shop.sell(bootstrap.stores(), SOLD_AT).id

        def rival(shop: Scene = shop) -> None:
            months.refresh_drafts(Stores(bootstrap.stores().settings), shop.program, SOLD_AT)

        rules = rules_of(bootstrap.stores(), shop.program.id)
        with wired(monkeypatch, Wire(Fault.RIVAL, at, rival)) as wire:
            settle_conversion(bootstrap.stores(), rules, sold, SOLD_AT)
        if len(wire.calls) <= at:
            break
        months.refresh_drafts(bootstrap.stores(), shop.program, SOLD_AT + timedelta(hours=1))
        manifest = bootstrap.stores().bucket.find(draft_folder(shop.program.id, SEPTEMBER) + "manifest.json")
        assert json.loads(manifest or b"{}")["totals"].get("EUR", {}).get("accrued") == "10.00", at
        at += 1
    assert at > 3


def damaged_shop(stores: Stores) -> Scene:
    """A shop whose published summary was overwritten by somebody, so that no month can start from it."""
    shop = scene.make(stores, id="a-damaged")
    shop.sell(stores, SOLD_AT)
    close_program(stores, shop.program.id, AFTER_GRACE)
    stores.bucket.write("ledgers/a-damaged/2026-09/summary.csv", io.BytesIO(b"other"), "text/csv")
    shop.sell(stores, AFTER_GRACE)
    return shop


def test_a_program_that_cannot_be_reconciled_stops_no_other(stage, clock) -> None:
    damaged_shop(stage.stores)
    sound = scene.make(stage.stores, id="b-sound")
    sold = sound.sell(stage.stores, SOLD_AT).id
    summary = reconcile(stage.stores, AFTER_GRACE)
    assert audit(stage.stores, sound.program).commission_of(sold) == 1000
    assert (summary.programs, summary.stopped) == (1, 1)


@pytest.mark.parametrize("failure", [KeyError("items"), ValueError("unknown"), ConnectionError("cut")])
def test_a_program_that_cannot_be_closed_stops_no_other(stage, clock, monkeypatch, failure) -> None:
    broken, sound = scene.make(stage.stores, id="a-broken"), scene.make(stage.stores, id="b-sound")
    opening_of = months.opening_of

    def fails(stores, program, *rest):
        if program.id == broken.program.id:
            raise failure
        return opening_of(stores, program, *rest)

    monkeypatch.setattr(months, "opening_of", fails)
    closed, stopped = close_months(stage.stores, AFTER_GRACE)
    assert [c.program for c in closed] == [sound.program.id]
    assert [(s.program, s.code) for s in stopped] == [("a-broken", type(failure).__name__)]


def test_a_record_that_cannot_even_be_read_stops_no_other(stage, clock) -> None:
    shop = scene.make(stage.stores, shards=1)
    unreadable, fine = shop.sell(stage.stores, SOLD_AT).id, shop.sell(stage.stores, SOLD_AT).id
    table = Table(stage.stores.settings, "conversions")
    table.put(table.find(unreadable, "conversion") | {"report": {"method": "telepathy"}})
    assert reconcile(stage.stores, SOLD_AT).quarantined == 1
    assert stage.stores.conversions.find(fine).booked.entries
    with pytest.raises(CloseStopped, match="money_quarantined"):
        close_program(stage.stores, shop.program.id, AFTER_GRACE)


def failing_once(monkeypatch: pytest.MonkeyPatch, conversion: str, meanwhile=lambda: None) -> None:
    def decide_or_fail(facts, *rules):
        if facts.id == conversion:
            meanwhile()
            raise KeyError("nothing was prepared for this")
        return decide(facts, *rules)

    monkeypatch.setattr("chalicelib.services.settle.decide", decide_or_fail)


def test_a_lagging_index_does_not_let_a_month_close_over_what_is_quarantined(
    stage, clock, monkeypatch
) -> None:
    shop = scene.make(stage.stores)
    broken = shop.sell(stage.stores, SOLD_AT).id
    whole = Table.page
    with monkeypatch.context() as patch:
        failing_once(patch, broken)
        reconcile(stage.stores, SOLD_AT)

    def lagging(table, *arguments, index=None, **named):
        if index:
            return type(whole(table, *arguments, index=index, **named))([], None)
        return whole(table, *arguments, **named)

    monkeypatch.setattr(Table, "page", lagging)
    with pytest.raises(CloseStopped, match="money_quarantined"):
        close_program(stage.stores, shop.program.id, AFTER_GRACE)


def test_what_was_quarantined_is_tried_again_and_blocks_no_more_once_it_can_be_processed(
    stage, clock, monkeypatch
) -> None:
    shop = scene.make(stage.stores)
    broken = shop.sell(stage.stores, SOLD_AT).id
    with monkeypatch.context() as patch:
        failing_once(patch, broken)
        assert reconcile(stage.stores, SOLD_AT).quarantined == 1
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    audited = audit(stage.stores, shop.program)
    assert audited.problems == []
    assert {row["conversion_id"] for row in audited.published[SEPTEMBER]} == {broken}


def test_what_changed_while_it_failed_is_not_set_aside(stage, clock, monkeypatch) -> None:
    shop = scene.make(stage.stores, shards=1)
    broken = shop.report(stage.stores, "order", SOLD_AT, code="NOBODY").id

    def told_more() -> None:
        shop.report(Stores(bootstrap.stores().settings), "order", SOLD_AT)

    with monkeypatch.context() as patch:
        failing_once(patch, broken, told_more)
        reconcile(stage.stores, SOLD_AT)
    found = stage.stores.conversions.find(broken)
    assert (found.feed, found.quarantined) == ("due", None)


def test_a_sale_told_during_a_long_pass_is_priced_by_the_terms_that_came_before_it(stage, clock) -> None:
    shop = scene.make(stage.stores)
    rules = rules_of(stage.stores, shop.program.id)
    newer = replace(rules.versions[0], version=2, starts_at=SOLD_AT + timedelta(minutes=1))
    stage.stores.catalogue.add_terms_once(newer)
    sold = shop.sell(stage.stores, SOLD_AT + timedelta(minutes=2)).id
    settle_conversion(stage.stores, rules, sold, SOLD_AT)
    booked = stage.stores.conversions.find(sold).booked
    assert [entry.terms_version for entry in booked.entries] == [2]


def test_a_ledger_whose_bytes_break_off_while_they_are_read_is_not_there_for_now(
    stage, clock, monkeypatch
) -> None:
    stage.stores.bucket.write("drafts/some", io.BytesIO(b"bytes"), "text/csv")

    def breaks_off(*_: object, **__: object) -> bytes:
        raise ResponseStreamingError(error="cut")

    monkeypatch.setattr(StreamingBody, "read", breaks_off)
    for read in (stage.stores.bucket.find, stage.stores.bucket.sha256):
        with pytest.raises(Unavailable):
            read("drafts/some")
