"""Recording conversions, however they arrive: one order, one record, whatever is repeated.

The steps: check what was told; gather the evidence; write once; where the order is known already, compare
and add what is new. No answer before the write is durable.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain import ids, token
from chalicelib.domain.conversion import Content, Item, Outcome, Report, Signal, State
from chalicelib.domain.decision import Decision, Facts
from chalicelib.domain.errors import Conflict, Invalid, Unavailable
from chalicelib.domain.fraud import pixel_mismatch
from chalicelib.domain.money import check_amount, check_currency
from chalicelib.domain.partner import fold_coupon
from chalicelib.domain.program import BROWSER_METHODS, Method, Program
from chalicelib.domain.settlement import Booked, state_of
from chalicelib.domain.terms import Terms
from chalicelib.services import evidence
from chalicelib.services.evidence import Clue
from chalicelib.services.rates import decide_under
from chalicelib.storage.conversions import Conversion, Evidence, Standing
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

MAX_SKEW = timedelta(minutes=10)
"""How far a caller's clock may be ahead of ours."""

MAX_AGE = timedelta(days=400)
"""How long ago a conversion may have occurred when it is reported."""

MAX_ITEMS = 200
"""Lines of an order. With their longest texts they take half of what DynamoDB lets a record hold."""

MAX_CUSTOMERS = 10
"""Customers of one order; who tells more of them is not believed."""

MAX_TOLD_LATER, MAX_VOUCHED_LATER = 20, 100
"""How often evidence is added to an order after its first report: what a browser tells, and what somebody
vouches for (as many as a customer has devices).

Anybody can tell of an order again with another click, and each time is kept for ever: without a bound
settling the order would read megabytes. The two are counted apart, so that no browser can fill the place of
evidence that counts for more. Past the bound a report is answered as a repetition. No honest browser comes
near it: it would have to tell one order with the clicks of more than twenty journeys.
"""

MAX_ITEM_TEXT = 128
MAX_QUANTITY = 1_000_000

_EVENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.:-]{0,62}[A-Za-z0-9])?", re.ASCII)
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Incoming:
    """A report as its route parsed it.

    `customer_id` is the merchant's own id, `visitor` a journey; of `customer_email` only an HMAC is kept.
    `test_visitor` is one that the cookie of a check-up names.
    """

    event: str
    order_id: str
    content: Content
    method: Method
    click_id: str | None = None
    coupon: str | None = None
    customer_id: str | None = None
    visitor: str | None = None
    occurred_at: datetime | None = None
    test_visitor: str | None = None
    customer_email: str | None = None


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
    clue = _clue(program, report, incoming.visitor)
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
        if not confirms:
            _check_same(known.facts, report)
        clues = [clue]
        if confirms and at != known.facts.report.occurred_at:
            # What the browser told leads to other clicks when the order is older or younger than it said.
            clues.append(_clue(program, known.facts.report, None))
        found = [evidence.gather(stores, program, conversion, each, at, now) for each in clues]
        told = evidence.together([*found, Evidence(signals=_told_otherwise(known.facts, report))])
        new = _news(known.facts, told)
        if not confirms:
            new = _fitting(known, new)
        if new.is_empty and not confirms:
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
                stores.conversions.add_evidence(known, _key(new), new, now, standing)
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


def _check_same(facts: Facts, report: Report) -> None:
    """Refuse other figures; a browser's never speak against authenticated ones."""
    if report.from_browser and not facts.effective.from_browser:
        return
    if facts.effective.content != report.content:
        raise Conflict("order_conflict", "this order is recorded with another amount, currency or items")


def _told_otherwise(facts: Facts, report: Report) -> tuple[Signal, ...]:
    """That a browser told other figures than those that stand, where the shop had told the order before."""
    content = report.content
    stands = facts.effective.content
    if not report.from_browser or facts.effective.from_browser:
        return ()
    if (content.amount_minor, content.currency) == (stands.amount_minor, stands.currency):
        return ()
    known = any(signal.name == pixel_mismatch.SIGNAL for signal in facts.signals)
    if known or facts.report.from_browser:
        return ()
    return (Signal(pixel_mismatch.SIGNAL, None, f"{content.amount_minor} {content.currency}"),)


def _news(facts: Facts, found: Evidence) -> Evidence:
    """What of the evidence is not known yet, or is now told by somebody more trustworthy."""
    touches = {(touch.click_id, touch.evidence, touch.trusted) for touch in facts.touches}
    return Evidence(
        tuple(t for t in found.touches if (t.click_id, t.evidence, t.trusted) not in touches),
        tuple(coupon for coupon in found.coupons if coupon not in facts.coupons),
        tuple(c for c in found.customers if c not in facts.customers)
        if len(facts.customers) < MAX_CUSTOMERS
        else (),
        tuple(signal for signal in found.signals if signal not in facts.signals),
    )


def _fitting(known: Conversion, new: Evidence) -> Evidence:
    """What of it is kept; nothing of a kind that was told too often already.

    What was seen of a partner who may earn is kept always: else whoever fills an order could keep out what
    would stop its money.
    """
    kept = {
        trusted
        for trusted, told, most in zip(
            (False, True), known.told_later, (MAX_TOLD_LATER, MAX_VOUCHED_LATER), strict=True
        )
        if told < most
    }
    touches = tuple(touch for touch in new.touches if touch.trusted in kept)
    coupons = tuple(coupon for coupon in new.coupons if coupon.trusted in kept)
    facts = known.facts
    partners = {touch.partner for touch in (*facts.touches, *touches)}
    partners |= {*known.partners, *(coupon.partner for coupon in (*facts.coupons, *coupons))}
    return Evidence(
        touches,
        coupons,
        new.customers if True in kept else (),
        tuple(s for s in new.signals if s.partner is None or s.partner in partners),
    )


def add_news(stores: Stores, known: Conversion, found: Evidence, now: datetime) -> bool:
    """Keep what of the evidence is new; whether there was anything.

    Raises:
        ConditionFailed: the conversion changed meanwhile.
    """
    new = _fitting(known, _news(known.facts, found))
    if new.is_empty:
        return False
    stores.conversions.add_evidence(known, _key(new), new, now)
    return True


def clues_of(program: Program, facts: Facts) -> list[Clue]:
    """What was told of a conversion beside its figures, each piece as trustworthy as when it was told."""
    reports = [facts.report, *([facts.confirmation] if facts.confirmation else [])]
    clues = [_clue(program, report, None) for report in reports]
    looked_up = {(fold_coupon(clue.coupon), clue.trusted) for clue in clues if clue.coupon}
    codes = dict.fromkeys((coupon.code, coupon.trusted) for coupon in facts.coupons)
    clues += [Clue(None, code, None, None, told) for code, told in codes if (code, told) not in looked_up]
    return clues


def _key(found: Evidence) -> str:
    digest = hashlib.sha256()
    for touch in found.touches:
        digest.update(f"{touch.click_id}|{touch.evidence}|{touch.trusted}\n".encode())
    for coupon in found.coupons:
        bounds = f"{coupon.starts_at}|{coupon.ends_at}|{coupon.max_uses}"
        digest.update(f"{coupon.code}|{coupon.partner}|{coupon.trusted}|{bounds}\n".encode())
    for customer in found.customers:
        digest.update(f"customer {customer}\n".encode())
    for signal in found.signals:
        digest.update(f"{signal.name}|{signal.partner}|{signal.detail}\n".encode())
    return digest.hexdigest()[:24]


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
    content = replace(incoming.content, items=_check_items(incoming.content.items))
    coupon = _text(incoming.coupon.strip() if incoming.coupon else None, "coupon", 64)
    customer_id = _text(incoming.customer_id, "customer_id", 256)
    email = _text(incoming.customer_email, "customer_email", 254)
    click = evidence.read_click_id(stores, incoming.click_id)
    return Report(
        program=program.id,
        event=incoming.event,
        order_id=incoming.order_id,
        content=content,
        method=incoming.method,
        occurred_at=_check_time(incoming.occurred_at or now, now),
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


def _check_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """The lines as they are kept: a retry that says nothing of a category, or says so, is the same."""
    if len(items) > MAX_ITEMS:
        raise Invalid("items_invalid", f"an order may have {MAX_ITEMS} items", "items")
    return tuple(_check_item(item, f"items[{position}]") for position, item in enumerate(items))


def _check_item(item: Item, field: str) -> Item:
    for name, value in (("sku", item.sku), ("category", item.category)):
        told = _text(value, f"{field}.{name}", MAX_ITEM_TEXT, "items_invalid")
        if told is None and name == "sku":
            raise Invalid("items_invalid", "sku must not be empty", f"{field}.sku")
    if not 1 <= item.quantity <= MAX_QUANTITY:
        raise Invalid("items_invalid", f"quantity must be from 1 to {MAX_QUANTITY}", f"{field}.quantity")
    check_amount(item.amount_minor, f"{field}.amount")
    return item if item.category else replace(item, category=None)


def check_event(event: str) -> str:
    """The event itself, where it may be one.

    Raises:
        Invalid: `event_invalid`.
    """
    if not _EVENT.fullmatch(event):
        raise Invalid("event_invalid", "event must be 1 to 64 letters, digits, spaces or _.:-", "event")
    return event


def check_order_id(order_id: str) -> str:
    """The order id itself, where it is 1 to 128 printable characters without spaces at its ends.

    Raises:
        Invalid: `order_id_invalid`.
    """
    if not 1 <= len(order_id) <= 128 or order_id != order_id.strip() or not _printable(order_id):
        raise Invalid("order_id_invalid", "order_id must be 1 to 128 printable characters", "order_id")
    return order_id


def check_customer_id(customer_id: str) -> str:
    """The merchant's customer id itself, where it is 1 to 256 printable characters.

    Raises:
        Invalid: `customer_id_invalid`.
    """
    checked = _text(customer_id, "customer_id", 256)
    if checked is None:
        raise Invalid("customer_id_invalid", "customer_id must not be empty", "customer_id")
    return checked


def _text(value: str | None, field: str, longest: int, code: str = "") -> str | None:
    if value is None or not value.strip():
        return None
    if len(value) > longest or not _printable(value):
        message = f"{field} must be at most {longest} printable characters"
        raise Invalid(code or f"{field}_invalid", message, field)
    return value


def _printable(text: str) -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in text)


def _check_time(at: datetime, now: datetime) -> datetime:
    if at > now + MAX_SKEW:
        raise Invalid("time_in_future", "occurred_at lies in the future", "occurred_at")
    return at


def _check_age(stores: Stores, conversion: str, report: Report, now: datetime) -> None:
    """Refuse what happened too long ago, unless the order is known: a repetition is safe for ever."""
    if report.occurred_at < now - MAX_AGE and stores.conversions.find(conversion) is None:
        raise Invalid("time_too_old", "occurred_at lies more than 400 days back", "occurred_at")
