"""Closing and verifying by hand, as jobs: what the schedule and the auditor's command do, asked for now."""

from datetime import datetime
from typing import Any

from chalicelib.domain.job import Job, JobKind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services import jobs, verifying
from chalicelib.services.close import close_program
from chalicelib.services.month_files import CloseStopped
from chalicelib.services.pacing import HasTime, OutOfTime, always
from chalicelib.storage.stores import Stores

SHOWN = 200
"""Problems of a verification that its result names; all of them are counted."""


def ask_close(stores: Stores, program: Program, now: datetime) -> Job:
    """Start closing every month that is over."""
    return jobs.begin(stores, JobKind.CLOSE, program.id, {}, "jobs", now)


def ask_verify(stores: Stores, program: Program, month: Month, now: datetime) -> Job:
    """Start recomputing a closed month from its facts, and checking the chain back to the first one."""
    return jobs.begin(stores, JobKind.VERIFY, program.id, {"month": str(month)}, "jobs", now)


def carry_out_close(stores: Stores, job: Job, now: datetime, has_time: HasTime = always) -> dict[str, Any]:
    """The months that were closed, none where none is over; `closing` is one that workers still write.

    Raises:
        CloseStopped: what stops it.
        OutOfTime: there is more to settle than time allows; another run goes on.
    """
    try:
        closed = close_program(stores, job.program, now, has_time)
    except CloseStopped as stop:
        if stop.code == "out_of_time":
            raise OutOfTime from stop
        raise
    closing = stores.journal.books(stores.catalogue.program(job.program)).closing
    return {
        "closed": [{"month": str(one.month), "sha256": one.sha256} for one in closed],
        "closing": str(closing) if closing else None,
    }


def carry_out_verify(stores: Stores, job: Job, _now: datetime) -> dict[str, Any]:
    """How much was looked at, and what is wrong.

    Raises:
        NotFound: `ledger_unknown`, the month isn't closed.
    """
    found = verifying.verify(stores, job.program, Month.parse(job.request["month"]))
    return {
        "month": job.request["month"],
        "months": found.months,
        "entries": found.entries,
        "problems": list(found.problems[:SHOWN]),
        "found": len(found.problems),
    }
