"""Recording conversions, however they arrive: one order, one record, whatever is repeated.

The steps: check what was told; gather the evidence; write once; where the order is known already, compare
and add what is new. No answer before the write is durable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain import ids, token
from chalicelib.domain.conversion import Outcome, Report, State
from chalicelib.domain.decision import Decision
from chalicelib.domain.errors import Conflict, Invalid, Unavailable
from chalicelib.domain.facts import Facts
from chalicelib.domain.incoming import (
    Incoming,
    check_event,
    check_items,
    check_order_id,
    check_text,
    check_time,
)
from chalicelib.domain.money import check_amount, check_currency
from chalicelib.domain.partner import fold_coupon
from chalicelib.domain.program import BROWSER_METHODS, Program
from chalicelib.domain.settlement import Booked, state_of
from chalicelib.domain.terms import Terms
from chalicelib.domain.tracking_review import Mark
from chalicelib.services import evidence, own_addresses, tracking_review
from chalicelib.services.additions import fitting, key_of, news, told_otherwise
from chalicelib.services.evidence import Clue
from chalicelib.services.rates import decide_under
from chalicelib.storage.conversion_records import Conversion, Evidence, Standing
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

MAX_AGE = timedelta(days=400)
"""How long ago a conversion may have occurred when it is reported."""

_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a report: the same id and outcome for every repetition of it.

    `is_test`: it was told with a check-up's token, and is apart from everything that counts.
    """

    id: str
    outcome: Outcome
    state: State
    duplicate: bool
    is_test: bool = False


def record(stores: Stores, program: Program, incoming: Incoming, now: datetime) -> Reply:
    """Record the report, or recognise the order and add what is new.

    Raises:
        Invalid: `method_not_allowed`, `event_invalid`, `order_id_invalid`, `amount_invalid`,
            `currency_unknown`, `items_invalid`, `coupon_invalid`, `customer_id_invalid`,
            `customer_email_invalid`, `time_in_future`, `time_too_old`.
        Conflict: `order_conflict`, the order is known with other figures; nothing changed.
        Unavailable: nothing is certain; the same report may be sent again.
    """
    report = _report(stores, program, incoming, now)
    if is_test(stores, incoming):
        from chalicelib.services import checkups  # Only tests pay for it.

        if tested := checkups.record(stores, program, incoming, report, now):
            return tested
    conversion = ids.conversion_id(program.id, report.event, report.order_id)
    _check_age(stores, conversion, report, now)
    there = own_addresses.partners_there(stores, incoming.address, report.occurred_at, now)
    clue = replace(_clue(program, report, incoming.visitor), partners_there=there)
    found = evidence.gather(stores, program, conversion, clue, report.occurred_at, now)
    versions = stores.catalogue.terms(program.id)
    report = replace(report, terms_known=_newest(versions))
    facts = Facts(
        conversion,
        report,
        now,
        None,
        found.touches,
        found.coupons,
        customers=found.customers,
        signals=found.signals,
    )
    decision = decide_under(stores, program, versions, facts)
    state = state_of(facts, decision, Booked())
    shard = ids.shard_of(conversion, program.shards)
    partners = partners_of(decision)
    if stores.conversions.create(report, found, shard, decision.outcome, state, partners):
        return Reply(conversion, decision.outcome, state, duplicate=False)
    return _repeat(stores, program, report, clue, incoming.occurred_at, now)


def is_test(stores: Stores, incoming: Incoming) -> bool:
    """Whether the report comes with a token or cookie that was made for a check-up."""
    if incoming.click_id and token.read(incoming.click_id, stores.secrets.token_keys, is_test=True):
        return True
    return incoming.test_visitor is not None and not incoming.click_id


def partners_of(decision: Decision) -> tuple[str, ...]:
    """The partners whom the decision credits."""
    return tuple(credit.partner for credit in decision.credits)


def _repeat(
    stores: Stores,
    program: Program,
    report: Report,
    clue: Clue,
    occurred_at: datetime | None,
    now: datetime,
) -> Reply:
    """Answer a report of an order that is known: compare, confirm, add evidence."""
    conversion = ids.conversion_id(program.id, report.event, report.order_id)
    for _ in range(_ATTEMPTS):
        known = stores.conversions.find(conversion)
        if known is None:
            raise Unavailable("storage_unavailable", "storage does not answer; try again")
        at = occurred_at or known.facts.report.occurred_at
        confirms = _confirms(known.facts, report)
        if not confirms and _says_otherwise(known.facts, report):
            tracking_review.note_repeat(stores, program, report.method, Mark.CONFLICTING, now)
            raise Conflict("order_conflict", "this order is recorded with another amount, currency or items")
        clues = [clue]
        if confirms and at != known.facts.report.occurred_at:
            # What the browser told leads to other clicks when the order is older or younger than it said.
            clues.append(_clue(program, known.facts.report, None))
        found = [evidence.gather(stores, program, conversion, each, at, now) for each in clues]
        told = evidence.together([*found, Evidence(signals=told_otherwise(known.facts, report))])
        new = news(known.facts, told)
        if not confirms:
            new = fitting(known, new)
        if new.is_empty and not confirms:
            tracking_review.note_repeat(stores, program, report.method, Mark.REPEATED, now)
            return Reply(conversion, known.outcome, known.state, duplicate=True)
        versions = stores.catalogue.terms(program.id)
        confirmation = known.facts.confirmation
        if confirms:
            confirmation = replace(report, occurred_at=at, terms_known=_newest(versions))
        standing = _standing(stores, program, versions, known, confirmation, new, now)
        try:
            if confirms and confirmation:
                stores.conversions.confirm(known, confirmation, new, now, standing)
            else:
                stores.conversions.add_evidence(known, key_of(new), new, now, standing)
                tracking_review.note_repeat(stores, program, report.method, Mark.ADDED, now)
        except ConditionFailed:
            continue
        return Reply(conversion, standing.outcome, standing.state, duplicate=True)
    raise Unavailable("storage_busy", "the order is being changed by others; try again")


def _newest(versions: Sequence[Terms]) -> int:
    return versions[-1].version if versions else 0


def _standing(
    stores: Stores,
    program: Program,
    versions: Sequence[Terms],
    known: Conversion,
    confirmation: Report | None,
    new: Evidence,
    now: datetime,
) -> Standing:
    """Where the conversion stands once this is added. It is kept with it: a repetition answers the same."""
    facts = replace(
        known.facts,
        learned_at=now,
        confirmation=confirmation,
        touches=(*known.facts.touches, *new.touches),
        coupons=(*known.facts.coupons, *new.coupons),
        customers=(*known.facts.customers, *new.customers),
        signals=(*known.facts.signals, *new.signals),
    )
    decision = decide_under(stores, program, versions, facts)
    return Standing(decision.outcome, state_of(facts, decision, known.booked), partners_of(decision))


def _confirms(facts: Facts, report: Report) -> bool:
    """Whether this is the first authenticated report of an order that a browser told."""
    return facts.report.from_browser and not report.from_browser and facts.confirmation is None


def _says_otherwise(facts: Facts, report: Report) -> bool:
    """Whether it has other figures; a browser's never speak against authenticated ones."""
    if report.from_browser and not facts.effective.from_browser:
        return False
    return facts.effective.content != report.content


def clues_of(program: Program, facts: Facts) -> list[Clue]:
    """What was told of a conversion beside its figures, each piece as trustworthy as when it was told."""
    reports = [facts.report, *([facts.confirmation] if facts.confirmation else [])]
    clues = [_clue(program, report, None) for report in reports]
    looked_up = {(fold_coupon(clue.coupon), clue.trusted) for clue in clues if clue.coupon}
    codes = dict.fromkeys((coupon.code, coupon.trusted) for coupon in facts.coupons)
    clues += [Clue(None, code, None, None, told) for code, told in codes if (code, told) not in looked_up]
    return clues


def _clue(program: Program, report: Report, visitor: str | None) -> Clue:
    trusted = program.trust_browser or not report.from_browser
    return Clue(report.click_id, report.coupon, report.customer, visitor, trusted, report.email)


def _report(stores: Stores, program: Program, incoming: Incoming, now: datetime) -> Report:
    if incoming.method not in program.methods:
        raise Invalid("method_not_allowed", f"this program does not use {incoming.method}")
    check_event(incoming.event)
    check_currency(incoming.content.currency)
    check_amount(incoming.content.amount_minor)
    check_order_id(incoming.order_id)
    content = replace(incoming.content, items=check_items(incoming.content.items))
    coupon = check_text(incoming.coupon.strip() if incoming.coupon else None, "coupon", 64)
    customer_id = check_text(incoming.customer_id, "customer_id", 256)
    email = check_text(incoming.customer_email, "customer_email", 254)
    click = evidence.read_click_id(stores, incoming.click_id)
    return Report(
        program=program.id,
        event=incoming.event,
        order_id=incoming.order_id,
        content=content,
        method=incoming.method,
        occurred_at=check_time(incoming.occurred_at or now, now),
        received_at=now,
        confirmed=program.trust_browser or incoming.method not in BROWSER_METHODS,
        click_id=incoming.click_id if click else None,
        coupon=coupon,
        customer=_customer(stores, program, customer_id),
        email=evidence.email_hash(stores, program.id, email) if email else None,
    )


def _customer(stores: Stores, program: Program, customer_id: str | None) -> str | None:
    """The customer as a digest; nobody where the customer was erased, however late the order is told."""
    if customer_id is None:
        return None
    customer = evidence.customer_hash(stores, program.id, customer_id)
    return None if stores.erasures.has_begun(program.id, customer) else customer


def _check_age(stores: Stores, conversion: str, report: Report, now: datetime) -> None:
    """Refuse what happened too long ago, unless the order is known: a repetition is safe for ever."""
    if report.occurred_at < now - MAX_AGE and stores.conversions.find(conversion) is None:
        raise Invalid("time_too_old", "occurred_at lies more than 400 days back", "occurred_at")
