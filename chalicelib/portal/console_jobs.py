"""`/console/{program}/jobs/{job}`: how far long work is, and what it came to."""

from chalice import Blueprint

from chalicelib.domain.errors import NotFound
from chalicelib.domain.job import JobKind
from chalicelib.domain.session import Area
from chalicelib.portal.console import JOB_TITLES, program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.services import jobs, reconciliations

bp = Blueprint(__name__)


@bp.route("/console/{program}/jobs/{job}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_job(visit: Visit) -> Shown | See:
    """The job as it stands; the page asks again by itself until it is over."""
    program = program_of(visit)
    looked = jobs.look(visit.stores, visit.caller, visit.path["job"])
    if looked.job.kind is JobKind.CHECKUP and looked.job.program == program.id:
        return see(program, f"setup/{looked.job.request['checkup']}")
    if looked.job.program != program.id or looked.job.kind not in JOB_TITLES:
        raise NotFound("job_unknown", "there is no such job")
    return shown(
        f"job-{looked.job.kind}",
        program,
        job=looked.job,
        title=JOB_TITLES[looked.job.kind],
        result=looked.result,
        files=looked.links,
    )


@bp.route("/console/{program}/jobs/{job}", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def confirm(visit: Visit) -> See:
    """Do what a reconciliation found: record what was missing, take back what was taken back."""
    program = program_of(visit)
    looked = jobs.look(visit.stores, visit.caller, visit.path["job"])
    if looked.job.program != program.id or looked.job.kind is not JobKind.RECONCILIATION:
        raise NotFound("job_unknown", "there is no such reconciliation")
    recovery = reconciliations.recover(visit.stores, looked.job, visit.now)
    return see(program, f"jobs/{recovery.id}")
