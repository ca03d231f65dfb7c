"""Settling one conversion against the engine."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import ids
from chalicelib.domain.conversion import AdjustmentKind, Outcome, State, Touch
from chalicelib.domain.path import MAX_PARTNERS
from chalicelib.domain.terms import Attribution
from chalicelib.services import adjustments
from chalicelib.services.settle import Result, rules_of, settle_conversion
from chalicelib.storage.conversion_records import Evidence
from tests import scene
from tests.domain.builders import a_report, days
from tests.scene import MONTH_START

SOLD_AT = MONTH_START + timedelta(days=3)


def test_more_than_one_transaction_carries_is_booked_in_one_run(stage) -> None:
    shop = scene.make(stage.stores, hold_days=0)
    (terms,) = stage.stores.catalogue.terms(shop.program.id)
    linear = replace(terms, version=2, attribution=Attribution("linear"), starts_at=SOLD_AT - days(2))
    stage.stores.catalogue.add_terms_once(linear)
    report = a_report(
        1_000_000, program=shop.program.id, event="sale", occurred_at=SOLD_AT, received_at=SOLD_AT
    )
    touches = tuple(
        Touch(f"click-{n}", SOLD_AT - timedelta(hours=n), f"partner-{n}", None, "partner", "click_id")
        for n in range(MAX_PARTNERS)
    )
    sold = ids.conversion_id(report.program, report.event, report.order_id)
    shard = ids.shard_of(sold, shop.program.shards)
    stage.stores.conversions.create(report, Evidence(touches), shard, Outcome.RECORDED, State.PENDING, ())
    for number in range(6):
        at = SOLD_AT + days(number + 1)
        adjustments.adjust(stage.stores, sold, f"r{number}", AdjustmentKind.REFUND, 25_000, "returned", at)
    later = SOLD_AT + days(20)
    rules = rules_of(stage.stores, shop.program.id)
    assert settle_conversion(stage.stores, rules, sold, later) is Result.BOOKED
    assert settle_conversion(stage.stores, rules, sold, later) is Result.UNCHANGED
    found = stage.stores.conversions.find(sold)
    assert found.state is State.APPROVED
    assert len(found.booked.entries) == MAX_PARTNERS * (1 + 1 + 6)
    earned = [found.booked.earned(f"partner-{n}", "EUR") for n in range(MAX_PARTNERS)]
    assert sum(sale for sale, _ in earned) == 850_000
    assert sum(commission for _, commission in earned) == 85_000
    kept = stage.stores.journal.entries(shop.program.id, found.booked.entries[0].month, shard)
    assert {entry.id for entry in kept} == {entry.id for entry in found.booked.entries}
