"""Jobs in the catalogue table, and the queue that hands them to a worker."""

from collections.abc import Mapping

from chalicelib.domain.job import Job, JobKind, JobState
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import ABSENT, PRESENT, equals
from chalicelib.storage.queues import Queue
from chalicelib.storage.table import ConditionFailed, Table, transact


class Jobs:
    """Every job of the stage."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._queue = Queue(settings.jobs_queue)

    def add_once(self, job: Job) -> bool:
        """Keep a new job, and that its program has it; False where there is one with its id."""
        listed = {"pk": _list_key(job.program), "sk": f"{job.kind}#{format_instant(job.created_at)}#{job.id}"}
        new = self._table.put_action({**_key(job.id), **compact(_record(job))}, ABSENT)
        try:
            transact([new, self._table.put_action(listed)])
        except ConditionFailed:
            return False
        return True

    def page(
        self, program: str, kind: JobKind, limit: int, start: Item | None
    ) -> tuple[list[Job], Item | None]:
        """Some jobs of that kind of a program, newest first, and the key to go on from."""
        page = self._table.page(
            "pk",
            "sk",
            _list_key(program),
            prefix=f"{kind}#",
            newest_first=True,
            consistent=True,
            limit=limit,
            start=start,
        )
        found = (self.find(item["sk"].rsplit("#", 1)[1]) for item in page.items)
        return [job for job in found if job], page.next_key

    def find(self, job_id: str) -> Job | None:
        """The job, or None."""
        if len(job_id) > 128:
            return None
        item = self._table.find(f"job#{job_id}", "job")
        return _read(item) if item else None

    def advance(self, job: Job) -> bool:
        """Store how far the job is, unless it is over already; whether that was stored."""
        try:
            self._table.update(f"job#{job.id}", "job", _progress(job), equals("open", True))
        except ConditionFailed:
            return False
        return True

    def restart(self, job: Job) -> None:
        """Put a job back to its beginning, as it is when a worker takes it up."""
        self._table.update(f"job#{job.id}", "job", _record(job), PRESENT)

    @property
    def has_workers(self) -> bool:
        """Whether the stage has a queue that hands jobs to workers."""
        return self._queue.is_there

    def send(self, message: Mapping[str, str]) -> None:
        """Hand a message to the worker.

        Raises:
            Unavailable: the queue is away, or there is none.
        """
        self._queue.send(message)


def _key(job_id: str) -> dict[str, str]:
    return {"pk": f"job#{job_id}", "sk": "job"}


def _list_key(program: str) -> str:
    return f"jobs#{program}"


def _record(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "kind": job.kind,
        "program": job.program,
        "created_at": format_instant(job.created_at),
        "request": dict(job.request),
        "folder": job.folder,
        **_progress(job),
    }


def _progress(job: Job) -> dict[str, object]:
    """How far the job is; None for what isn't there."""
    return {
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "open": None if job.is_over else True,
        "finished_at": format_instant(job.finished_at) if job.finished_at else None,
        "error": list(job.error) if job.error else None,
    }


def _read(item: Item) -> Job:
    finished = item.get("finished_at")
    return Job(
        id=item["id"],
        kind=JobKind(item["kind"]),
        program=item["program"],
        created_at=parse_instant(item["created_at"], "created_at"),
        request=item.get("request", {}),
        folder=item["folder"],
        state=JobState(item["state"]),
        done=item.get("done", 0),
        total=item.get("total", 0),
        finished_at=parse_instant(finished, "finished_at") if finished else None,
        error=tuple(item["error"]) if "error" in item else None,
    )
