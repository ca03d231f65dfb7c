"""Replay a real web server log as clicks and a real order file as conversions, and check the books.

    python bench/replay.py ACCESS_LOG ORDERS

ACCESS_LOG is in Apache's combined format, ORDERS has a line an order: customer id, another id, date
(YYYYMMDD), number of CDs, dollars. The rules by which the two are brought together are in bench/README.md.
Everything goes through HTTP, to a local stack that this starts for itself. Ends with 1 when a check fails.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import audit, recompute
from bench.outside import Client, Program, Stack
from bench.records import Hit, Order, read_hits, read_orders

PARTNERS = 12
WINDOW_DAYS = 90
BATCH = 250


@dataclass
class Visitor:
    """One address with one agent, as a browser: it keeps its cookie and knows its clicks."""

    cookie: str | None = None
    clicks: list[tuple[datetime, str, str]] = field(default_factory=list)


@dataclass
class Replay:
    """What was sent, and what came back."""

    verdicts_sent: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    visitors: dict[tuple[str, str], Visitor] = field(default_factory=dict)
    told: dict[str, audit.Told] = field(default_factory=dict)

    @property
    def shoppers(self) -> list[Visitor]:
        """The visitors that hold a click token, in the order in which they first came."""
        return [visitor for visitor in self.visitors.values() if visitor.clicks]


def replay_hits(client: Client, program: Program, hits: Sequence[Hit]) -> Replay:
    """Send each line as a click at its own second, with its address, agent and referrer."""
    replay = Replay()
    at: datetime | None = None
    for hit in hits:
        if hit.at != at:
            at = hit.at
            client.at(at)
        partner = hit.partner(len(program.partners))
        visitor = replay.visitors.setdefault((hit.address, hit.agent), Visitor())
        click = client.click(program.codes[partner], hit, visitor.cookie)
        replay.verdicts_sent += 1
        replay.statuses[str(click.status)] += 1
        visitor.cookie = click.cookie or visitor.cookie
        if click.token:
            visitor.clicks.append((at, click.token, program.partners[partner]))
    return replay


def replay_orders(client: Client, program: Program, orders: Sequence[Order], replay: Replay) -> None:
    """Tell each day's orders in batches at that day's noon, and close each month as it becomes due."""
    shoppers = replay.shoppers
    customers = sorted({order.customer for order in orders})
    dealt = {customer: shoppers[number % len(shoppers)] for number, customer in enumerate(customers)}
    due = closing_times(orders)
    for day in by_day(orders):
        while due and due[0] <= day[0].at:
            close(client, due.pop(0))
        client.at(day[0].at)
        for first in range(0, len(day), BATCH):
            tell(client, program, day[first : first + BATCH], dealt, replay)
    while due:
        close(client, due.pop(0))


def tell(
    client: Client, program: Program, orders: Sequence[Order], dealt: dict[str, Visitor], replay: Replay
) -> None:
    """One batch; each order carries its visitor's last click and its customer."""
    bodies = []
    for order in orders:
        _, token, partner = dealt[order.customer].clicks[-1]
        clicked_at = dealt[order.customer].clicks[-1][0]
        within = order.at - clicked_at <= timedelta(days=WINDOW_DAYS)
        replay.told[order.id] = audit.Told(order.amount_minor, order.at, partner if within else None)
        bodies.append(
            {
                "program": program.id,
                "event": "sale",
                "order_id": order.id,
                "amount": order.amount_minor,
                "currency": "USD",
                "click_id": token,
                "customer_id": order.customer,
            }
        )
    for result in client.batch(bodies):
        replay.statuses[f"order {result}"] += 1


def by_day(orders: Sequence[Order]) -> Iterator[list[Order]]:
    """The orders of each day, in order."""
    day: list[Order] = []
    for order in sorted(orders, key=lambda order: (order.at, order.id)):
        if day and order.at != day[0].at:
            yield day
            day = []
        day.append(order)
    if day:
        yield day


def months(orders: Iterable[Order], hits: Sequence[Hit]) -> list[str]:
    """Every month from the first hit's to the last order's, as `YYYY-MM`."""
    last = max(order.at for order in orders)
    found = []
    month = hits[0].at.replace(day=1)
    while month <= last:
        found.append(f"{month:%Y-%m}")
        month = (month + timedelta(days=32)).replace(day=1)
    return found


def closing_times(orders: Sequence[Order]) -> list[datetime]:
    """24 hours after the end of each month that has passed by the time the last order's month is over."""
    first, last = min(order.at for order in orders), max(order.at for order in orders)
    times = []
    month = first.replace(day=1, hour=0)
    while month <= last:
        month = (month + timedelta(days=32)).replace(day=1)
        times.append(month + timedelta(days=1))
    return times


def close(client: Client, at: datetime) -> None:
    """Reconcile and close what is due at that time."""
    client.at(at)
    client.job("reconcile")
    client.job("close_month")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("access_log", type=Path)
    parser.add_argument("orders", type=Path)
    parser.add_argument("--hits", type=int, help="replay only the first so many lines of the log")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    hits = read_hits(chosen.access_log)[: chosen.hits]
    orders = read_orders(chosen.orders, after=hits[-1].at)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        with Stack(data_dir) as stack:
            client = Client(stack)
            client.at(hits[0].at)
            program = client.make_program(PARTNERS, WINDOW_DAYS)
            replay = replay_hits(client, program, hits)
            clicks_s = time.monotonic() - started
            print(f"{len(hits)} hits in {clicks_s:.0f} s ({len(hits) / clicks_s:.0f}/s)", flush=True)
            replay_orders(client, program, orders, replay)
            orders_s = time.monotonic() - started - clicks_s
            closes = len(closing_times(orders))
            print(f"{len(orders)} orders and {closes} closes in {orders_s:.0f} s", flush=True)
            report = audit.check(client, program, months(orders, hits), replay.told, len(hits))
        problems = recompute.problems(data_dir, program.id, list(report.manifests))
        report.compare("recomputed = published, after a restart: problems", [], problems)
    print_report(report, replay)
    print(f"{time.monotonic() - started:.0f} s in all")
    return 1 if report.failures else 0


def print_report(report: audit.Report, replay: Replay) -> None:
    """Counts, money, and each check with its result."""
    print(f"\nvisitors {len(replay.visitors)}, of them with a click token {len(replay.shoppers)}")
    for title, counts in (
        ("answers", replay.statuses),
        ("clicks by verdict", report.verdicts),
        ("conversions by state", report.states),
        ("entries by kind", report.kinds),
    ):
        print(f"\n{title}")
        for name, number in sorted(counts.items()):
            print(f"  {name:<24}{number:>12,}")
    print("\nmoney, USD")
    for name, amount in report.money.items():
        print(f"  {name:<24}{amount:>15,.2f}")
    print("\nchecks")
    for check in report.checks:
        print(f"  {'ok    ' if check.passed else 'FAILED'}  {check.name}: {check.detail}")


if __name__ == "__main__":
    print(f"started {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    sys.exit(main())
