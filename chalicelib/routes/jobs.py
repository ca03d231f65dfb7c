"""Jobs over the API: how far one is, and what it came to."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import format_instant
from chalicelib.routes.endpoint import Call, View, endpoint
from chalicelib.services import jobs

bp = Blueprint(__name__)


class ProgressView(View, frozen=True, kw_only=True):
    """Steps behind, of how many; both 0 until they are known."""

    done: int
    total: int


class FailureView(View, frozen=True, kw_only=True):
    """Why a job failed."""

    code: str
    message: str


class ResultFileView(View, frozen=True, kw_only=True):
    """A file of the result, and a link that reads it without a key for a quarter of an hour."""

    name: str
    url: str


class JobView(View, frozen=True, kw_only=True):
    """A job; `state` is `waiting`, `running`, `done` or `failed`; `result` what it came to, once done."""

    id: str
    job: str
    kind: str
    program: str
    state: str
    progress: ProgressView
    created_at: str
    finished_at: str | None
    result: dict[str, Any] | None
    files: list[ResultFileView]
    error: FailureView | None


@bp.route("/v1/jobs/{job}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=JobView, scopes={Scope.ADMIN, Scope.MERCHANT})
def get_job(call: Call[None]) -> JobView:
    """How far a job is; once it is done, its result."""
    looked = jobs.look(call.stores, call.caller, call.path["job"])
    job = looked.job
    return JobView(
        id=job.id,
        job=job.id,
        kind=job.kind,
        program=job.program,
        state=job.state,
        progress=ProgressView(done=job.done, total=job.total),
        created_at=format_instant(job.created_at),
        finished_at=format_instant(job.finished_at) if job.finished_at else None,
        result=looked.result,
        files=[ResultFileView(name=name, url=url) for name, url in looked.links.items()],
        error=FailureView(code=job.error[0], message=job.error[1]) if job.error else None,
    )
