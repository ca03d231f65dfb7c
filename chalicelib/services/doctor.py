"""The doctor: starts check-ups of a program's tracking, walks them, and tells what came of them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.domain import checkup, destination, ids
from chalicelib.domain.checkup import Checkup, Fact, Stage, Step, TestOrder
from chalicelib.domain.conversion import AdjustmentKind, Content
from chalicelib.domain.diagnosis import stages
from chalicelib.domain.diagnosis.seen import Fetched, Subject, Told
from chalicelib.domain.errors import LinkledgerError, NotFound, Unavailable
from chalicelib.domain.incoming import Incoming, check_event
from chalicelib.domain.job import Job, JobKind
from chalicelib.domain.program import BROWSER_METHODS, Method, Program
from chalicelib.domain.terms import Terms, in_force
from chalicelib.services import capture, checkups, jobs, walking
from chalicelib.services.walking import BROWSER, Order
from chalicelib.storage.stores import Stores
from chalicelib.storage.web import WebError

AMOUNT_MINOR = 10_000
"""What the test order costs."""

MOST_LISTED = 20
PAGE_BYTES = 512 * 1024
FETCH_S = 8.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A check-up as it stands, with what came with its link, and the orders told in it."""

    checkup: Checkup
    facts: tuple[Fact, ...]
    orders: tuple[TestOrder, ...]


def start(
    stores: Stores,
    program_id: str,
    now: datetime,
    *,
    walks: bool,
    event: str | None = None,
    wanted: str | None = None,
    partner: str | None = None,
) -> Checkup:
    """A new check-up; where it walks, a worker takes it up at once.

    Args:
        walks: by itself; otherwise it watches what is done with its link.
        event: of the test order; that of the first commission by default.
        wanted: the page that the link leads to, inside the program's domains; its default URL by default.
        partner: an id to credit, so that terms that are for a partner are tried.

    Raises:
        NotFound: `program_unknown`, `partner_unknown`.
        Invalid: `url_invalid`, `url_not_allowed`, `event_invalid`.
        Unavailable: `queue_missing`, `queue_unavailable`.
    """
    program = stores.catalogue.program(program_id)
    terms = in_force(stores.catalogue.terms(program.id), now)
    page = destination.check_url(wanted, program.domains, "destination") if wanted else None
    if partner is not None:
        stores.catalogue.partner(partner)
    setup = stages.check_setup(subject_of(stores, program), terms, _event(terms, event))
    found = Checkup(
        id=ids.from_bytes("chk", secrets.token_bytes(8)),
        program=program.id,
        created_at=now,
        walks=walks,
        partner=partner or checkup.TEST_PARTNER,
        destination=page,
        steps=(setup, *(Step(stage) for stage in Stage if stage is not Stage.SETUP)),
    )
    stores.checkups.add_once(found)
    if walks:
        request = {"checkup": found.id, "event": _event(terms, event)}
        folder = f"checkups/{program.id}/{found.id}/"
        jobs.start(stores, Job(jobs.new_id(), JobKind.CHECKUP, program.id, now, request, folder))
    return found


def look(stores: Stores, program_id: str, checkup_id: str, now: datetime) -> Seen:
    """The check-up as it stands.

    Raises:
        NotFound: `checkup_unknown`, also for another program's.
    """
    found = stores.checkups.find(checkup_id, now)
    if found is None or found.program != program_id:
        raise NotFound("checkup_unknown", "there is no such check-up", "checkup")
    facts, orders = stores.checkups.facts(found.id), stores.checkups.orders(found.id)
    if not found.walks:
        found = replace(found, steps=stages.watched(found.steps[0], facts, orders))
    return Seen(found, tuple(facts), tuple(orders))


def latest(
    stores: Stores, program_id: str, limit: int, start: Mapping[str, Any] | None, now: datetime
) -> tuple[list[Checkup], Mapping[str, Any] | None]:
    """The newest check-ups of the program, each as it stands, and the key to go on from."""
    found, next_key = stores.checkups.latest(program_id, limit, dict(start) if start else None, now)
    return [look(stores, program_id, one.id, now).checkup for one in found], next_key


def url_of(stores: Stores, found: Checkup) -> str:
    """The test link."""
    return f"{stores.settings.links_of(found.program)}/{found.code}"


def carry_out(stores: Stores, job: Job, now: datetime) -> dict[str, Any]:
    """Walk the check-up; what it came to."""
    program = stores.catalogue.program(job.program)
    found = look(stores, program.id, job.request["checkup"], now).checkup
    order = Order(job.request["event"], "doctor-1", AMOUNT_MINOR, program.currency, "")
    hands = _Hands(stores, program, now)
    so_far = found.steps

    def tell(steps: tuple[Step, ...]) -> None:
        nonlocal so_far
        so_far = steps
        stores.checkups.note_steps(found, steps)

    try:
        steps = walking.walk(
            url_of(stores, found), subject_of(stores, program), order, found.steps[0], hands, tell
        )
    except Unavailable:
        raise
    except Exception:
        stores.checkups.note_steps(found, stages.broken_off(so_far))
        raise
    return {"checkup": found.id, "verdict": walking.verdict(steps), "failed": _failed(steps)}


def subject_of(stores: Stores, program: Program) -> Subject:
    """What is checked of the program."""
    return Subject(
        stores.settings.links_of(program.id),
        program.id,
        program.domains,
        program.click_param,
        program.methods,
        program.consent,
    )


def _failed(steps: tuple[Step, ...]) -> list[str]:
    return [step.stage for step in checkup.failing(steps)]


def _event(terms: Terms | None, wanted: str | None) -> str:
    if wanted is not None:
        return check_event(wanted)
    return terms.commissions[0].event if terms and terms.commissions else "sale"


class _Hands:
    """Reaches links and shop over HTTP, as visitors do, and the app from inside."""

    def __init__(self, stores: Stores, program: Program, now: datetime) -> None:
        self._stores, self._program, self._now = stores, program, now

    def fetch(self, url: str) -> Fetched:
        try:
            answer = self._stores.web.send("GET", url, BROWSER, within_s=FETCH_S, most_bytes=PAGE_BYTES)
        except WebError as error:
            return Fetched(url, trouble=error.message)
        return Fetched(url, answer.status, answer.headers, answer.body)

    def convert(self, order: Order) -> Told:
        incoming = Incoming(
            event=order.event,
            order_id=order.order_id,
            content=Content(order.amount_minor, order.currency),
            method=self._method(),
            click_id=order.click_id,
        )
        try:
            reply = capture.record(self._stores, self._program, incoming, self._now)
        except LinkledgerError as error:
            return Told(_STATUSES.get(error.code, 422), error=error.code)
        status = 200 if reply.duplicate else 201
        return Told(status, reply.id, reply.outcome, reply.state, reply.duplicate, reply.is_test)

    def refund(self, conversion: str, adjustment_id: str) -> Told:
        refund = AdjustmentKind.REFUND
        try:
            adjusted = checkups.adjust(
                self._stores, conversion, adjustment_id, refund, None, "check-up", self._now
            )
        except LinkledgerError as error:
            return Told(_STATUSES.get(error.code, 422), error=error.code)
        status = 200 if adjusted.duplicate else 201
        return Told(status, conversion, "", adjusted.state, adjusted.duplicate, is_test=True)

    def _method(self) -> Method:
        """The API where the program uses it, else any method that it uses: a trusted one, if there is one."""
        methods = self._program.methods
        trusted = sorted(methods - BROWSER_METHODS)
        if Method.API in methods:
            return Method.API
        return next(iter([*trusted, *sorted(methods)]), Method.API)


_STATUSES: Mapping[str, int] = {"order_conflict": 409, "conversion_unknown": 404}
