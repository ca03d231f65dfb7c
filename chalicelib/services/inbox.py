"""Files that appear in the bucket's inbox: dropped exports, and uploads that a job waits for."""

import re
from datetime import datetime

from chalicelib import observe
from chalicelib.domain import ids
from chalicelib.domain.job import Job, JobKind
from chalicelib.services import jobs
from chalicelib.services.order_matching import Wanted
from chalicelib.services.reconciliations import folder_of
from chalicelib.storage.stores import Stores

_DROPPED = re.compile(r"inbox/(?P<program>[a-z0-9_-]{1,48})/(?P<stem>orders-[^/\x00-\x1f\x7f]{0,200})\.csv")
_UPLOADED = re.compile(r"inbox/[a-z0-9_-]{1,48}/upload-(?P<job>job_[a-z2-7]{26})\.csv", re.ASCII)


def receive(stores: Stores, key: str, version: str, now: datetime) -> Job | None:
    """Start what the object asks for; None where it is no file that we wait for.

    `version` tells one writing of the same key from the next: the same notice twice starts one job.

    Raises:
        Unavailable: storage or the queue is away; the notice should come again.
    """
    uploaded = _UPLOADED.fullmatch(key)
    if uploaded:
        job = stores.jobs.find(uploaded["job"])
        if job is not None and job.request.get("source") == key and not job.is_over:
            stores.jobs.send({"job": job.id})
            return job
    dropped = _DROPPED.fullmatch(key)
    program = stores.catalogue.find_program(dropped["program"]) if dropped else None
    if dropped is None or program is None:
        observe.warn("inbox_ignored", key=key)
        return None
    job_id = ids.derive("job", "inbox", key, version)
    folder = folder_of(program.id, dropped["stem"])
    request = Wanted(program).request(key)
    return jobs.start(stores, Job(job_id, JobKind.RECONCILIATION, program.id, now, request, folder))
