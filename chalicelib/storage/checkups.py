"""Check-ups and what was told in them, in the `counts` table: it has a TTL and no stream.

So nothing settles, counts or lists a test, and no query of a program's facts can meet one: those are by the
program's id, in which there is no `#`.
"""

from datetime import datetime
from typing import Any

from chalicelib.domain.checkup import Checkup, Fact, Finding, Mark, Stage, Step, TestOrder
from chalicelib.domain.conversion import Outcome, State
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import ABSENT, equals
from chalicelib.storage.records import (
    adjustment_record,
    read_adjustment,
    read_report,
    report_record,
)
from chalicelib.storage.table import ConditionFailed, Table, transact


class Checkups:
    """The check-ups of all programs."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "counts")

    def add_once(self, checkup: Checkup) -> bool:
        """Keep a new check-up; False where there is one with its id."""
        head = {**_key(checkup.id, "checkup"), **_record(checkup)}
        listed = {
            "pk": f"checkups#{checkup.program}",
            "sk": f"{format_instant(checkup.created_at)}#{checkup.id}",
            "expires_at": _seconds(checkup.kept_until),
        }
        try:
            transact([self._table.put_action(head, ABSENT), self._table.put_action(listed)])
        except ConditionFailed:
            return False
        return True

    def find(self, checkup_id: str, now: datetime) -> Checkup | None:
        """The check-up while it is kept, or None."""
        item = self._table.find(f"checkup#{checkup_id}", "checkup")
        return _read(item) if item and item["expires_at"] > _seconds(now) else None

    def latest(
        self, program: str, limit: int, start: Item | None, now: datetime
    ) -> tuple[list[Checkup], Item | None]:
        """Some check-ups of the program, the newest first, and the key to go on from."""
        page = self._table.page(
            "pk", "sk", f"checkups#{program}", newest_first=True, consistent=True, limit=limit, start=start
        )
        found = [self.find(item["sk"].split("#")[1], now) for item in page.items]
        return [checkup for checkup in found if checkup], page.next_key

    def note_steps(self, checkup: Checkup, steps: tuple[Step, ...]) -> None:
        """Keep how far the check-up is."""
        changes = {"steps": [_step_record(step) for step in steps]}
        self._table.update(f"checkup#{checkup.id}", "checkup", changes, equals("id", checkup.id))

    def add_fact(self, checkup: Checkup, fact: Fact, key: str) -> None:
        """Keep something that came; the same key replaces it."""
        item = {
            **_key(checkup.id, f"fact#{format_instant(fact.at)}#{key}"),
            "kind": fact.kind,
            "at": format_instant(fact.at),
            "seen": dict(fact.seen),
            "expires_at": _seconds(checkup.kept_until),
        }
        self._table.put(item)

    def facts(self, checkup_id: str) -> list[Fact]:
        """What came, in order of time."""
        items = self._table.query(f"checkup#{checkup_id}", prefix="fact#")
        return [Fact(parse_instant(i["at"], "at"), i["kind"], i.get("seen", {})) for i in items]

    def add_order_once(self, checkup: Checkup, order: TestOrder) -> bool:
        """Keep a new order; False where there is one with its id."""
        expires_at = _seconds(checkup.kept_until)
        return self._table.put_once(
            {**_key(checkup.id, f"order#{order.id}"), **_order_record(order), "expires_at": expires_at}
        )

    def find_order(self, checkup_id: str, conversion: str) -> TestOrder | None:
        """The order, or None."""
        item = self._table.find(f"checkup#{checkup_id}", f"order#{conversion}")
        return _read_order(item) if item else None

    def orders(self, checkup_id: str) -> list[TestOrder]:
        """The orders of the check-up."""
        return [_read_order(i) for i in self._table.query(f"checkup#{checkup_id}", prefix="order#")]

    def adjust(self, checkup_id: str, order: TestOrder) -> None:
        """Keep the order's adjustments and state.

        Raises:
            ConditionFailed: it changed meanwhile.
        """
        changes = {
            "adjustments": [adjustment_record(one) for one in order.adjustments],
            "state": order.state,
            "version": order.version + 1,
        }
        unchanged = equals("version", order.version)
        self._table.update(f"checkup#{checkup_id}", f"order#{order.id}", changes, unchanged)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _key(checkup_id: str, sort: str) -> Item:
    return {"pk": f"checkup#{checkup_id}", "sk": sort}


def _record(checkup: Checkup) -> dict[str, Any]:
    return compact(
        {
            "id": checkup.id,
            "program": checkup.program,
            "created_at": format_instant(checkup.created_at),
            "walks": checkup.walks or None,
            "partner": checkup.partner,
            "destination": checkup.destination,
            "steps": [_step_record(step) for step in checkup.steps],
            "expires_at": _seconds(checkup.kept_until),
        }
    )


def _read(item: Item) -> Checkup:
    return Checkup(
        id=item["id"],
        program=item["program"],
        created_at=parse_instant(item["created_at"], "created_at"),
        walks=item.get("walks", False),
        partner=item["partner"],
        destination=item.get("destination"),
        steps=tuple(_read_step(step) for step in item.get("steps", [])),
    )


def _step_record(step: Step) -> dict[str, Any]:
    findings = [[f.code, f.message, f.remedy, f.fails] for f in step.findings]
    return compact({"stage": step.stage, "mark": step.mark, "findings": findings, "seen": dict(step.seen)})


def _read_step(record: dict[str, Any]) -> Step:
    findings = tuple(Finding(*parts) for parts in record.get("findings", []))
    return Step(Stage(record["stage"]), Mark(record["mark"]), findings, record.get("seen", {}))


def _order_record(order: TestOrder) -> dict[str, Any]:
    return compact(
        {
            "id": order.id,
            "report": report_record(order.report),
            "outcome": order.outcome,
            "state": order.state,
            "partner": order.partner,
            "commission": order.commission_minor,
            "currency": order.currency,
            "reason": order.reason,
            "version": order.version,
        }
    )


def _read_order(item: Item) -> TestOrder:
    return TestOrder(
        id=item["id"],
        report=read_report(item["report"]),
        outcome=Outcome(item["outcome"]),
        state=State(item["state"]),
        partner=item.get("partner"),
        commission_minor=item["commission"],
        currency=item["currency"],
        reason=item["reason"],
        adjustments=tuple(read_adjustment(one) for one in item.get("adjustments", [])),
        version=item["version"],
    )
