"""Erasing a person from the facts: tombstones in `identities`, and orders under a name that means nothing.

What decides on money stays as it is: when a click was, whose, in which order, and which orders were one
customer's. Only what leads to the person goes: digests of ids, and click tokens, which name a device.
"""

import secrets
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from chalicelib.domain import ids
from chalicelib.domain.audit import Change
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.token import order_in_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item
from chalicelib.storage.conditions import ABSENT, PRESENT, Condition, equals
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail

MOST_AT_ONCE = 90
"""Items of a conversion that one transaction renames, beside the envelope."""

ERASED_CLICK = "erased-"
"""How the number begins that stands for a click's token; a token never begins so."""

_ATTEMPTS = 20


class Erasures:
    """Tombstones, and what was renamed. A customer's never ends, so that nothing told late comes back."""

    def __init__(self, settings: Settings) -> None:
        self._conversions = Table(settings, "conversions")
        self._identities = Table(settings, "identities")
        self._trail = Trail(settings)

    def begin(self, program: str, customer: str, at: datetime) -> None:
        """Mark the customer (its HMAC) as erased: from now on nothing is linked to it."""
        told = {"at": format_instant(at)}
        mark = {"pk": _customer(program, customer), "sk": "erased", **told}
        change = Change("erasure", ids.from_bytes("ers", secrets.token_bytes(10)), program, None, told)
        try:
            transact([self._identities.put_action(mark, ABSENT), self._trail.action(change)])
        except ConditionFailed:
            return

    def has_begun(self, program: str, customer: str) -> bool:
        """Whether the customer was erased, or is being erased."""
        return self._identities.find(_customer(program, customer), "erased") is not None

    def name(self, program: str, customer: str, others: Collection[str]) -> str:
        """The random name under which the customer's orders stay together: the same one at every call.

        It stands where the customer stood among the `others`, who share orders with it: of several
        customers the first one decides.

        Raises:
            Unavailable: the erasure has not begun, or storage is away.
        """
        pk = _customer(program, customer)
        before = max((int(other, 16) for other in others if other < customer), default=0)
        after = min((int(other, 16) for other in others if other > customer), default=1 << 128)
        chosen = f"{before + 1 + secrets.randbelow(max(1, after - before - 1)):032x}"
        nameless = Condition(
            "attribute_exists(#pk) AND attribute_not_exists(#name)", {"#pk": "pk", "#name": "name"}, {}
        )
        try:
            self._identities.update(pk, "erased", {"name": chosen}, nameless)
        except ConditionFailed:
            item = self._identities.find(pk, "erased")
            if item is None:
                raise Unavailable("storage_unavailable", "storage does not answer; try again") from None
            return str(item["name"])
        return chosen

    def end_device(self, program: str, visitor: str, at: datetime, expires_at: datetime) -> None:
        """Mark that the journey's clicks until then are erased: none of them is written again."""
        item = {"pk": _device(program, visitor), "sk": "erased", "at": format_instant(at)}
        self._identities.put(item | {"expires_at": int(expires_at.timestamp()) + 1})

    def is_ended(self, program: str, visitor: str, click_at: datetime) -> bool:
        """Whether a click of that time was erased with its journey."""
        item = self._identities.find(_device(program, visitor), "erased")
        return item is not None and click_at <= parse_instant(item["at"], "at")

    def click_ids(self, conversion: str) -> set[str]:
        """The click tokens that a conversion holds."""
        found = {click_id for item in self._conversions.query(conversion) for _, click_id in _clicks(item)}
        return {click_id for click_id in found if not click_id.startswith(ERASED_CLICK)}

    def sharers(self, conversion: str) -> set[str]:
        """The customers whose order it is."""
        return {c for item in self._conversions.query(conversion) for c in item.get("customers", [])}

    def rename(self, conversion: str, customer: str, name: str) -> bool:
        """Put the name in the customer's place, and numbers in the clicks'; whether there was anything.

        Raises:
            Unavailable: others keep changing the conversion.
        """
        changed = False
        for _ in range(_ATTEMPTS):
            items = list(self._conversions.query(conversion))
            renamed = _renamed(items, customer, name)
            if not renamed:
                return changed
            try:
                self._write(items, renamed[:MOST_AT_ONCE])
            except ConditionFailed:
                continue
            changed = True
        raise Unavailable("storage_busy", "the conversion is being changed by others; try again")

    def _write(self, items: list[Item], renamed: list[tuple[Item, Item]]) -> None:
        """Write the items anew, all of them or none, where the envelope is as it was read."""
        actions = []
        head = next((item for item in items if item["sk"] == "conversion"), None)
        if head is not None:
            found = [pair for pair in renamed if pair[0]["sk"] == "conversion"]
            changes = _changes(*found[0]) if found else {}
            changes["version"] = head["version"] + 1
            unchanged = equals("version", head["version"])
            actions.append(self._conversions.update_action(head["pk"], "conversion", changes, unchanged))
        for old, new in renamed:
            if old["sk"] != "conversion":
                changes = _changes(old, new)
                actions.append(self._conversions.update_action(old["pk"], old["sk"], changes, PRESENT))
        transact(actions)


def _renamed(items: list[Item], customer: str, name: str) -> list[tuple[Item, Item]]:
    """The items that change, each with what becomes of it."""
    numbers = _numbers(items)
    pairs = [(item, _anonymous(item, numbers, customer, name)) for item in items]
    return [(old, new) for old, new in pairs if old != new]


def _numbers(items: list[Item]) -> dict[str, str]:
    """A number for each click, in the order in which decisions take them, also in one instant."""
    clicks = {click for item in items for click in _clicks(item)}
    ordered = [
        click_id for _, click_id in sorted(clicks, key=lambda click: (click[0], order_in_instant(click[1])))
    ]
    taken = {click_id for click_id in ordered if click_id.startswith(ERASED_CLICK)}
    numbers: dict[str, str] = {}
    free = (f"{ERASED_CLICK}{number:05d}" for number in range(len(ordered) + len(taken) + 1))
    for click_id in ordered:
        if click_id not in taken and click_id not in numbers:
            numbers[click_id] = next(number for number in free if number not in taken)
    return numbers


def _clicks(item: Item) -> Iterator[tuple[str, str]]:
    """The clicks that an item names, each with its time; those of a report have none, and come last."""
    for touch in item.get("touches", []):
        yield touch[1], touch[0]
    for report in (item.get("report"), item.get("confirmation")):
        if report and report.get("click_id"):
            yield "~", report["click_id"]


def _anonymous(item: Item, numbers: dict[str, str], customer: str, name: str) -> Item:
    new = dict(item)
    if "touches" in item:
        new["touches"] = [[numbers.get(touch[0], touch[0]), *touch[1:]] for touch in item["touches"]]
    if "customers" in item:
        new["customers"] = [name if told == customer else told for told in item["customers"]]
    for part in ("report", "confirmation"):
        if part in item:
            new[part] = _without_person(item[part], numbers, customer, name)
    return new


def _without_person(report: Item, numbers: dict[str, str], customer: str, name: str) -> Item:
    new = {key: value for key, value in report.items() if key != "email"}
    if "click_id" in report:
        new["click_id"] = numbers.get(report["click_id"], report["click_id"])
    if report.get("customer") == customer:
        new["customer"] = name
    return new


def _changes(old: Item, new: Item) -> dict[str, Any]:
    return {key: value for key, value in new.items() if old.get(key) != value}


def _customer(program: str, customer: str) -> str:
    return f"@erased#{program}#{customer}"


def _device(program: str, visitor: str) -> str:
    return f"@erased-device#{program}#{visitor}"
