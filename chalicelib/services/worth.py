"""Reports of what partners and channels are worth, as jobs: asked for now, run by a worker."""

from datetime import datetime
from typing import Any

from chalicelib.domain.conversion import State
from chalicelib.domain.errors import Invalid
from chalicelib.domain.job import Job, JobKind
from chalicelib.domain.period import Month
from chalicelib.domain.worth.comparison import MICROS, Comparison, Row
from chalicelib.services import jobs
from chalicelib.services.conversions import occurred_in
from chalicelib.storage.stores import Stores

MAX_MONTHS = 12
"""Months that one report looks at."""

EVERY = 100
"""Conversions between two notes of how far it is."""

_NO_SALES = frozenset({State.REJECTED, State.REVERSED})


def ask(stores: Stores, program_id: str, first: Month, last: Month, now: datetime) -> Job:
    """Start a report over the sales of these months, both included.

    Raises:
        NotFound: `program_unknown`.
        Invalid: `terms_missing`, `month_invalid`.
    """
    program = stores.catalogue.program(program_id)
    if not _is_span(first, last):
        raise Invalid("month_invalid", f"give 1 to {MAX_MONTHS} months, the earlier one first", "to")
    if not stores.catalogue.terms(program.id):
        raise Invalid("terms_missing", "the program has no terms, whose window is looked at", "program")
    request = {"from": str(first), "to": str(last)}
    return jobs.begin(stores, JobKind.WORTH, program.id, request, "reports", now)


def carry_out(stores: Stores, job: Job, _now: datetime) -> dict[str, Any]:
    """The report. Rejected sales and those taken back as a whole are left out."""
    program = stores.catalogue.program(job.program)
    first, last = Month.parse(job.request["from"]), Month.parse(job.request["to"])
    terms = stores.catalogue.terms(program.id)[-1]
    comparison = Comparison(terms)
    looked_at = 0
    for looked_at, found in enumerate(occurred_in(stores, program, first, last), start=1):
        if found.state not in _NO_SALES:
            comparison.add(found.facts.effective, found.facts.touches, found.facts.coupons)
        if looked_at % EVERY == 0:
            jobs.progress(stores, job, looked_at, 0)
    jobs.progress(stores, job, looked_at, looked_at)
    return {
        "program": program.id,
        "from": str(first),
        "to": str(last),
        "terms_version": terms.version,
        "conversions": comparison.sales,
        "without_path": comparison.without_path,
        "revenue": comparison.revenue(),
        "partners": [_row(row) for row in comparison.partners()],
        "channels": [_row(row) for row in comparison.channels()],
        "lengths": {str(length): times for length, times in comparison.lengths().items()},
        "lags_days": {str(days): times for days, times in comparison.lags().items()},
    }


def _is_span(first: Month, last: Month) -> bool:
    month = first
    for _ in range(MAX_MONTHS):
        if month == last:
            return True
        month = month.next()
    return False


def _row(row: Row) -> dict[str, Any]:
    """As JSON: conversions by model as decimal numbers of up to six digits after the point."""
    return {
        "name": row.name,
        "kind": "partner" if row.is_partner else "channel",
        "first": row.part.first,
        "last": row.part.last,
        "assisted": row.part.assisted,
        "alone": row.part.alone,
        "conversions": {model: micros / MICROS for model, micros in row.conversions.items()},
        "revenue": row.revenue,
    }
