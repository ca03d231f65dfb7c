"""Order reconciliation: a file against our conversions, and the one confirmation that rights what differs.

A merchant's order export vouches for what it holds: browsers' reports with the same figures are confirmed
while it is reconciled. Everything else waits for `recover`, which carries out each finding's remedy.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.domain import ids
from chalicelib.domain.errors import Conflict, Invalid, LinkledgerError, NotFound, Unavailable
from chalicelib.domain.job import Job, JobKind, JobState
from chalicelib.domain.order_formats import COLUMNS
from chalicelib.domain.orders import Order, read_orders
from chalicelib.domain.reconciliation import Finding, Kind, Remedy, counts, unreadable
from chalicelib.services import findings, jobs, order_matching, remedies
from chalicelib.services.order_matching import Matching, Wanted
from chalicelib.services.pacing import HasTime, always
from chalicelib.storage.stores import Stores

UPLOAD_LIFE = timedelta(hours=1)

_EVERY = 500
"""Orders of one piece of the work, which is kept: a run whose time is over is followed by one from there."""


def ask(stores: Stores, wanted: Wanted, csv: bytes, now: datetime) -> Job:
    """Start reconciling this file.

    Raises:
        Invalid, TooLarge: the file can't be read at all, or `columns` names what there isn't.
        NotFound: `partner_unknown`.
    """
    _check(stores, wanted)
    read_orders(csv, wanted.reading)
    job_id = jobs.new_id()
    source = f"uploads/{wanted.program.id}/{job_id}.csv"
    stores.bucket.write(source, io.BytesIO(csv), "text/csv")
    return jobs.start(stores, _job(job_id, wanted, source, now))


def ask_for_upload(stores: Stores, wanted: Wanted, now: datetime) -> tuple[Job, str]:
    """A job that begins once its file is uploaded, and the URL that takes it (by PUT, for an hour)."""
    _check(stores, wanted)
    job_id = jobs.new_id()
    source = f"inbox/{wanted.program.id}/upload-{job_id}.csv"
    job = _job(job_id, wanted, source, now)
    stores.jobs.add_once(job)
    return job, stores.bucket.upload_link(source, int(UPLOAD_LIFE.total_seconds()))


def recover(stores: Stores, job: Job, now: datetime) -> Job:
    """Start doing what the findings of a reconciliation ask for; the same job for the same one.

    Raises:
        NotFound: `job_unknown`, it is no reconciliation.
        Conflict: `job_not_done`; `claims_are_not_orders` for a partner's list, which vouches for nothing.
    """
    if job.kind is not JobKind.RECONCILIATION:
        raise NotFound("job_unknown", "there is no such reconciliation", "job")
    if job.request["kind"] != "orders":
        raise Conflict("claims_are_not_orders", "a partner's list is answered, but changes nothing")
    if job.state is not JobState.DONE:
        raise Conflict("job_not_done", "the reconciliation is not done")
    request = {**job.request, "of": job.id}
    recovery = ids.derive("job", "recovery", job.id)
    folder = f"{job.folder}recovery/"
    return jobs.start(stores, Job(recovery, JobKind.RECOVERY, job.program, now, request, folder))


def folder_of(program: str, name: str) -> str:
    """Where the result of that name lies in the bucket."""
    return f"reconciliations/{program}/{name}/"


def carry_out(stores: Stores, job: Job, now: datetime, has_time: HasTime = always) -> dict[str, Any]:
    """Reconcile: the result, its rows in `findings.csv` beside it."""
    matching = order_matching.load(stores, job)
    orders, pieces = matching.file.orders, jobs.Pieces(stores, job, has_time)
    found: list[Finding] = []
    positions: Counter[int] = Counter()
    confirmed = 0
    for start in range(0, len(orders), _EVERY):
        part = orders[start : start + _EVERY]
        piece = pieces.of(f"orders-{start:06d}", partial(_compare, stores, matching, part, now))
        found += map(findings.read, piece["findings"])
        positions.update({int(position): count for position, count in piece["positions"].items()})
        confirmed += piece["confirmed"]
        jobs.progress(stores, job, min(start + _EVERY, len(orders)), len(orders))
    seen = {finding.conversion for finding in found}
    for shard in range(matching.rules.program.shards):
        piece = pieces.of(f"missing-{shard:03d}", partial(_missing, stores, matching, shard, seen))
        found += map(findings.read, piece["findings"])
    found += [unreadable(row) for row in matching.file.bad_rows]
    stores.bucket.write(f"{job.folder}findings.csv", findings.as_csv(stores, found), "text/csv")
    return {
        "kind": job.request["kind"],
        "partner": matching.wanted.partner,
        "format": matching.file.format,
        "counts": counts(found),
        "confirmed": confirmed,
        "remedies": Counter(f.remedy.value for f in found if f.remedy is not Remedy.NONE),
        "named_by": positions.most_common(1)[0][0] if positions else 0,
        "files": ["findings.csv"],
        **findings.grouped(stores, found),
    }


def _compare(stores: Stores, matching: Matching, orders: Sequence[Order], now: datetime) -> dict[str, Any]:
    """What came of some of the orders; browsers' reports that they vouch for are confirmed."""
    found: list[Finding] = []
    positions: Counter[int] = Counter()
    confirmed = 0
    for order in orders:
        matched = order_matching.match(stores, matching, order)
        if matched.ours is not None:
            positions[matched.position] += 1
            if (matched.finding.kind, matched.finding.remedy) == (Kind.MATCHED, Remedy.CONFIRM):
                remedies.confirm(stores, matching.rules.program, order, matched.ours, now)
                confirmed += 1
                matched = order_matching.match(stores, matching, order)
        found.append(matched.finding)
    return {"findings": [findings.record(f) for f in found], "positions": positions, "confirmed": confirmed}


def _missing(stores: Stores, matching: Matching, shard: int, seen: set[str | None]) -> dict[str, Any]:
    found = order_matching.missing_from_file(stores, matching, shard, seen)
    return {"findings": [findings.record(f) for f in found]}


def carry_out_recovery(stores: Stores, job: Job, now: datetime, has_time: HasTime = always) -> dict[str, Any]:
    """Do what each finding asks for, looked at anew; the result says what was done, and what could not be."""
    matching = order_matching.load(stores, job)
    orders, pieces = matching.file.orders, jobs.Pieces(stores, job, has_time)
    name = remedies.Naming(matching.events[0], _named_by(stores, job))
    done: Counter[str] = Counter()
    failed: list[dict[str, Any]] = []
    for start in range(0, len(orders), _EVERY):
        part = orders[start : start + _EVERY]
        piece = pieces.of(f"orders-{start:06d}", partial(_recover, stores, matching, part, name, now))
        done.update(piece["done"])
        failed += piece["failed"]
        jobs.progress(stores, job, min(start + _EVERY, len(orders)), len(orders))
    return {
        "of": job.request["of"],
        "done": done,
        "failures": len(failed),
        "failed": failed[: findings.SHOWN],
    }


def _recover(
    stores: Stores, matching: Matching, orders: Sequence[Order], name: remedies.Naming, now: datetime
) -> dict[str, Any]:
    done: Counter[str] = Counter()
    failed: list[dict[str, Any]] = []
    for order in orders:
        try:
            for remedy in _right(stores, matching, order, name, now):
                done[remedy] += 1
        except Unavailable:
            raise
        except LinkledgerError as refusal:
            row = {"line": order.line, "order_id": order.ids[0]}
            failed.append({**row, "code": refusal.code, "message": refusal.message})
    return {"done": done, "failed": failed}


def _right(
    stores: Stores, matching: Matching, order: Order, name: remedies.Naming, now: datetime
) -> Iterator[Remedy]:
    """Carry out remedy after remedy until nothing is left to right; each that was done."""
    last: tuple[Remedy, int | None] | None = None
    while True:
        matched = order_matching.match(stores, matching, order)
        step = (matched.finding.remedy, matched.finding.refund_minor)
        if matched.finding.remedy is Remedy.NONE or step == last:
            return
        program = matching.rules.program
        remedies.carry_out(stores, program, matched.finding, order, matched.ours, name, now)
        yield matched.finding.remedy
        last = step


def _named_by(stores: Stores, job: Job) -> int:
    """Under which of its names most orders of the file are held."""
    reconciliation = stores.jobs.find(job.request["of"])
    result = stores.bucket.find(f"{reconciliation.folder}result.json") if reconciliation else None
    return int(json.loads(result)["named_by"]) if result else 0


def _check(stores: Stores, wanted: Wanted) -> None:
    if wanted.partner and stores.catalogue.find_partner(wanted.partner) is None:
        raise NotFound("partner_unknown", "there is no such partner", "partner")
    unknown = [name for name in wanted.columns if name not in COLUMNS]
    if unknown:
        raise Invalid("column_unknown", f"columns may name {', '.join(COLUMNS)}", "columns")
    if wanted.columns and not {"order_id", "order_name"} & set(wanted.columns):
        raise Invalid("column_required", "columns must name the order_id", "columns")
    if wanted.columns and wanted.partner is None and "amount" not in wanted.columns:
        raise Invalid("column_required", "columns must name the amount", "columns")


def _job(job_id: str, wanted: Wanted, source: str, now: datetime) -> Job:
    folder = folder_of(wanted.program.id, job_id)
    return Job(job_id, JobKind.RECONCILIATION, wanted.program.id, now, wanted.request(source), folder)
