"""Jobs out of the queue: those asked for, and those that a file in the inbox asks for."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.job import JobState
from chalicelib.jobs import run_job as worker
from chalicelib.services import reconciliations
from chalicelib.services.order_matching import Wanted
from local.engine import Engine
from tests import scene
from tests.conftest import Clock, Stage
from tests.reconciling import work
from tests.scene import Scene

SOLD = datetime(2026, 9, 10, 12, tzinfo=UTC)
LATER = SOLD + timedelta(days=5)
CSV = b"order_id,amount\nA,100.00\n"


@pytest.fixture
def shop(stage: Stage, clock: Clock) -> Scene:
    clock.set(LATER)
    made = scene.make(stage.stores)
    made.report(stage.stores, "A", SOLD)
    return made


def drop(stage: Stage, shop: Scene, name: str, body: bytes = CSV) -> None:
    stage.stores.bucket.write(f"inbox/{shop.program.id}/{name}", io.BytesIO(body), "text/csv")


def came_to(stage: Stage, shop: Scene, name: str) -> dict[str, Any] | None:
    found = stage.stores.bucket.find(f"reconciliations/{shop.program.id}/{name}/result.json")
    return json.loads(found) if found else None


@pytest.mark.parametrize("stem", ["orders-2026-09", "orders-September 2026 (1)+ü"])
def test_an_export_dropped_in_the_inbox_is_reconciled(
    stage: Stage, engine: Engine, shop: Scene, stem: str
) -> None:
    drop(stage, shop, f"{stem}.csv")
    work(engine, stage)
    found = came_to(stage, shop, stem)
    assert found is not None
    assert found["counts"]["matched"] == 1


def test_a_file_that_cannot_be_read_says_so_where_its_result_would_be(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    drop(stage, shop, "orders-1.csv", b"what,ever\n")
    work(engine, stage)
    assert (came_to(stage, shop, "orders-1") or {})["error"]["code"] == "columns_unknown"


def test_the_same_name_with_another_file_is_reconciled_anew(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    drop(stage, shop, "orders-1.csv", b"what,ever\n")
    work(engine, stage)
    drop(stage, shop, "orders-1.csv")
    work(engine, stage)
    assert (came_to(stage, shop, "orders-1") or {})["counts"]["matched"] == 1


def test_other_files_in_the_inbox_are_left_alone(stage: Stage, engine: Engine, shop: Scene) -> None:
    drop(stage, shop, "customers.csv")
    drop(stage, shop, "upload-job_aaaaaaaaaaaaaaaaaaaaaaaaaa.csv")
    stage.stores.bucket.write("inbox/nobodys/orders-1.csv", io.BytesIO(CSV), "text/csv")
    work(engine, stage)
    assert list(stage.stores.bucket.keys("reconciliations/")) == []


def test_a_notice_that_comes_twice_starts_one_job(
    stage: Stage, engine: Engine, shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(stage, shop, "orders-1.csv")
    seen = []
    handle = worker._handle
    monkeypatch.setattr(
        worker, "_handle", lambda message, time: (seen.append(message), handle(message, time))
    )
    work(engine, stage)
    notice = next(message for message in seen if "Records" in message)
    started = sum("job" in message for message in seen)
    handle(notice, lambda: True)
    work(engine, stage)
    assert sum("job" in message for message in seen) == started == 1


def test_a_job_is_carried_out_once_however_often_it_is_told(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    job = reconciliations.ask(stage.stores, Wanted(shop.program), CSV, LATER)
    work(engine, stage)
    name = f"{job.folder}findings.csv"
    stage.stores.bucket.delete(name)
    stage.stores.jobs.send({"job": job.id})
    stage.stores.jobs.send({"job": "job_unknown"})
    work(engine, stage)
    assert stage.stores.bucket.find(name) is None


def test_where_storage_is_away_the_message_comes_again(
    stage: Stage, engine: Engine, shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = reconciliations.ask(stage.stores, Wanted(shop.program), CSV, LATER)

    def away(*_: object, **__: object) -> dict[str, Any]:
        raise Unavailable("storage_unavailable", "away")

    monkeypatch.setitem(worker.WORKS, job.kind, away)
    with pytest.raises(AssertionError):
        work(engine, stage)
    found = stage.stores.jobs.find(job.id)
    assert found is not None
    assert found.state is JobState.RUNNING


def test_a_job_that_fails_says_so_and_may_be_asked_for_again(
    stage: Stage, engine: Engine, shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = reconciliations.ask(stage.stores, Wanted(shop.program), CSV, LATER)
    work(engine, stage)
    done = stage.stores.jobs.find(asked.id)
    assert done is not None

    def broken(*_: object, **__: object) -> dict[str, Any]:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(worker, "WORKS", dict.fromkeys(worker.WORKS, broken))
        recovery = reconciliations.recover(stage.stores, done, LATER)
        work(engine, stage)
    failed = stage.stores.jobs.find(recovery.id)
    assert failed is not None
    assert (failed.state, (failed.error or ("",))[0]) == (JobState.FAILED, "internal")
    reconciliations.recover(stage.stores, done, LATER)
    work(engine, stage)
    again = stage.stores.jobs.find(recovery.id)
    assert again is not None
    assert again.state is JobState.DONE
