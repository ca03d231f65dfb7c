"""Cases of missing sales: a partner names an order, and the reconciliation of its list answers.

The answer never tells of an order in which the partner has no part, not even that there is one.
"""

import csv
import io
import itertools
import json
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain import claim
from chalicelib.domain.claim import Claim
from chalicelib.domain.errors import Invalid
from chalicelib.domain.job import JobState
from chalicelib.domain.link import check_text
from chalicelib.domain.money import check_currency, parse_major
from chalicelib.domain.program import Program
from chalicelib.services import conversions, reconciliations, throttling
from chalicelib.services.order_matching import Wanted
from chalicelib.storage.stores import Stores

MOST_IN_AN_HOUR = 30
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Told:
    """What the partner knows of the sale; all but the order's id may be empty."""

    order_id: str
    amount: str = ""
    currency: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A case and what came of it so far; `conversion` is the sale, where the partner has a part in it."""

    claim: Claim
    state: JobState
    text: str
    conversion: str | None


def tell(stores: Stores, program: Program, partner: str, told: Told, now: datetime) -> Claim:
    """Open a case.

    Raises:
        Invalid: `order_id_invalid`, `amount_invalid`, `currency_unknown`, `note_invalid`.
        RateLimited: `too_many_attempts`, by this partner.
        Unavailable: the queue or the bucket is away.
    """
    if not told.order_id or len(told.order_id) > 128 or not told.order_id.isprintable():
        raise Invalid("order_id_invalid", "an order id is 1 to 128 printable characters", "order_id")
    currency = check_currency(told.currency or program.currency)
    if told.amount:
        parse_major(told.amount, currency)
    check_text(told.note, "note", "note_invalid")
    throttling.note(stores, "claim", partner, told.order_id, MOST_IN_AN_HOUR, now)
    job = reconciliations.ask(stores, Wanted(program, partner), _list(told, currency), now)
    opened = Claim(job.id, program.id, partner, told.order_id, told.note, now)
    stores.claims.put(opened)
    return opened


def of_partner(stores: Stores, program: Program, partner: str) -> list[Answered]:
    """The partner's newest cases with their answers, newest first."""
    found = stores.claims.of_partner(program.id, partner)
    return [answered(stores, one) for one in itertools.islice(found, SHOWN)]


def answered(stores: Stores, opened: Claim) -> Answered:
    """The case with what came of it."""
    job = stores.jobs.find(opened.job)
    if job is None or job.state is not JobState.DONE:
        state = job.state if job else JobState.FAILED
        text = "" if state is not JobState.FAILED else "This could not be looked up; please enter it again."
        return Answered(opened, state, text, None)
    result = json.loads(stores.bucket.find(f"{job.folder}result.json") or b"{}")
    rows = [*result.get("matched", []), *result.get("different", []), *result.get("missing", [])]
    row = next((one for one in rows if one["line"] is not None), None)
    conversion = row["conversion"] if row else None
    if row is None or conversion is None or not _is_part_of(stores, conversion, opened.partner):
        return Answered(opened, job.state, claim.UNKNOWN, None)
    return Answered(opened, job.state, claim.answer(row["reason"]), conversion)


def _is_part_of(stores: Stores, conversion: str, partner: str) -> bool:
    found = stores.conversions.find(conversion)
    return found is not None and partner in conversions.involved(stores, found)


def _list(told: Told, currency: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["order_id", "amount", "currency"] if told.amount else ["order_id"])
    writer.writerow([told.order_id, told.amount, currency] if told.amount else [told.order_id])
    return text.getvalue().encode()
