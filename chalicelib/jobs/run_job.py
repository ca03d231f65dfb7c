"""Carrying out jobs, and starting those that a file in the bucket's inbox asks for, from the jobs' queue."""

import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.domain.job import JobKind
from chalicelib.jobs.remaining import has_time
from chalicelib.services import (
    browser_orders,
    close,
    doctor,
    erasures,
    fraud_trials,
    inbox,
    jobs,
    ledger_jobs,
    mails,
    reconciliations,
    simulation_jobs,
    worth,
)
from chalicelib.services.pacing import HasTime

bp = Blueprint("app")

WORKS: dict[JobKind, Callable[..., dict[str, Any]]] = {
    JobKind.RECONCILIATION: reconciliations.carry_out,
    JobKind.RECOVERY: reconciliations.carry_out_recovery,
    JobKind.SIMULATION: simulation_jobs.carry_out,
    JobKind.ERASURE: erasures.carry_out,
    JobKind.WORTH: worth.carry_out,
    JobKind.CHECKUP: doctor.carry_out,
    JobKind.CLOSE: ledger_jobs.carry_out_close,
    JobKind.VERIFY: ledger_jobs.carry_out_verify,
    JobKind.TRIAL: fraud_trials.carry_out,
}
"""Who carries out which kind of job."""

IN_PIECES = (JobKind.RECONCILIATION, JobKind.RECOVERY, JobKind.CLOSE)
"""Jobs that are carried out in several runs, where one has no time for all of it."""


@bp.on_sqs_message(queue=os.environ.get("JOBS_QUEUE", "jobs"), name="run_job", batch_size=1)
def run_job(event: Any) -> None:
    """Carry out what the message asks for; where storage is away it comes again."""
    try:
        for record in event.to_dict()["Records"]:
            _handle(json.loads(record["body"]), has_time(event))
    finally:
        observe.flush()


def _handle(message: dict[str, Any], is_time_left: HasTime) -> None:
    """One message: a job by its id, a mail, a late order, a part of a close, or S3's notice of objects."""
    stores, now = bootstrap.stores(), bootstrap.now()
    if "mail" in message:
        mails.send(stores, message, now)
    if "late_order" in message:
        browser_orders.record_late(stores, message)
    if "close" in message:
        close.take_up(stores, message, now, is_time_left)
    if "job" in message:
        paced = {kind: partial(WORKS[kind], has_time=is_time_left) for kind in IN_PIECES}
        state = jobs.carry_out(stores, message["job"], WORKS | paced, now)
        observe.info("job_carried_out", job=message["job"], state=state)
    for record in message.get("Records", []):
        if str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:"):
            found = record["s3"]["object"]
            version = found.get("sequencer") or found.get("versionId") or record.get("eventTime", "")
            inbox.receive(stores, unquote_plus(found["key"]), version, now)
