"""Finding the conversions that a file's orders are, and those that the file lacks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain import ids
from chalicelib.domain.decision import decide
from chalicelib.domain.errors import NotFound, TooLarge
from chalicelib.domain.job import Job
from chalicelib.domain.orders import Order, OrderFile, Reading, read_orders
from chalicelib.domain.partner import fold_coupon
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.reconciliation import Finding, Ours, compare_claim, compare_order, missing_there
from chalicelib.services import customers
from chalicelib.services.settle import Rules, rules_of
from chalicelib.storage.conversion_records import Feed
from chalicelib.storage.stores import Stores

MAX_FILE_BYTES = 64 * 1024 * 1024

_USUAL_EVENTS = ("sale", "purchase", "order")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be reconciled: the merchant's orders, or (`partner`) the list of one.

    `event` narrows it to one event, `month` is what the file covers where its rows don't tell.
    """

    program: Program
    partner: str | None = None
    event: str | None = None
    month: Month | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def request(self, source: str) -> dict[str, str]:
        """This as a job keeps it, with the key of the file."""
        told = {
            "kind": "partner" if self.partner else "orders",
            "source": source,
            "partner": self.partner,
            "event": self.event,
            "month": str(self.month) if self.month else None,
            "columns": json.dumps(dict(self.columns)),
        }
        return {name: value for name, value in told.items() if value}

    @property
    def reading(self) -> Reading:
        """How its file is read."""
        program = self.program
        return Reading(program.currency, program.timezone, self.columns, amount_needed=self.partner is None)


@dataclass(frozen=True, slots=True)
class Matching:
    """A file, and what is needed to find its orders here.

    `events` are those under which an order may have been reported, the one to record it under first.
    """

    rules: Rules
    wanted: Wanted
    file: OrderFile
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """What came of one order, what we hold of it, and which of its names it is held under."""

    finding: Finding
    ours: Ours | None
    position: int


def load(stores: Stores, job: Job) -> Matching:
    """What the job asks for, with its file read.

    Raises:
        NotFound: `file_missing`. Invalid, TooLarge: as `read_orders`.
    """
    request = job.request
    rules = rules_of(stores, job.program)
    month = Month.parse(request["month"]) if "month" in request else None
    columns = json.loads(request.get("columns", "{}"))
    wanted = Wanted(rules.program, request.get("partner"), request.get("event"), month, columns)
    size = stores.bucket.size(request["source"])
    if size is None:
        raise NotFound("file_missing", "the file is not there", "csv")
    if size > MAX_FILE_BYTES:
        raise TooLarge("csv_too_large", f"a file may have {MAX_FILE_BYTES} bytes", "csv")
    file = read_orders(stores.bucket.find(request["source"]) or b"", wanted.reading)
    return Matching(rules, wanted, file, _events(rules, wanted))


def match(stores: Stores, matching: Matching, order: Order) -> Match:
    """What we hold of this order, and what the two say of one another."""
    program = matching.rules.program.id
    ours, position = _held(stores, matching, order)
    if matching.wanted.partner:
        return Match(compare_claim(order, ours, matching.wanted.partner), ours, position)
    owner = None
    if ours is None and order.coupon:
        coupon = stores.catalogue.find_coupon(program, fold_coupon(order.coupon))
        owner = coupon.partner if coupon else None
    finding = compare_order(order, ours, tells_status=matching.file.tells_status, coupon_owner=owner)
    return Match(finding, ours, position)


def missing_from_file(
    stores: Stores, matching: Matching, shard: int, seen: set[str | None]
) -> Iterator[Finding]:
    """Conversions of a shard and of the time that the file covers which it lacks; not what was taken back.

    The index finds them and may lag by moments; each is judged on its own record.
    """
    span = _span(matching)
    if span is None:
        return
    program, partner = matching.rules.program, matching.wanted.partner
    for feed in Feed:
        for listed in stores.conversion_queue.in_feed(program.id, shard, feed):
            report = listed.report
            if report.event not in matching.events or not span[0] <= report.occurred_at <= span[1]:
                continue
            if listed.id in seen or (partner and partner not in listed.partners):
                continue
            seen.add(listed.id)
            ours = _ours(stores, matching, listed.id)
            if ours and not ours.is_reversed and ours.facts.rejected_at is None:
                yield missing_there(ours)


def _events(rules: Rules, wanted: Wanted) -> tuple[str, ...]:
    if wanted.event:
        return (wanted.event,)
    paid = [rule.event for rule in rules.versions[-1].commissions] if rules.versions else []
    usual = [event for event in _USUAL_EVENTS if event in paid]
    return tuple(dict.fromkeys([*usual, *paid])) or ("sale",)


def _held(stores: Stores, matching: Matching, order: Order) -> tuple[Ours | None, int]:
    for position, name in enumerate(order.ids):
        for event in matching.events:
            conversion = ids.conversion_id(matching.rules.program.id, event, name)
            ours = _ours(stores, matching, conversion)
            if ours is not None:
                return ours, position
    return None, 0


def _ours(stores: Stores, matching: Matching, conversion: str) -> Ours | None:
    found = stores.conversions.find(conversion)
    if found is None:
        return None
    rules = matching.rules
    facts = customers.informed(stores, rules.versions, rules.policy, found.facts)
    decision = decide(facts, rules.program, rules.versions, rules.rates, rules.policy)
    return Ours(found.facts, decision, found.state)


def _span(matching: Matching) -> tuple[datetime, datetime] | None:
    """First and last instant that the file covers; None where nobody can tell."""
    month = matching.wanted.month
    if month:
        zone = matching.rules.program.timezone
        return month.start(zone), month.end(zone) - timedelta(milliseconds=1)
    times = [order.occurred_at for order in matching.file.orders if order.occurred_at]
    return (min(times), max(times)) if times else None
