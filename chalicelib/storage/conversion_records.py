"""Conversions as they are kept: what services hold of one, and how its items say it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.domain.conversion import CouponMatch, Outcome, Report, Signal, State, Touch
from chalicelib.domain.coupon_use import Use
from chalicelib.domain.facts import Facts
from chalicelib.domain.journal import Entry
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.settlement import Booked, Settlement
from chalicelib.storage import records
from chalicelib.storage.codec import compact
from chalicelib.storage.uses import Marked


class Feed(StrEnum):
    """The places of the sparse index `queue`; see docs/data-model.md."""

    DUE = "due"
    HOLD = "hold"
    HELD = "held"
    UNATTRIBUTED = "unattributed"
    SETTLED = "settled"
    QUARANTINED = "quarantined"


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


def read_conversion(conversion: str, head: dict[str, Any], items: dict[str, dict[str, Any]]) -> Conversion:
    """The conversion as its envelope (`head`) and these items of its partition, by sort key, tell it."""
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
        feed=feed_of(head),
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


def use_record(marked: Marked) -> list[Any]:
    """What the conversion noted among the uses of its promo code, as its envelope keeps it."""
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


def short_entry(entry: Entry, facts: Facts) -> dict[str, Any]:
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


def next_feed(settlement: Settlement, report: Report) -> tuple[Feed, datetime]:
    """Where in the queue a settled conversion stands, and since or until when."""
    if settlement.due_at is not None:
        return Feed.HOLD, settlement.due_at
    match settlement.state:
        case State.HELD:
            return Feed.HELD, report.received_at
        case State.UNATTRIBUTED:
            return Feed.UNATTRIBUTED, report.received_at
    return Feed.SETTLED, report.received_at


def queue_place(program: str, shard: int, feed: Feed, at: datetime, conversion: str) -> dict[str, str]:
    """The attributes that put a conversion into the queue."""
    return {"feed": feed_key(program, shard, feed), "feed_at": f"{format_instant(at)}#{conversion}"}


def feed_key(program: str, shard: int, feed: Feed) -> str:
    """The partition of that place in the index."""
    return f"{program}#{shard}#{feed}"


def feed_of(item: dict[str, Any]) -> Feed:
    """The place in which an item stands."""
    return Feed(item["feed"].rsplit("#", 1)[1])


def evidence_record(evidence: Evidence) -> dict[str, Any]:
    """The attributes that keep the evidence; what there is none of is left out."""
    return compact(
        {
            "touches": [records.touch_record(touch) for touch in evidence.touches],
            "coupons": [records.coupon_record(coupon) for coupon in evidence.coupons],
            "customers": list(evidence.customers),
            "signals": [records.signal_record(signal) for signal in evidence.signals],
        }
    )
