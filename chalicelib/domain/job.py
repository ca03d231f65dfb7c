"""Jobs: work that outlasts a request, asked for now and looked at later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobKind(StrEnum):
    """What a job does."""

    RECONCILIATION = "reconciliation"
    RECOVERY = "recovery"
    SIMULATION = "simulation"
    ERASURE = "erasure"
    WORTH = "worth"
    CHECKUP = "checkup"
    CLOSE = "close"
    VERIFY = "verify"
    TRIAL = "trial"


class JobState(StrEnum):
    """How far a job is. `waiting` is also one whose file has still to be uploaded."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `request` holds what was asked for, as text; `done` of `total` steps are behind it.

    `folder` is where its result lies in the bucket, `result.json` first; `error` a stable code and a
    sentence where it failed.
    """

    id: str
    kind: JobKind
    program: str
    created_at: datetime
    request: Mapping[str, str]
    folder: str
    state: JobState = JobState.WAITING
    done: int = 0
    total: int = 0
    finished_at: datetime | None = None
    error: tuple[str, str] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.state in {JobState.DONE, JobState.FAILED}
