"""Whether the books of a history agree with all that was acknowledged in it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bench import audit
from tests.histories import oracle
from tests.histories.actors import CURRENCIES, History
from tests.histories.facts import Order
from tests.histories.oracle import Touch, Version
from tests.histories.world import World

EARNING = frozenset({"accrual", "reversal", "correction"})
Row = dict[str, str]


class Bucket:
    """The ledger bucket, as `bench.audit` reads it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, key: str) -> bytes | None:
        answer = self._world.call("GET", f"/_local/s3/{key}")
        return answer.body if answer.status == 200 else None


def problems(history: History, closed: Sequence[str], running: Sequence[str], spilled: set[str]) -> list[str]:
    """All that is wrong with it, when the months `closed` are published and `running` are not."""
    rows, found = _books(history, closed, running)
    kept = {one["order_id"]: one for one in _conversions(history)}
    told = {order.id: order for order in history.orders if order.acknowledged}
    for missing in sorted(told.keys() ^ kept.keys()):
        found.append(f"{missing} was {'lost' if missing in told else 'never told'}")
    versions = [
        Version.of(view) for view in history.api("GET", f"/v1/programs/{history.id}/terms").json["data"]
    ]
    booked: dict[str, Row] = {row["entry_id"]: row for row in rows}
    if len(booked) < len(rows):
        found.append("an entry stands twice")
    for name in sorted(told.keys() & kept.keys()):
        found += _of_order(history, told[name], kept[name]["id"], versions, booked, spilled)
    found += _by_hand(history, booked)
    found += _paid(history, rows)
    found += _reports(history, rows)
    named = {row["conversion_id"] for row in rows if any(row["entry_id"] in problem for problem in found)}
    found += [f"{one}: {history.api('GET', f'/v1/conversions/{one}/receipt').json}" for one in sorted(named)]
    return [f"{history.id}: {problem}" for problem in found]


def _books(history: History, closed: Sequence[str], running: Sequence[str]) -> tuple[list[Row], list[str]]:
    """All lines, published and not, and what is wrong with files, sums and the chain."""
    bucket, report = Bucket(history.world), audit.Report()
    months = _published(history, closed)
    rows = audit.read_months(bucket, history.id, months, report)
    found = [f"{check.name}: {check.detail}" for check in report.failures]
    if not months or months[-1] != closed[-1]:
        found.append(f"published are {months}")
    for month in months:
        found += history.world.order(f"verify/{history.id}/{month}")["problems"]
    for month in running:
        rows += audit.rows_of(bucket.read(f"drafts/{history.id}/{month}/ledger-00000.csv") or b"")
        rows += audit.rows_of(bucket.read(f"drafts/{history.id}/{month}/ledger-00001.csv") or b"")
    return rows, found


def _published(history: History, closed: Sequence[str]) -> list[str]:
    """Of these months, the first one that is published and all after it."""
    bucket = Bucket(history.world)
    first = next((m for m in closed if bucket.read(f"ledgers/{history.id}/{m}/manifest.json")), None)
    return [month for month in closed if first and month >= first]


def problems_of_erasure(history: History, closed: Sequence[str]) -> list[str]:
    """Whom the system still knows of those it was to forget, and what no longer recomputes since it did."""
    found = []
    for customer in sorted(history.erased):
        body = {"program": history.id, "customer_id": customer}
        known = history.api("POST", "/v1/subjects", body).json
        if known["devices"] or known["clicks"] or known["orders"]:
            found.append(f"{customer} was erased, and is known by {known}")
    if history.erased:
        for month in _published(history, closed):
            found += history.world.order(f"verify/{history.id}/{month}")["problems"]
    return [f"{history.id}, after the erasure: {problem}" for problem in found]


def _conversions(history: History) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = history.api("GET", f"/v1/conversions?program={history.id}&limit=200{cursor}").json
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"


def _of_order(
    history: History,
    order: Order,
    conversion: str,
    versions: Sequence[Version],
    booked: dict[str, Row],
    spilled: set[str],
) -> Iterator[str]:
    receipt = history.api("GET", f"/v1/conversions/{conversion}/receipt").json
    if order.conversion not in {None, conversion}:
        yield f"{order.id} was acknowledged as {order.conversion} and is {conversion}"
    path = [
        Touch(step["click_id"], step["partner"], datetime.fromisoformat(step["at"]))
        for step in receipt["path"]
    ]
    yield from oracle.wrong_path(history, order, path, spilled)
    should = oracle.expected(history, order, path, versions)
    if receipt["state"].replace("paid", "approved") != should.state:
        yield f"{order.id} is {receipt['state']} and should be {should.state}"
    stands: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    mine = {row["entry_id"] for row in booked.values() if row["conversion_id"] == conversion}
    if mine != {entry["id"] for entry in receipt["entries"]}:
        yield f"{order.id}: the ledger's lines are not those of the receipt"
    for entry in mine:
        row = booked[entry]
        if row["kind"] in EARNING:
            stands[row["partner"]][0] += _minor(history, row["sale_amount"])
            stands[row["partner"]][1] += _minor(history, row["commission_amount"])
    for partner in sorted({*stands, *should.stands}):
        found, wanted = tuple(stands[partner]), should.stands.get(partner, (0, 0))
        if found != wanted:
            yield f"{order.id}: {partner} has {found} (sale, commission) and should have {wanted}"
    yield from _released(history, order, [booked[entry] for entry in mine], should.state)


def _released(history: History, order: Order, rows: Sequence[Row], state: str) -> Iterator[str]:
    """A release pays once, and not more than stood."""
    released: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["kind"] == "release":
            if row["partner"] in released:
                yield f"{order.id}: {row['partner']} is released twice"
            released[row["partner"]] += _minor(history, row["commission_amount"])
    if state in {"held", "unattributed"} and released:
        yield f"{order.id} is {state}, and money of it was released"


def _by_hand(history: History, booked: dict[str, Row]) -> Iterator[str]:
    found = sorted(
        (row["partner"], _minor(history, row["commission_amount"]))
        for row in booked.values()
        if row["event"] == "bonus"
    )
    if found != sorted(history.bonuses.values()):
        yield f"bonuses are {found} and should be {sorted(history.bonuses.values())}"


def _paid(history: History, rows: Sequence[Row]) -> Iterator[str]:
    bucket = Bucket(history.world)
    due: dict[str, int] = defaultdict(int)
    for month in history.paid_months:
        for row in audit.rows_of(bucket.read(f"ledgers/{history.id}/{month}/payouts.csv") or b""):
            due[row["partner"]] += _minor(history, row["due"])
    paid: dict[str, int] = defaultdict(int)
    for row in rows:
        if row["kind"] == "payout":
            paid[row["partner"]] += _minor(history, row["commission_amount"])
    if {k: v for k, v in due.items() if v} != {k: v for k, v in paid.items() if v}:
        yield f"paid are {dict(paid)} and due were {dict(due)}"


def _reports(history: History, rows: Sequence[Row]) -> Iterator[str]:
    """What the counters say is what the ledger says, and no click is missing."""
    totals = history.api("GET", f"/v1/stats?program={history.id}").json["totals"]
    if not history.hits["answered"] <= totals["clicks"] <= history.hits["sent"]:
        yield f"{totals['clicks']} clicks are counted of {history.hits}"
    earning = [row for row in rows if row["kind"] in EARNING]
    for name, column in (("revenue", "sale_amount"), ("commission", "commission_amount")):
        booked = sum(_minor(history, row[column]) for row in earning if row["event"] != "bonus")
        by_hand = sum(_minor(history, row[column]) for row in earning if row["event"] == "bonus")
        if totals[name] not in {booked, booked + by_hand}:
            yield f"reports say {name} {totals[name]}, the ledger {booked} and {by_hand} by hand"


def _minor(history: History, amount: str) -> int:
    return int(Decimal(amount).scaleb(CURRENCIES[history.currency]))
