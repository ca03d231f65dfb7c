"""Jobs as requests start them and look at them; `jobs/run_job.py` says what carries out which kind."""

import io
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib import observe
from chalicelib.domain import ids
from chalicelib.domain.audit import Actor
from chalicelib.domain.credentials import Caller
from chalicelib.domain.errors import LinkledgerError, NotFound, Unavailable
from chalicelib.domain.job import Job, JobKind, JobState
from chalicelib.services.pacing import HasTime, OutOfTime, always
from chalicelib.storage.stores import Stores
from chalicelib.storage.trail import acting

LINK_LIFE = timedelta(minutes=15)

Work = Callable[[Stores, Job, datetime], dict[str, Any]]
"""Carries out a job and gives its result, which is JSON; it may be called again after a crash.

It may raise `OutOfTime`, and is then called again in another run.
"""


class Pieces:
    """What a job has worked out so far, kept piece by piece: another run goes on from there."""

    def __init__(self, stores: Stores, job: Job, has_time: HasTime = always) -> None:
        self._bucket = stores.bucket
        self._folder = f"{job.folder}work/{job.id}/"
        self._has_time = has_time

    def of(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The piece of that name, which is JSON: as it was kept, else made now and kept.

        Raises:
            OutOfTime: there is no time to make it.
        """
        kept = self._bucket.find(f"{self._folder}{name}.json")
        if kept is None:
            if not self._has_time():
                raise OutOfTime
            kept = json.dumps(make(), separators=(",", ":")).encode()
            self._bucket.write(f"{self._folder}{name}.json", io.BytesIO(kept), "application/json")
        piece: dict[str, Any] = json.loads(kept)
        return piece

    def drop(self) -> None:
        """Forget them all: the job is over."""
        for key in list(self._bucket.keys(self._folder)):
            self._bucket.delete(key)


@dataclass(frozen=True, slots=True)
class Looked:
    """A job, its result where it is done, and short-lived links to the result's files."""

    job: Job
    result: dict[str, Any] | None
    links: Mapping[str, str]


def new_id() -> str:
    """An id that nobody has."""
    return ids.from_bytes("job", secrets.token_bytes(16))


def begin(
    stores: Stores, kind: JobKind, program: str, request: Mapping[str, str], under: str, now: datetime
) -> Job:
    """Start work that is new each time it is asked for; its result lies in a folder of its own.

    `under` is the bucket's folder for such jobs, by program.

    Raises:
        Unavailable: the queue is away; the same call may be repeated.
    """
    job_id = new_id()
    return start(stores, Job(job_id, kind, program, now, request, f"{under}/{program}/{job_id}/"))


def start(stores: Stores, job: Job) -> Job:
    """Keep the job and hand it to a worker; the one that is there where its id is taken.

    One that failed begins anew; one that waits may never have been handed over, and is now.

    Raises:
        Unavailable: the queue is away; the same call may be repeated.
    """
    if not stores.jobs.add_once(job):
        known = stores.jobs.find(job.id) or job
        if known.state in {JobState.RUNNING, JobState.DONE}:
            return known
        if known.state is JobState.FAILED:
            stores.jobs.restart(job)
    stores.jobs.send({"job": job.id})
    return job


def look(stores: Stores, caller: Caller, job_id: str) -> Looked:
    """The job as it stands.

    Raises:
        NotFound: `job_unknown`, also for somebody else's.
    """
    job = stores.jobs.find(job_id)
    if job is None or not caller.may_touch_program(job.program):
        raise NotFound("job_unknown", "there is no such job", "job")
    if job.state is not JobState.DONE:
        return Looked(job, None, {})
    body = stores.bucket.find(f"{job.folder}result.json")
    if body is None:
        raise Unavailable("result_missing", "the job's result can't be read")
    result: dict[str, Any] = json.loads(body)
    expires_s = int(LINK_LIFE.total_seconds())
    names = ["result.json", *result.get("files", [])]
    return Looked(job, result, {name: stores.bucket.link(job.folder + name, expires_s) for name in names})


def carry_out(stores: Stores, job_id: str, works: Mapping[JobKind, Work], now: datetime) -> JobState | None:
    """Carry out a job, once for all times that its message comes; its state after, None where there is none.

    Where its time is over it stays `running`, and is handed to another run.

    Raises:
        Unavailable: storage is away; the message should come again.
    """
    job = stores.jobs.find(job_id)
    if job is None:
        return None
    if job.is_over:
        Pieces(stores, job).drop()  # the run that ended it may have died before it came to that
        return job.state
    job = replace(job, state=JobState.RUNNING)
    stores.jobs.advance(job)
    try:
        with acting(Actor(f"job {job.id}", now)):
            result = works[job.kind](stores, job, now)
        write_result(stores, job, result)
        job = replace(job, state=JobState.DONE, finished_at=now)
    except OutOfTime:
        observe.count("job_goes_on")
        stores.jobs.send({"job": job.id})
        return job.state
    except Unavailable:
        raise
    except LinkledgerError as failure:
        job = _failed(stores, job, failure.code, failure.message, now)
    except Exception:
        observe.error("job_failed", job=job.id, kind=job.kind)
        job = _failed(stores, job, "internal", "the job failed for a reason of our own", now)
    latest = stores.jobs.find(job_id) or job
    stores.jobs.advance(replace(job, done=latest.done, total=latest.total))
    Pieces(stores, job).drop()
    observe.count(f"job_{job.state}")
    return job.state


def write_result(stores: Stores, job: Job, result: Mapping[str, Any]) -> None:
    """Put the result where the job is looked for; last of all its files."""
    body = json.dumps(result, separators=(",", ":"), sort_keys=True).encode()
    stores.bucket.write(f"{job.folder}result.json", io.BytesIO(body), "application/json")


def _failed(stores: Stores, job: Job, code: str, message: str, now: datetime) -> Job:
    """The job as failed; the folder says so too, for those who only see the bucket."""
    write_result(stores, job, {"error": {"code": code, "message": message}})
    return replace(job, state=JobState.FAILED, error=(code, message), finished_at=now)


def progress(stores: Stores, job: Job, done: int, total: int) -> None:
    """Tell how far the job is."""
    stores.jobs.advance(replace(job, state=JobState.RUNNING, done=done, total=total))
