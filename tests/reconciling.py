"""What tests of reconciliation share: the worker of jobs, and what a job came to."""

import json
from typing import Any

from app import app
from chalicelib.domain.job import Job, JobState
from local.engine import Engine
from local.functions import Functions, QueueSource
from local.workers import QueueWorker
from tests.conftest import Stage


def work(engine: Engine, stage: Stage) -> int:
    """Carry out all that waits in the queue, as Lambda would; how many messages that were."""
    source = QueueSource("run_job", stage.environment["JOBS_QUEUE"], 1)
    worker = QueueWorker(engine, source, Functions(app).invoke)
    done = 0
    while worker.step():
        done += 1
    assert not worker.failing
    return done


def result(stage: Stage, job: Job) -> dict[str, Any]:
    """What a job that is done came to."""
    found = stage.stores.jobs.find(job.id)
    assert found is not None
    assert found.state is JobState.DONE, found.error
    read: dict[str, Any] = json.loads(stage.stores.bucket.find(f"{job.folder}result.json") or b"")
    return read


def reasons(came_to: dict[str, Any], group: str) -> list[tuple[str, str, str]]:
    """Order, finding and reason of each row of a group."""
    return [(row["order_id"], row["finding"], row["reason"]) for row in came_to[group]]
