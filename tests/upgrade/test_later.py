"""What a later version wrote is read, changed, closed and verified by today's, and nothing of it is dropped.

That is what a rollback meets, and both versions while a release goes out. Every item that a version left
behind gets attributes here that today's code has never heard of, and so do the records inside it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.conversion import AdjustmentKind, State
from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.outbound import EventType
from chalicelib.domain.payout.batch import Account, Settings
from chalicelib.services import adjustments, links, payouts, programs, verifying, webhooks
from chalicelib.services.close import close_program
from chalicelib.services.counting import count_clicks
from chalicelib.services.links import Wanted
from chalicelib.services.reconcile import reconcile
from chalicelib.storage import aws
from chalicelib.storage.payouts import Request
from tests import scene
from tests.conftest import Stage
from tests.upgrade.test_versions import NOVEMBER, OCTOBER, VERSIONS, conversions, restore

LATER = {"M": {"kept": {"S": "yes"}, "number": {"N": "7"}}}
IN_RECORDS = ("report", "adjustment", "attribution")
WRITTEN_WHOLE = {("catalogue", "stage", "reconciled")}
"""Items that hold one value and nothing to come back to."""

NOV_20 = datetime(2026, 11, 20, tzinfo=UTC)
ADMIN = Caller(frozenset({Scope.ADMIN}))


def everything(stage: Stage) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every item of every table."""
    for table in VERSIONS["pages-and-payouts"]["tables"]:
        for page in (
            aws.client("dynamodb").get_paginator("scan").paginate(TableName=stage.settings.table(table))
        ):
            yield from ((table, item) for item in page["Items"])


def key(table: str, item: dict[str, Any]) -> tuple[str, str, str]:
    return table, item["pk"]["S"], item["sk"]["S"]


@pytest.fixture
def rolled_back(stage: Stage) -> Stage:
    """Today's code over a later version's items: a closed month, a webhook, how payouts are made."""
    restore(stage, VERSIONS["pages-and-payouts"])
    stores, october = stage.stores, datetime(2026, 10, 31, tzinfo=UTC)
    events = {EventType("conversion.recorded")}
    webhooks.create(stores, ADMIN, "acme", "https://shop.example.com/hook", events, None, october)
    stores.payouts.put_settings("acme", Settings({"EUR": 100}))
    stores.payouts.put_accounts("anna", [Account("paypal", None, {"email": "anna@example.com"})])
    stores.hook_secrets.add("acme", "shopify", "first")
    count_clicks(stores, "shard-1", [], october)
    for table, item in everything(stage):
        inside = {name: {"M": {**item[name]["M"], "later": LATER}} for name in IN_RECORDS if name in item}
        aws.client("dynamodb").put_item(
            TableName=stage.settings.table(table), Item={**item, **inside, "later": LATER}
        )
    return stage


def dropped(stage: Stage, marked: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Of the items that were marked those that are gone, or have lost what today's code does not know."""
    left = {key(table, item): item.get("later") for table, item in everything(stage)}
    return {one for one in marked if left.get(one) != LATER}


def test_it_is_read_changed_closed_and_kept_whole(rolled_back: Stage) -> None:
    stores = rolled_back.stores
    marked = {key(table, item) for table, item in everything(rolled_back)}
    _change_what_people_change(rolled_back)
    _trade(rolled_back)
    assert verifying.verify(stores, "acme", OCTOBER).problems == ()
    assert verifying.verify(stores, "acme", NOVEMBER).problems == ()
    assert dropped(rolled_back, marked) - WRITTEN_WHOLE == set()


def test_a_writer_that_drops_it_would_be_noticed(rolled_back: Stage) -> None:
    marked = {key(table, item) for table, item in everything(rolled_back)}
    name = rolled_back.settings.table("catalogue")
    whole = {"pk": {"S": "partners"}, "sk": {"S": "anna"}, "name": {"S": "Anna"}}
    aws.client("dynamodb").put_item(TableName=name, Item=whole)
    assert dropped(rolled_back, marked) == {("catalogue", "partners", "anna")}


def test_the_first_version_lacks_what_later_ones_write() -> None:
    """What `test_versions.py` reads, closes and verifies is thus a test of attributes that are missing."""
    first, later = (_attributes(VERSIONS[name]) for name in ("first", "pages-and-payouts"))
    lacking = {kind for kind in first.keys() & later.keys() if later[kind] - first[kind]}
    assert {("conversions", "conversion"), ("conversions", "adjustment"), ("catalogue", "terms")} <= lacking


def _change_what_people_change(stage: Stage) -> None:
    stores = stage.stores
    programs.change(stores, "acme", {"name": "Acme again", "late_days": 5})
    anna = stores.catalogue.partner("anna")
    stores.catalogue.replace_partner(anna, replace(anna, email="new@example.com"))
    program = stores.catalogue.program("acme")
    [link, *_], _ = stores.links.of_program("acme", 1)
    links.change(stores, program, link, Wanted(campaign="spring"), NOV_20)
    [hook] = stores.webhooks.of("acme")
    webhooks.rotate(stores, webhooks.change(stores, hook, "https://shop.example.com/2", None, None), NOV_20)
    payouts.set_settings(stores, program, Settings({"EUR": 200}))
    payouts.set_accounts(stores, "anna", [Account("paypal", None, {"email": "other@example.com"})], NOV_20)
    stores.hook_secrets.add("acme", "shopify", "second")


def _trade(stage: Stage) -> None:
    stores = stage.stores
    sold = conversions(stage)["A-1003"]
    adjustments.adjust(stores, sold, "late", AdjustmentKind.REFUND, 1000, "came back", NOV_20)
    made = scene.Scene(stores.catalogue.program("acme"), {})
    new = made.sell(stores, NOV_20, 5000, "BEN10")
    reconcile(stores, datetime(2026, 12, 1, tzinfo=UTC))
    [closed] = close_program(stores, "acme", datetime(2026, 12, 2, tzinfo=UTC))
    assert closed.month == NOVEMBER
    paid_at = datetime(2026, 12, 3, tzinfo=UTC)
    payouts.mark_paid(stores, made.program, Request("nov", NOVEMBER, None, "test", paid_at), paid_at)
    found = stores.conversions.find(new.id)
    assert found is not None
    assert found.state is not State.HELD


def _attributes(kept: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Every attribute that items of a kind have, also inside records, by table and beginning of the key."""
    found: dict[tuple[str, str], set[str]] = {}
    for table, items in kept["tables"].items():
        for item in items:
            inner = {f"{name}.{one}" for name, value in item.items() if "M" in value for one in value["M"]}
            kind = (table, item["sk"]["S"].split("#")[0])
            found.setdefault(kind, set()).update(item.keys() | inner)
    return found
