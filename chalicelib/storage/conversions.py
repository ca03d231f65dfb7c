"""Conversions: the fact, what was learned of it since, and the envelope that settlement works on.

Every write that changes what is known also counts up the envelope's version and puts the conversion back
into the queue, in one transaction against the version that was read. So nothing can slip between a
settlement and a fact that arrives beside it.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain import ids
from chalicelib.domain.audit import Change
from chalicelib.domain.conversion import Adjustment, Outcome, Report, State
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import Facts
from chalicelib.domain.journal import Books
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.settlement import Settlement
from chalicelib.settings import Settings
from chalicelib.storage import journal, payouts, records
from chalicelib.storage.codec import Item
from chalicelib.storage.conditions import ABSENT, equals
from chalicelib.storage.conversion_records import (
    Conversion,
    Evidence,
    Feed,
    Standing,
    evidence_record,
    next_feed,
    queue_place,
    read_conversion,
    short_entry,
)
from chalicelib.storage.customers import Customers, Ordered
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail

_READS = 5
"""How often a conversion is read again that others are changing."""


class Conversions:
    """The conversions table."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "conversions")
        self._journal = journal.Journal(settings)
        self._payouts = payouts.Payouts(settings)
        self._trail = Trail(settings)
        self._customers = Customers(settings)

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
            **evidence_record(evidence),
            "version": 1,
            "shard": shard,
            "state": state,
            "outcome": outcome,
            "partners": list(partners),
            **queue_place(report.program, shard, Feed.DUE, report.received_at, conversion),
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
        return self._with_payouts(read_conversion(conversion, head, items)) if head else None

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
        numbers = sorted({first, *told.values()})
        known = ({sk: i for sk, i in items.items() if told.get(sk, first) <= until} for until in numbers)
        return [read_conversion(conversion, head, each).facts for each in known]

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
        facts = read_conversion(conversion, head, known).facts if head else None
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
        item = _evidence_item(found.facts.id, key, evidence, now)
        ordered = self._ordered(found.facts.report, evidence.customers, found.facts.effective.occurred_at)
        self._append(found, item, now, standing.changes() if standing else {}, *ordered)

    def leave_evidence(self, conversion: str, key: str, evidence: Evidence, now: datetime) -> None:
        """Keep evidence for an order of which no report has come yet; its first settlement will read it.

        Raises:
            ConditionFailed: the report came meanwhile.
        """
        item = _evidence_item(conversion, key, evidence, now)
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
            **evidence_record(evidence),
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
        feed, feed_at = next_feed(settlement, report)
        changes: dict[str, Any] = {
            "version": found.version + 1,
            "state": settlement.state,
            "partners": list(partners),
            "entries": [short_entry(entry, found.facts) for entry in settlement.booked.entries] or None,
            "applied": list(settlement.booked.applied) or None,
            "quarantined": None,
            "shown": shown,
            "moved_uses": None,
            **queue_place(report.program, found.shard, feed, feed_at, found.facts.id),
        }
        head = self._table.update_action(
            found.facts.id, "conversion", changes, equals("version", found.version)
        )
        actions = [head, *self._journal.booking_actions(settlement.entries, opened)]
        if found.quarantined:
            actions.append(self._journal.taken_back_action(report.program, found.facts.id))
        transact(actions)

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
            **queue_place(found.facts.report.program, found.shard, Feed.DUE, now, found.facts.id),
            **more,
        }
        head = self._table.update_action(
            found.facts.id, "conversion", changes, equals("version", found.version)
        )
        append = self._table.put_action(item | {"appended_as": found.appended + 1}, ABSENT)
        transact([head, append, *others])


def _evidence_item(conversion: str, key: str, evidence: Evidence, now: datetime) -> Item:
    kept = {"pk": conversion, "sk": f"evidence#{key}", "received_at": format_instant(now)}
    return kept | evidence_record(evidence)
