"""Carrying out jobs, and starting those that a file in the bucket's inbox asks for, from the jobs' queue."""

import json
import os
from typing import Any
from urllib.parse import unquote_plus

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.domain.job import JobKind
from chalicelib.services import (
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

bp = Blueprint("app")

WORKS: dict[JobKind, jobs.Work] = {
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


@bp.on_sqs_message(queue=os.environ.get("JOBS_QUEUE", "jobs"), name="run_job", batch_size=1)
def run_job(event: Any) -> None:
    """Carry out what the message asks for; where storage is away it comes again."""
    try:
        for record in event.to_dict()["Records"]:
            _handle(json.loads(record["body"]))
    finally:
        observe.flush()


def _handle(message: dict[str, Any]) -> None:
    """One message: a job by its id, a mail, or S3's notice of new objects (and its own test, at first)."""
    stores, now = bootstrap.stores(), bootstrap.now()
    if "mail" in message:
        mails.send(stores, message, now)
    if "job" in message:
        state = jobs.carry_out(stores, message["job"], WORKS, now)
        observe.info("job_carried_out", job=message["job"], state=state)
    for record in message.get("Records", []):
        if str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:"):
            found = record["s3"]["object"]
            version = found.get("sequencer") or found.get("versionId") or record.get("eventTime", "")
            inbox.receive(stores, unquote_plus(found["key"]), version, now)
