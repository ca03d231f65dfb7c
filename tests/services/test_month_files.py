"""A month that is too much for one run: written shard by shard, by whoever, to the same bytes."""

import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import app
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.journal import Books
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.payout.batch import Account
from chalicelib.domain.period import Month
from chalicelib.domain.terms import Basis, MonthlyKind, MonthlyRule, MonthlyTier
from chalicelib.services import kept_pieces, ledger_jobs, month_files, payouts, pieces
from chalicelib.services.close import close_program, take_up
from chalicelib.services.month_files import CloseStopped
from chalicelib.services.pacing import always, at_most
from chalicelib.services.reconcile import reconcile
from chalicelib.storage import aws
from chalicelib.storage.stores import Stores
from local.engine import Engine
from local.functions import Context
from tests import scene
from tests.conftest import Clock, Stage
from tests.faults.books import audit
from tests.reconciling import result, work
from tests.scene import AFTER_GRACE, MONTH_START, Scene

SEPTEMBER = Month(2026, 9)
SOLD_AT = MONTH_START + timedelta(days=3)
OCTOBER_CLOSE = AFTER_GRACE + timedelta(days=31)


@pytest.fixture(autouse=True)
def nothing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run writes no month by itself."""
    monkeypatch.setattr(month_files, "AT_ONCE", 0)


def a_busy_shop(stores: Stores) -> Scene:
    """Sales of both partners in three shards, released and payable, and a milestone of the month."""
    shop = scene.make(stores, shards=3, id="busy")
    (terms,) = stores.catalogue.terms(shop.program.id)
    rule = MonthlyRule(MonthlyKind.MILESTONE, Basis.COUNT, (MonthlyTier(1, None, 500),))
    stores.catalogue.add_terms_once(replace(terms, version=2, monthly=(rule,)))
    stores.catalogue.add_enrollment_once(Enrollment(shop.program.id, "anna", "code", MONTH_START))
    payouts.set_accounts(stores, "anna", [Account("paypal", None, {"email": "a@example.com"})], AFTER_GRACE)
    for number in range(9, 15):  # two orders in each shard
        shop.report(stores, f"o-{number}", SOLD_AT, code=("ANNA", "BEN")[number % 2])
    reconcile(stores, SOLD_AT + timedelta(days=14))
    return shop


def by_shard(shop: Scene, shard: int) -> dict[str, str]:
    return {"close": shop.program.id, "month": str(SEPTEMBER), "shard": str(shard)}


def books(stage: Stage, shop: Scene) -> Books:
    return stage.stores.journal.books(shop.program)


def left(stage: Stage, shop: Scene) -> list[str]:
    return list(stage.stores.bucket.keys(f"closing/{shop.program.id}/"))


def test_workers_write_two_months_that_come_out_the_same_in_one_go(
    stage: Stage, engine: Engine, clock: Clock
) -> None:
    shop = a_busy_shop(stage.stores)
    shop.sell(stage.stores, SOLD_AT + timedelta(days=30))
    clock.set(OCTOBER_CLOSE)
    assert close_program(stage.stores, shop.program.id, OCTOBER_CLOSE) == []
    assert books(stage, shop).closing == SEPTEMBER
    assert work(engine, stage) > 2 * shop.program.shards
    audited = audit(stage.stores, shop.program)
    assert audited.problems == []
    assert list(audited.published) == [SEPTEMBER, SEPTEMBER.next()]
    assert left(stage, shop) == []
    paid = stage.stores.bucket.find(f"ledgers/{shop.program.id}/2026-09/payouts-paypal.csv") or b""
    assert paid.decode().startswith("a@example.com,30.00,EUR,")


def test_a_job_says_that_a_month_is_being_written(stage: Stage, engine: Engine, clock: Clock) -> None:
    shop = a_busy_shop(stage.stores)
    clock.set(AFTER_GRACE)
    job = ledger_jobs.ask_close(stage.stores, shop.program, AFTER_GRACE)
    work(engine, stage)
    assert result(stage, job) == {"closed": [], "closing": "2026-09"}
    assert books(stage, shop).closed_through == SEPTEMBER


@pytest.mark.parametrize(("order", "whole"), [((0, 1, 2), 1), ((2, 0, 0, 1, 2), 2)])
def test_shards_come_in_any_order_and_any_number_of_times(
    stage: Stage, clock: Clock, order: tuple[int, ...], whole: int
) -> None:
    shop = a_busy_shop(stage.stores)
    locked: dict[str, datetime | None] = {}
    aws.client("s3").meta.events.register(
        "before-parameter-build.s3.PutObject",
        lambda params, **_: locked.update({params["Key"]: params.get("ObjectLockRetainUntilDate")}),
    )
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    handed_on: list[dict[str, str]] = []
    aws.client("sqs").meta.events.register(
        "before-parameter-build.sqs.SendMessage",
        lambda params, **_: handed_on.append(json.loads(params["MessageBody"])),
    )
    for shard in order:
        take_up(stage.stores, by_shard(shop, shard), AFTER_GRACE, always)
    assert handed_on == [{"close": shop.program.id}] * whole
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert books(stage, shop).closed_through == SEPTEMBER
    assert audit(stage.stores, shop.program).problems == []
    take_up(stage.stores, by_shard(shop, 0), AFTER_GRACE, always)
    assert left(stage, shop) == []
    published = {until for key, until in locked.items() if key.startswith("ledgers/")}
    assert published == {SEPTEMBER.end("UTC") + timedelta(days=3653)}


def test_no_piece_is_written_of_a_month_that_nobody_closes(stage: Stage, clock: Clock) -> None:
    shop = a_busy_shop(stage.stores)
    take_up(stage.stores, by_shard(shop, 0), AFTER_GRACE, always)
    assert left(stage, shop) == []
    late = shop.sell(stage.stores, SOLD_AT).id
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    take_up(stage.stores, by_shard(shop, 0) | {"month": "2026-08"}, AFTER_GRACE, always)
    assert left(stage, shop) == []
    for shard in range(3):
        take_up(stage.stores, by_shard(shop, shard), AFTER_GRACE, always)
    assert_other_bytes_stop_the_close(stage, shop)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert late in {row["conversion_id"] for row in audit(stage.stores, shop.program).published[SEPTEMBER]}


def assert_other_bytes_stop_the_close(stage: Stage, shop: Scene) -> None:
    """Where a shard's part is no longer what its piece says, until it is that again."""
    key = f"ledgers/{shop.program.id}/2026-09/{pieces.part_name(0)}"
    published = stage.stores.bucket.find(key) or b""
    stage.stores.bucket.write(key, io.BytesIO(published + b"more"), "text/csv")
    with pytest.raises(CloseStopped, match="ledger_differs"):
        close_program(stage.stores, shop.program.id, AFTER_GRACE)
    stage.stores.bucket.write(key, io.BytesIO(published), "text/csv")


def test_without_workers_a_run_keeps_what_it_has_written_and_the_next_one_goes_on(
    stage: Stage, clock: Clock
) -> None:
    shop = a_busy_shop(stage.stores)
    alone = Stores(replace(stage.settings, jobs_queue=None))
    for looks in (2, 1):  # the first one is that of the run that finds the month too much for itself
        with pytest.raises(CloseStopped, match="out_of_time"):
            close_program(alone, shop.program.id, AFTER_GRACE, at_most(looks))
    assert kept_pieces.shards(stage.stores, shop.program, SEPTEMBER) == [0, 1]
    (closed,) = close_program(alone, shop.program.id, AFTER_GRACE, at_most(1))
    assert closed.month == SEPTEMBER
    assert audit(stage.stores, shop.program).problems == []


def test_a_piece_that_was_damaged_is_written_anew(stage: Stage, clock: Clock) -> None:
    shop = a_busy_shop(stage.stores)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    for shard in range(3):
        take_up(stage.stores, by_shard(shop, shard), AFTER_GRACE, always)
    spoiled = next(key for key in left(stage, shop) if key.endswith("/statements"))
    body = stage.stores.bucket.find(spoiled) or b""
    stage.stores.bucket.write(spoiled, io.BytesIO(body.replace(b"sale", b"gift")), "text/csv")
    with pytest.raises(Unavailable, match="piece_damaged"):
        close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert list(stage.stores.bucket.keys(f"ledgers/{shop.program.id}/2026-09/statements")) == []
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    for shard in range(3):
        take_up(stage.stores, by_shard(shop, shard), AFTER_GRACE, always)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert audit(stage.stores, shop.program).problems == []


def test_other_bytes_under_a_shards_key_stop_the_close_and_finance_is_told(
    stage: Stage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("chalicelib.services.notices.stopped", lambda *what: told.append(what[1:]))
    shop = a_busy_shop(stage.stores)
    key = f"ledgers/{shop.program.id}/2026-09/{pieces.part_name(0)}"
    stage.stores.bucket.write(key, io.BytesIO(b"something else"), "text/csv")
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    take_up(stage.stores, by_shard(shop, 0), AFTER_GRACE, always)
    take_up(stage.stores, by_shard(shop, 1), AFTER_GRACE, at_most(0))
    assert [what[2] for what in told] == ["ledger_differs", "out_of_time"]
    assert kept_pieces.shards(stage.stores, shop.program, SEPTEMBER) == []


def test_pieces_of_another_version_of_the_code_are_not_used(
    stage: Stage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = a_busy_shop(stage.stores)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    with monkeypatch.context() as patch:
        patch.setattr(kept_pieces, "ENGINE", "another/1")
        for shard in range(3):
            take_up(stage.stores, by_shard(shop, shard), AFTER_GRACE, always)
    assert kept_pieces.find(stage.stores, shop.program, SEPTEMBER) == {}


def test_a_rival_that_was_first_clears_away_what_this_one_reads(
    stage: Stage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = a_busy_shop(stage.stores)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    for shard in range(3):
        take_up(stage.stores, by_shard(shop, shard), AFTER_GRACE, always)
    find, rivals = kept_pieces.find, []

    def find_and_be_outrun(*arguments: Any) -> Any:
        found = find(*arguments)
        if not rivals:
            rivals.append(0)
            rivals[:] = close_program(stage.stores, shop.program.id, AFTER_GRACE)
        return found

    monkeypatch.setattr(kept_pieces, "find", find_and_be_outrun)
    assert close_program(stage.stores, shop.program.id, AFTER_GRACE) == []
    assert len(rivals) == 1
    assert audit(stage.stores, shop.program).problems == []


def test_a_function_with_no_time_left_writes_nothing(stage: Stage, clock: Clock) -> None:
    clock.set(AFTER_GRACE)
    shop = a_busy_shop(stage.stores)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    event = {"Records": [{"body": json.dumps(by_shard(shop, 0))}]}
    app.handler_map["run_job"](event, Context("run_job", timeout_s=1))
    assert kept_pieces.shards(stage.stores, shop.program, SEPTEMBER) == []
    app.handler_map["run_job"](event, Context("run_job", timeout_s=900))
    assert kept_pieces.shards(stage.stores, shop.program, SEPTEMBER) == [0]
