"""A simulation is asked for, run by a worker, and looked at."""

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Refused
from chalicelib.domain.job import JobKind, JobState
from chalicelib.domain.period import Month
from chalicelib.services import jobs, simulation_jobs
from tests import scene
from tests.scene import AFTER_GRACE, MONTH_START

SEPTEMBER = Month(2026, 9)


def test_a_job_comes_to_the_difference(stage, monkeypatch) -> None:
    stores = stage.stores
    monkeypatch.setattr(stores.jobs, "send", lambda _message: None)
    shop = scene.make(stores)
    shop.sell(stores, MONTH_START)
    (published,) = stores.catalogue.terms(shop.program.id)
    job = simulation_jobs.ask(stores, published, SEPTEMBER, AFTER_GRACE)
    works = {JobKind.SIMULATION: simulation_jobs.carry_out}
    assert jobs.carry_out(stores, job.id, works, AFTER_GRACE) is JobState.DONE
    kept = stores.jobs.find(job.id)
    assert (kept.done, kept.total) == (1, 1)
    (row,) = simulation_jobs.carry_out(stores, job, AFTER_GRACE)["partners"]
    assert (row["published"], row["simulated"], row["difference"]) == (0, 1_000, 1_000)


def test_a_draft_that_could_not_be_published_starts_no_job(stage) -> None:
    shop = scene.make(stage.stores)
    (published,) = stage.stores.catalogue.terms(shop.program.id)
    with pytest.raises(Refused):
        simulation_jobs.ask(stage.stores, replace(published, hold_days=-1), SEPTEMBER, AFTER_GRACE)
