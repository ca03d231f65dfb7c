"""Conversions: the fact, what was learned of it since, and the envelope that settlement works on.

Every write that changes what is known also counts up the envelope's version and puts the conversion back
into the queue, in one transaction against the version that was read. So nothing can slip between a
settlement and a fact that arrives beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.domain import ids
from chalicelib.domain.audit import Change
from chalicelib.domain.conversion import Adjustment, CouponMatch, Outcome, Report, Signal, State, Touch
from chalicelib.domain.coupon_use import Use
from chalicelib.domain.decision import Facts
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.journal import Books, Entry
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.settlement import Booked, Settlement
from chalicelib.settings import Settings
from chalicelib.storage import journal, payouts, records
from chalicelib.storage.codec import compact
from chalicelib.storage.customers import Customers, Ordered
from chalicelib.storage.table import ABSENT, ConditionFailed, Table, equals, transact
from chalicelib.storage.trail import Trail
from chalicelib.storage.uses import Marked, Uses


class Feed(StrEnum):
    """The places of the sparse index `queue`; see docs/data-model.md."""

    DUE = "due"
    HOLD = "hold"
    HELD = "held"
    UNATTRIBUTED = "unattributed"
    SETTLED = "settled"
    QUARANTINED = "quarantined"


_READS = 5
"""How often a conversion is read again that others are changing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A click, coupon or customer of a conversion, with its own copy of the touches that it adds.

    `customers` are those that somebody told whom the program trusts; `signals` what was seen as it came.
    """

    touches: tuple[Touch, ...] = ()
    coupons: tuple[CouponMatch, ...] = ()
    customers: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.touches or self.coupons or self.customers or self.signals)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion as stored: its facts, and the envelope. `outcome` is what its last report was told.

    `appended` counts what was told since the first report; `shown` how much of it its customer's later
    orders were decided by; `told_later` how often evidence came since, that nobody vouches for, and that
    somebody does. `use` is what it noted among the uses of its promo code; `moved_uses` are the codes, and
    times, from which on it moved the uses of others that have not been decided again.
    """

    facts: Facts
    version: int
    state: State
    outcome: Outcome
    feed: Feed
    shard: int
    partners: tuple[str, ...]
    booked: Booked
    quarantined: str | None = None
    appended: int = 0
    shown: int | None = None
    told_later: tuple[int, int] = (0, 0)
    use: Marked | None = None
    moved_uses: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What lists and answers say of a conversion until its next settlement."""

    outcome: Outcome
    state: State
    partners: tuple[str, ...]

    def changes(self) -> dict[str, Any]:
        """The attributes that say it."""
        return {"outcome": self.outcome, "state": self.state, "partners": list(self.partners)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversion that stands in the queue, and its version there; nothing else of it is read."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversion as lists show it."""

    id: str
    state: State
    feed: Feed
    feed_at: str
    report: Report
    partners: tuple[str, ...]


class Conversions:
    """The conversions table."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "conversions")
        self._journal = journal.Journal(settings)
        self._payouts = payouts.Payouts(settings)
        self._trail = Trail(settings)
        self._customers = Customers(settings)
        self._uses = Uses(settings)

    def create(
        self,
        report: Report,
        evidence: Evidence,
        shard: int,
        outcome: Outcome,
        state: State,
        partners: tuple[str, ...],
    ) -> bool:
        """Record the first report of an order; False where there is one (perhaps this very one)."""
        conversion = ids.conversion_id(report.program, report.event, report.order_id)
        head = {
            "pk": conversion,
            "sk": "conversion",
            "report": records.report_record(report),
            **_evidence_record(evidence),
            "version": 1,
            "shard": shard,
            "state": state,
            "outcome": outcome,
            "partners": list(partners),
            **_queue(report.program, shard, Feed.DUE, report.received_at, conversion),
        }
        if not evidence.customers:
            return self._table.put_once(head)
        try:
            transact(
                [
                    self._table.put_action(head, ABSENT),
                    *self._ordered(report, evidence.customers, report.occurred_at),
                ]
            )
        except ConditionFailed:
            return False
        return True

    def find(self, conversion: str) -> Conversion | None:
        """The conversion with all that is known of it, read consistently; None where no report came yet."""
        items = self._items(conversion)
        head = items.get("conversion")
        return self._with_payouts(_read(conversion, head, items)) if head else None

    def grown(self, conversion: str) -> list[Facts]:
        """What was known of it after each thing told; every adjustment is in all of them.

        By the numbers that they were kept under: clocks that differ tell another order, or one instant.
        What has none was there before the report, or is of a version that gave none.
        """
        items = self._items(conversion)
        head = items.get("conversion")
        if head is None:
            return []
        first = (0, "")
        told = {
            sk: (item.get("appended_as", 0), item["received_at"])
            for sk, item in items.items()
            if "received_at" in item
        }
        return [
            _read(conversion, head, {sk: i for sk, i in items.items() if told.get(sk, first) <= until}).facts
            for until in sorted({first, *told.values()})
        ]

    def moments(self, conversion: str) -> list[datetime]:
        """When something was told of it."""
        found = self.find(conversion)
        if found is None:
            return []
        items = self._items(conversion).values()
        told = {parse_instant(item["received_at"], "received_at") for item in items if "received_at" in item}
        told |= {adjustment.received_at for adjustment in found.facts.adjustments}
        return sorted({found.facts.report.received_at, *told})

    def as_told(self, conversion: str, until: datetime) -> Facts | None:
        """What was known of it at that time; None where no report had come."""
        items = self._items(conversion)
        head = items.get("conversion")
        known = {k: i for k, i in items.items() if i.get("received_at", "") <= format_instant(until)}
        facts = _read(conversion, head, known).facts if head else None
        if facts is None or facts.report.received_at > until:
            return None
        return replace(facts, adjustments=tuple(a for a in facts.adjustments if a.received_at <= until))

    def find_waiting(self, conversion: str) -> tuple[Adjustment, ...]:
        """Adjustments of an order, also while no report of it has come."""
        found = self._table.query(conversion, prefix="adjustment#")
        return tuple(records.read_adjustment(item["adjustment"]) for item in found)

    def _items(self, conversion: str) -> dict[str, dict[str, Any]]:
        """Everything of the conversion, as it was at one time.

        A query may see a part of a transaction that is carried out beside it: the envelope counts what was
        appended, and where less was read, it is read again.

        Raises:
            Unavailable: it goes on being changed.
        """
        for _ in range(_READS):
            items = {item["sk"]: item for item in self._table.query(conversion)}
            counted = items.get("conversion", {}).get("appended", 0)
            if sum("appended_as" in item for item in items.values()) == counted:
                return items
        raise Unavailable("storage_busy", "the conversion is being changed by others; try again")

    def add_evidence(
        self,
        found: Conversion,
        key: str,
        evidence: Evidence,
        now: datetime,
        standing: Standing | None = None,
    ) -> None:
        """Keep evidence that came later, once for each `key`, and where the conversion stands with it.

        Raises:
            ConditionFailed: the conversion changed meanwhile, or this key is there already.
        """
        item = {
            "pk": found.facts.id,
            "sk": f"evidence#{key}",
            **_evidence_record(evidence),
            "received_at": format_instant(now),
        }
        ordered = self._ordered(found.facts.report, evidence.customers, found.facts.effective.occurred_at)
        self._append(found, item, now, standing.changes() if standing else {}, *ordered)

    def leave_evidence(self, conversion: str, key: str, evidence: Evidence, now: datetime) -> None:
        """Keep evidence for an order of which no report has come yet; its first settlement will read it.

        Raises:
            ConditionFailed: the report came meanwhile.
        """
        item = {
            "pk": conversion,
            "sk": f"evidence#{key}",
            **_evidence_record(evidence),
            "received_at": format_instant(now),
        }
        transact([self._table.put_action(item), self._table.check_action(conversion, "conversion", ABSENT)])

    def confirm(
        self, found: Conversion, report: Report, evidence: Evidence, now: datetime, standing: Standing
    ) -> None:
        """Keep the authenticated report that follows a browser's, and where the conversion stands with it.

        Raises:
            ConditionFailed: the conversion changed meanwhile.
        """
        item = {
            "pk": found.facts.id,
            "sk": "confirmation",
            "report": records.report_record(report),
            **_evidence_record(evidence),
            "received_at": format_instant(now),
        }
        figures = {name: value for name, value in item["report"].items() if name != "items"}
        customers = (*found.facts.customers, *evidence.customers)
        ordered = self._ordered(report, customers, report.occurred_at)
        self._append(found, item, now, {"confirmation": figures, **standing.changes()}, *ordered)

    def adjust(self, found: Conversion, adjustment: Adjustment, state: State) -> None:
        """Keep an adjustment, once for each id.

        Raises:
            ConditionFailed: the conversion changed meanwhile, or this id is there already.
        """
        kept = records.adjustment_record(adjustment)
        item = {"pk": found.facts.id, "sk": f"adjustment#{adjustment.id}", "adjustment": kept}
        name = f"{found.facts.id} {adjustment.id}"
        change = Change("adjustment", name, found.facts.report.program, None, kept)
        self._append(found, item, adjustment.received_at, {"state": state}, self._trail.action(change))

    def leave_adjustment(self, conversion: str, adjustment: Adjustment) -> None:
        """Keep an adjustment of an order of which no report has come yet.

        Raises:
            ConditionFailed: the report came meanwhile, or this id is there already.
        """
        item = {
            "pk": conversion,
            "sk": f"adjustment#{adjustment.id}",
            "adjustment": records.adjustment_record(adjustment),
        }
        transact(
            [self._table.put_action(item, ABSENT), self._table.check_action(conversion, "conversion", ABSENT)]
        )

    def wake(self, conversion: str, version: int, program: str, shard: int, now: datetime) -> None:
        """Put it back into the queue, so that it is decided again.

        Raises:
            ConditionFailed: it changed meanwhile.
        """
        changes = {"version": version + 1, **_queue(program, shard, Feed.DUE, now, conversion)}
        self._table.update(conversion, "conversion", changes, equals("version", version))

    def note_use(self, found: Conversion, use: Marked | None, now: datetime) -> None:
        """Note what it is among the uses of its promo code; it is in the queue then.

        Raises:
            ConditionFailed: the conversion changed meanwhile.
        """
        report, moved = found.facts.report, list(found.moved_uses)
        if (found.use and found.use.use) != (use and use.use):
            moved += [(one.use.code, one.use.occurred_at) for one in (found.use, use) if one]
        changes = {
            "version": found.version + 1,
            "use": _use_record(use) if use else None,
            "moved_uses": [[code, format_instant(at)] for code, at in moved] or None,
            **_queue(report.program, found.shard, Feed.DUE, now, found.facts.id),
        }
        head = self._table.update_action(
            found.facts.id, "conversion", changes, equals("version", found.version)
        )
        told_at = found.facts.changed_at
        transact([head, *self._uses.actions(report.program, found.facts.id, found.use, use, told_at)])

    def quarantine(self, waiting: Waiting, program: str, shard: int, reason: str, now: datetime) -> None:
        """Set it aside with the reason why it could not be processed, unless it changed meanwhile.

        Its record may be what can't be read: nothing of it is relied on.
        """
        head: dict[str, Any] = next(self._table.query(waiting.id, prefix="conversion"), {})
        aside = _feed_key(program, shard, Feed.QUARANTINED)
        if head.get("version") != waiting.version or head["feed"] == aside:
            return
        changes = {
            "version": waiting.version + 1,
            "quarantined": reason,
            **_queue(program, shard, Feed.QUARANTINED, now, waiting.id),
        }
        unchanged = equals("version", waiting.version)
        told: dict[str, Any] = head.get("confirmation") or head.get("report") or {}
        actions = [
            self._table.update_action(waiting.id, "conversion", changes, unchanged),
            self._journal.set_aside_action(program, waiting.id, told.get("occurred_at", "")),
        ]
        try:
            transact(actions)
        except ConditionFailed:
            return

    def settle(
        self,
        found: Conversion,
        settlement: Settlement,
        partners: tuple[str, ...],
        opened: Books,
        shown: int | None = None,
    ) -> None:
        """Book the entries and where the conversion now stands, in one transaction.

        `shown` is how much of it its customer's later orders were decided by.

        Raises:
            ConditionFailed: the conversion changed, or a month was frozen, meanwhile.
        """
        report = found.facts.report
        feed, feed_at = _next_feed(settlement, report)
        changes: dict[str, Any] = {
            "version": found.version + 1,
            "state": settlement.state,
            "partners": list(partners),
            "entries": [_short(entry, found.facts) for entry in settlement.booked.entries] or None,
            "applied": list(settlement.booked.applied) or None,
            "quarantined": None,
            "shown": shown,
            "moved_uses": None,
            **_queue(report.program, found.shard, feed, feed_at, found.facts.id),
        }
        head = self._table.update_action(
            found.facts.id, "conversion", changes, equals("version", found.version)
        )
        actions = [head, *self._journal.booking_actions(settlement.entries, opened)]
        if found.quarantined:
            actions.append(self._journal.taken_back_action(report.program, found.facts.id))
        transact(actions)

    def waiting(
        self, program: str, shard: int, feed: Feed, until: datetime | None = None
    ) -> Iterator[Waiting]:
        """What stands in that place of the queue, as `in_feed`; also what can't be read."""
        for item in self._in_feed(program, shard, feed, until):
            yield Waiting(item["pk"], item["version"])

    def in_feed(
        self,
        program: str,
        shard: int,
        feed: Feed,
        until: datetime | None = None,
        since: str | None = None,
    ) -> Iterator[Listed]:
        """What stands in that place of the queue, oldest first, up to that time; the index may lag.

        `since` is the `feed_at` to begin with.
        """
        return map(_listed, self._in_feed(program, shard, feed, until, since))

    def _in_feed(
        self, program: str, shard: int, feed: Feed, until: datetime | None, since: str | None = None
    ) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] | None = None
        last = f"{format_instant(until)}\U0010ffff" if until else None
        while True:
            page = self._table.page(
                "feed",
                "feed_at",
                _feed_key(program, shard, feed),
                index="queue",
                first=since,
                last=last,
                start=start,
            )
            yield from page.items
            if page.next_key is None:
                return
            start = page.next_key

    def list_page(
        self,
        program: str,
        shard: int,
        feed: Feed,
        limit: int,
        start: dict[str, Any] | None,
        after: str | None = None,
    ) -> tuple[list[Listed], dict[str, Any] | None]:
        """Up to `limit` of that place, newest first, and the key to go on from.

        With `after` (an instant) only what came there later.
        """
        page = self._table.page(
            "feed",
            "feed_at",
            _feed_key(program, shard, feed),
            index="queue",
            first=f"{after}\U0010ffff" if after else None,
            newest_first=True,
            limit=limit,
            start=start,
        )
        return [_listed(item) for item in page.items], page.next_key

    def _with_payouts(self, found: Conversion) -> Conversion:
        """The conversion with what its partners were paid, which matters once money of it was released."""
        if not found.booked.released:
            return found
        keys = {(entry.partner, entry.currency) for entry in found.booked.entries}
        program = found.facts.report.program
        through = {key: self._payouts.paid(program, *key).through for key in sorted(keys)}
        paid = {key: month for key, month in through.items() if month}
        return replace(found, booked=replace(found.booked, paid=paid))

    def _ordered(self, report: Report, customers: tuple[str, ...], at: datetime) -> list[dict[str, Any]]:
        conversion = ids.conversion_id(report.program, report.event, report.order_id)
        return self._customers.actions(report.program, customers, Ordered(conversion, report.event, at))

    def _append(
        self,
        found: Conversion,
        item: dict[str, Any],
        now: datetime,
        more: dict[str, Any],
        *others: dict[str, Any],
    ) -> None:
        changes = {
            "version": found.version + 1,
            "appended": found.appended + 1,
            **_queue(found.facts.report.program, found.shard, Feed.DUE, now, found.facts.id),
            **more,
        }
        head = self._table.update_action(
            found.facts.id, "conversion", changes, equals("version", found.version)
        )
        append = self._table.put_action(item | {"appended_as": found.appended + 1}, ABSENT)
        transact([head, append, *others])


def _read(conversion: str, head: dict[str, Any], items: dict[str, dict[str, Any]]) -> Conversion:
    report = records.read_report(head["report"])
    confirmation = items.get("confirmation")
    sources = [head, *(item for sk, item in items.items() if sk == "confirmation" or sk[:9] == "evidence#")]
    told = [parse_instant(item["received_at"], "received_at") for item in sources[1:]]
    adjustments = [
        records.read_adjustment(item["adjustment"])
        for sk, item in items.items()
        if sk.startswith("adjustment#")
    ]
    facts = Facts(
        id=conversion,
        report=report,
        learned_at=max([report.received_at, *told]),
        confirmation=records.read_report(confirmation["report"]) if confirmation else None,
        touches=tuple(records.read_touch(t) for item in sources for t in item.get("touches", [])),
        coupons=tuple(records.read_coupon(c) for item in sources for c in item.get("coupons", [])),
        adjustments=tuple(sorted(adjustments, key=lambda a: (a.received_at, a.id))),
        customers=tuple(sorted({customer for item in sources for customer in item.get("customers", [])})),
        signals=tuple(records.read_signal(s) for item in sources for s in item.get("signals", [])),
    )
    return Conversion(
        facts=facts,
        version=head["version"],
        state=State(head["state"]),
        outcome=Outcome(head["outcome"]),
        feed=_feed_of(head),
        shard=head["shard"],
        partners=tuple(head.get("partners", [])),
        booked=Booked(
            tuple(_whole(entry, facts) for entry in head.get("entries", [])),
            tuple(head.get("applied", [])),
        ),
        quarantined=head.get("quarantined"),
        appended=head.get("appended", 0),
        shown=head.get("shown"),
        told_later=_told_later(items),
        use=_read_use(head["use"]) if "use" in head else None,
        moved_uses=tuple((code, parse_instant(at, "at")) for code, at in head.get("moved_uses", [])),
    )


def _use_record(marked: Marked) -> list[Any]:
    return [marked.use.code, format_instant(marked.use.occurred_at), marked.use.limit, marked.counts]


def _read_use(record: list[Any]) -> Marked:
    code, at, limit, counts = record
    return Marked(Use(code, parse_instant(at, "at"), limit), counts)


def _told_later(items: dict[str, dict[str, Any]]) -> tuple[int, int]:
    told = [
        bool(item.get("customers"))
        or any(records.read_touch(touch).trusted for touch in item.get("touches", []))
        or any(records.read_coupon(coupon).trusted for coupon in item.get("coupons", []))
        for sk, item in items.items()
        if sk.startswith("evidence#")
    ]
    return len(told) - sum(told), sum(told)


_OF_THE_ORDER = ("program", "conversion", "order_id", "event")


def _short(entry: Entry, facts: Facts) -> dict[str, Any]:
    """An entry without what its conversion says as well: hundreds of them have to fit in the envelope."""
    reasons = {f"{a.kind} {a.id}: {a.reason}": f"{a.kind} {a.id}" for a in facts.adjustments}
    record = records.entry_record(entry) | {"cause": reasons.get(entry.cause, entry.cause)}
    return {name: value for name, value in record.items() if name not in _OF_THE_ORDER}


def _whole(record: dict[str, Any], facts: Facts) -> Entry:
    """The entry that was kept without what its conversion says."""
    order = {
        "program": facts.report.program,
        "conversion": facts.id,
        "order_id": facts.report.order_id,
        "event": facts.report.event,
    }
    causes = {f"{a.kind} {a.id}": f"{a.kind} {a.id}: {a.reason}" for a in facts.adjustments}
    cause = causes.get(record["cause"], record["cause"])
    return records.read_entry(order | record | {"cause": cause})


def _listed(item: dict[str, Any]) -> Listed:
    return Listed(
        id=item["pk"],
        state=State(item["state"]),
        feed=_feed_of(item),
        feed_at=item["feed_at"],
        report=records.read_report(item.get("confirmation", item["report"])),
        partners=tuple(item.get("partners", [])),
    )


def _next_feed(settlement: Settlement, report: Report) -> tuple[Feed, datetime]:
    if settlement.due_at is not None:
        return Feed.HOLD, settlement.due_at
    match settlement.state:
        case State.HELD:
            return Feed.HELD, report.received_at
        case State.UNATTRIBUTED:
            return Feed.UNATTRIBUTED, report.received_at
    return Feed.SETTLED, report.received_at


def _queue(program: str, shard: int, feed: Feed, at: datetime, conversion: str) -> dict[str, str]:
    return {"feed": _feed_key(program, shard, feed), "feed_at": f"{format_instant(at)}#{conversion}"}


def _feed_key(program: str, shard: int, feed: Feed) -> str:
    return f"{program}#{shard}#{feed}"


def _feed_of(item: dict[str, Any]) -> Feed:
    return Feed(item["feed"].rsplit("#", 1)[1])


def _evidence_record(evidence: Evidence) -> dict[str, Any]:
    return compact(
        {
            "touches": [records.touch_record(touch) for touch in evidence.touches],
            "coupons": [records.coupon_record(coupon) for coupon in evidence.coupons],
            "customers": list(evidence.customers),
            "signals": [records.signal_record(signal) for signal in evidence.signals],
        }
    )
