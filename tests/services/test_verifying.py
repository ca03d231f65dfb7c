"""Verifying, comparing and explaining ledgers, through the command line, against the engine."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import cli
from chalicelib.domain.conversion import AdjustmentKind, Content
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.payout.batch import Account
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.domain.terms import Attribution, CommissionRule, MonthlyKind, MonthlyRule
from chalicelib.services import adjustments, capture, manual, payouts, terms
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import reconcile
from chalicelib.services.verifying import verify
from chalicelib.storage.payouts import Request
from chalicelib.storage.table import Table
from tests import scene
from tests.scene import AFTER_GRACE, MONTH_START
from tests.services.test_payouts import a_manual

SEPTEMBER = Month(2026, 9)
OCTOBER = SEPTEMBER.next()
SOLD_AT = MONTH_START + timedelta(days=3)
RELEASED = SOLD_AT + timedelta(days=14)
OCTOBER_CLOSE = AFTER_GRACE + timedelta(days=31)


@pytest.fixture
def history(stage, clock) -> scene.Scene:
    """Two closed months: sales, late evidence, a late approval, refunds, a rejection, a payout, a bonus."""
    clock.set(OCTOBER_CLOSE)
    stores = stage.stores
    shop = scene.make(stores)
    for partner in scene.PARTNERS:
        stores.catalogue.add_enrollment_once(
            Enrollment(shop.program.id, partner, shop.links[partner].code, MONTH_START)
        )
    payouts.set_accounts(
        stores, "anna", [Account("paypal", None, {"email": "anna@example.com"})], AFTER_GRACE
    )
    sold = shop.sell(stores, SOLD_AT).id
    shop.report(stores, "moved", SOLD_AT, code="ANNA")
    reconcile(stores, SOLD_AT)
    click = shop.click(stores, SOLD_AT - timedelta(hours=1), "ben")
    late = Incoming("sale", "moved", Content(10_000, "EUR"), Method.API, click_id=click.token)
    capture.record(stores, shop.program, late, SOLD_AT + timedelta(days=1))
    pixel = Incoming("sale", "pixel", Content(5_000, "EUR"), Method.PIXEL, coupon="ANNA", occurred_at=SOLD_AT)
    held = capture.record(stores, shop.program, pixel, SOLD_AT)
    rejected = shop.sell(stores, SOLD_AT, code="BEN").id
    reconcile(stores, SOLD_AT + timedelta(days=1))
    adjustments.adjust(stores, held.id, "ok", AdjustmentKind.APPROVE, None, "", SOLD_AT + timedelta(days=2))
    adjustments.adjust(stores, rejected, "no", AdjustmentKind.REJECT, None, "", SOLD_AT + timedelta(days=2))
    reconcile(stores, RELEASED)
    close_program(stores, shop.program.id, AFTER_GRACE)
    payouts.mark_paid(
        stores, shop.program, Request("p-1", SEPTEMBER, None, "key_1", AFTER_GRACE), AFTER_GRACE
    )
    adjustments.adjust(stores, sold, "r", AdjustmentKind.REFUND, 2_500, "", AFTER_GRACE)
    manual.book(stores, shop.program, a_manual(), AFTER_GRACE)
    manual.book(stores, shop.program, a_manual(id="b:2", amount_minor=100, conversion=sold), AFTER_GRACE)
    reconcile(stores, AFTER_GRACE)
    close_program(stores, shop.program.id, OCTOBER_CLOSE)
    return shop


def entries(stage, shop: scene.Scene, month: Month) -> list[Any]:
    return [
        e for s in range(shop.program.shards) for e in stage.stores.journal.entries(shop.program.id, month, s)
    ]


def test_every_closed_month_of_an_eventful_history_is_verified(stage, history, capsys) -> None:
    for month, months in ((SEPTEMBER, 1), (OCTOBER, 2)):
        found = verify(stage.stores, history.program.id, month)
        assert (found.months, found.problems) == (months, ())
        assert found.entries == len(entries(stage, history, month)) > 3
        assert cli.main(["ledger", "verify", history.program.id, str(month)]) == 0
        assert "verified" in capsys.readouterr().out


def test_closed_months_come_out_the_same_when_later_terms_look_at_months(stage, history):
    stores = stage.stores
    sale, cap = CommissionRule("sale", "percent", rate_bp=1000), MonthlyRule(MonthlyKind.CAP, amount_minor=1)
    terms.publish(stores, history.program.id, Attribution(), 14, [sale], OCTOBER_CLOSE, [cap])
    for month in (SEPTEMBER, OCTOBER):
        assert verify(stores, history.program.id, month).problems == ()


def overwritten(name: str) -> Callable[[Any, scene.Scene], None]:
    def act(stage, shop: scene.Scene) -> None:
        key = f"ledgers/{shop.program.id}/2026-09/{name}"
        stage.stores.bucket.write(key, io.BytesIO(stage.stores.bucket.find(key) + b"\n"), "text/plain")

    return act


def removed(name: str) -> Callable[[Any, scene.Scene], None]:
    def act(stage, shop: scene.Scene) -> None:
        stage.stores.bucket.delete(f"ledgers/{shop.program.id}/2026-09/{name}")

    return act


def changed_entry(kind: str, **changes: Any) -> Callable[[Any, scene.Scene], None]:
    """An entry of October or September edited where it stands."""

    def act(stage, shop: scene.Scene) -> None:
        table = Table(stage.settings, "journal")
        for month in (SEPTEMBER, OCTOBER):
            for shard in range(shop.program.shards):
                for item in table.query(f"{shop.program.id}#{month}#{shard}", prefix="entry#"):
                    if item["kind"] == kind:
                        table.put(item | changes)
                        return

    return act


TAMPERINGS = {
    "a file": (overwritten("summary.csv"), "summary.csv is not what the manifest says"),
    "a page": (overwritten("statements/anna.html"), "statements/anna.html is not what the manifest says"),
    "no file": (removed("journal.ledger"), "journal.ledger is not what the manifest says"),
    "a manifest": (overwritten("manifest.json"), "manifest.json comes out with other bytes"),
    "an accrual": (changed_entry("accrual", commission_minor=1001), "its conversion does not have it"),
    "a payout": (changed_entry("payout", commission_minor=1), "no payment of its batch has it"),
    "a bonus": (changed_entry("correction", basis="by nobody"), "nobody asked for it"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_whatever_was_changed_afterwards_is_found(stage, history, capsys, name: str) -> None:
    tamper, message = TAMPERINGS[name]
    tamper(stage, history)
    try:
        statuses = [cli.main(["ledger", "verify", history.program.id, str(m)]) for m in (SEPTEMBER, OCTOBER)]
    finally:
        captured = capsys.readouterr()
    assert 1 in statuses
    assert message in captured.out + captured.err


def test_an_accrual_that_its_facts_do_not_give_is_found(stage, history) -> None:
    entry = next(e for e in entries(stage, history, SEPTEMBER) if e.kind == "accrual")
    table = Table(stage.settings, "conversions")
    head = table.find(entry.conversion, "conversion")
    richer = [dict(e, commission_minor=e["commission_minor"] + 1) for e in head["entries"]]
    table.put(head | {"entries": richer})
    journal = Table(stage.settings, "journal")
    for item in journal.query(f"{history.program.id}#2026-09#{entry.shard}", prefix="entry#"):
        if item["entry"] == entry.id:
            journal.put(item | {"commission_minor": item["commission_minor"] + 1})
    problems = verify(stage.stores, history.program.id, SEPTEMBER).problems
    assert f"{entry.id}: it does not follow from its conversion's facts" in problems


def test_a_broken_chain_is_found_from_either_end(stage, history) -> None:
    key = f"ledgers/{history.program.id}/2026-10/manifest.json"
    manifest = json.loads(stage.stores.bucket.find(key))
    manifest["previous"]["sha256"] = "0" * 64
    stage.stores.bucket.write(key, io.BytesIO(json.dumps(manifest).encode()), "application/json")
    september = verify(stage.stores, history.program.id, SEPTEMBER).problems
    october = verify(stage.stores, history.program.id, OCTOBER).problems
    assert september == ("2026-10: not chained to the month before",)
    assert "2026-10: not chained to the month before" in october
    assert "2026-10: the manifest is not the one that the books name" in october


def test_a_month_that_is_not_closed_cannot_be_verified(stage, history, capsys) -> None:
    assert cli.main(["ledger", "verify", history.program.id, "2026-11"]) == 1
    assert "ledger_unknown" in capsys.readouterr().err


def test_verifying_writes_nothing(stage, history, monkeypatch) -> None:
    for name in ("put", "put_once", "update", "delete"):
        monkeypatch.setattr(Table, name, _refuses)
    for name in ("write", "publish", "delete"):
        monkeypatch.setattr(type(stage.stores.bucket), name, _refuses)
    assert verify(stage.stores, history.program.id, OCTOBER).problems == ()


def _refuses(*_: Any, **__: Any) -> None:
    raise AssertionError("an auditor may only read")


def test_a_diff_shows_what_changed_and_nothing_where_nothing_did(stage, history, capsys) -> None:
    command = ["ledger", "diff", history.program.id, "2026-09"]
    assert cli.main(command) == 0
    assert capsys.readouterr().out == ""
    overwritten("summary.csv")(stage, history)
    assert cli.main(command) == 1
    assert "summary.csv" in capsys.readouterr().out


def test_a_draft_is_compared_with_what_was_booked_since(stage, history, capsys) -> None:
    manual.book(stage.stores, history.program, a_manual(id="b-3"), OCTOBER_CLOSE)
    reconcile(stage.stores, OCTOBER_CLOSE)
    command = ["ledger", "diff", history.program.id, "2026-11"]
    assert cli.main(command) == 0
    manual.book(stage.stores, history.program, a_manual(id="b-4"), OCTOBER_CLOSE)
    assert cli.main(command) == 1
    added = [line for line in capsys.readouterr().out.splitlines() if line.startswith("+") and "b-4" in line]
    assert added


@pytest.mark.parametrize("kind", ["accrual", "reversal", "payout", "correction"])
def test_an_entry_is_explained(stage, history, capsys, kind: str) -> None:
    found = entries(stage, history, SEPTEMBER) + entries(stage, history, OCTOBER)
    entry = next(e for e in found if e.kind == kind)
    assert cli.main(["ledger", "explain", entry.id]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{entry.id} {kind} ")
    assert entry.reason in out
    if kind == "accrual":
        assert f"order {entry.order_id}" in out
        assert "terms version 1" in out
        assert f"credit {entry.partner} 1/1" in out


def test_an_entry_that_is_not_there_is_said_so(stage, history, capsys) -> None:
    command = ["ledger", "explain", "ent_nothing", "--program", history.program.id]
    assert cli.main(command) == 1
    assert "entry_unknown" in capsys.readouterr().err


@pytest.mark.parametrize("minutes", [0, -10])
def test_an_accrual_between_two_things_told_is_explained_though_clocks_differ(stage, clock, minutes) -> None:
    stores = stage.stores
    shop = scene.make(stores)
    sold = shop.report(stores, "order", SOLD_AT, code="NOBODY").id
    for code, at in (("BEN", SOLD_AT), ("ANNA", SOLD_AT + timedelta(minutes=minutes))):
        told = Incoming("sale", "order", Content(10_000, "EUR"), Method.API, coupon=code)
        capture.record(stores, shop.program, told, at)
        reconcile(stores, SOLD_AT)
    close_program(stores, shop.program.id, AFTER_GRACE)
    accrual, *corrections = stores.conversions.find(sold).booked.entries
    assert (accrual.partner, [entry.commission_minor for entry in corrections[:2]]) == ("ben", [-1000, 1000])
    assert verify(stores, shop.program.id, SEPTEMBER).problems == ()


def test_facts_that_grew_are_given_back_as_they_grew(stage, history) -> None:
    moved = next(e for e in entries(stage, history, SEPTEMBER) if e.order_id == "moved")
    grown = stage.stores.conversions.grown(moved.conversion)
    assert [len(facts.touches) for facts in grown] == [0, 1]
    whole = stage.stores.conversions.find(moved.conversion).facts
    assert replace(grown[-1], adjustments=whole.adjustments) == whole
    assert stage.stores.conversions.grown("cnv_none") == []
