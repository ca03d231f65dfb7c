"""Simulations as jobs: asked for now, run by a worker, looked at later."""

from datetime import datetime
from typing import Any

from chalicelib.domain.errors import TooLarge
from chalicelib.domain.job import Job, JobKind
from chalicelib.domain.period import Month
from chalicelib.domain.terms import Terms
from chalicelib.services import jobs, simulations
from chalicelib.storage.stores import Stores

MAX_DRAFT_BYTES = 200_000
"""How large a draft may be as text: it is kept with the job, whose item takes 400 KB."""


def ask(stores: Stores, draft: Terms, month: Month, now: datetime) -> Job:
    """Start simulating the draft over a month of its program.

    Raises:
        NotFound: `program_unknown`.
        Refused: with everything that is wrong with the draft.
        TooLarge: `terms_too_large`.
    """
    program = stores.catalogue.program(draft.program)
    text = simulations.draft_text(draft)
    if len(text) > MAX_DRAFT_BYTES:
        raise TooLarge("terms_too_large", f"terms to simulate may have {MAX_DRAFT_BYTES} bytes", "terms")
    request = {"month": str(month), "terms": text}
    return jobs.begin(stores, JobKind.SIMULATION, program.id, request, "simulations", now)


def carry_out(stores: Stores, job: Job, now: datetime) -> dict[str, Any]:
    """Run the simulation: the difference by partner and in total."""
    program = stores.catalogue.program(job.program)
    month = Month.parse(job.request["month"])
    draft = simulations.read_draft(job.request["terms"])
    difference = simulations.run(
        stores, program, month, draft, now, lambda done: jobs.progress(stores, job, done, 0)
    )
    jobs.progress(stores, job, difference.conversions, difference.conversions)
    return simulations.as_result(program, month, difference)
