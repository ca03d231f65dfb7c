"""The partners' rules: looked at with every reconcile, over the daily counts, never while somebody waits.

What a rule finds is kept once a month for each partner. Where the program has the rule stop money, each
sale of the partner whose hold is not over is told of the finding (`services.partner_findings`). What is
released or paid stays.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib import observe
from chalicelib.domain.counts import day_of
from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.checks import BROKEN
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.traffic import by_partner
from chalicelib.domain.period import Month, local_day
from chalicelib.domain.program import Program
from chalicelib.services import partner_findings
from chalicelib.services.settle import Rules
from chalicelib.storage.conversion_records import Feed
from chalicelib.storage.fraud import Finding
from chalicelib.storage.stores import Stores

DAYS = 30
"""The days of counts that the rules look at, today included."""

MOST_ORDERS = 500
"""Orders of each shard that wait for a confirmation and are looked at, the newest first."""


def look(stores: Stores, rules: Rules, now: datetime) -> list[Finding]:
    """What the rules find today and did not find before this month, kept; and its sales are told of it."""
    found = list(_find(stores, rules, now))
    new = [finding for finding in found if stores.fraud.add_finding_once(finding)]
    for finding in new:
        observe.count("fraud_found")
        observe.info("fraud_found", program=finding.program, partner=finding.partner, rule=finding.rule)
    partner_findings.lift(stores, rules.program, now)
    partner_findings.reach(stores, rules.program, now)
    return new


def traffic_of(stores: Stores, program: Program, first_day: str, last_day: str) -> list[Traffic]:
    """Each partner's traffic in these days, by the counts."""
    cells = [
        *stores.counts.cells(program.id, "clicks", first_day, last_day),
        *stores.counts.cells(program.id, "money", first_day, last_day),
    ]
    return by_partner(cells, last_day, _unconfirmed_orders(stores, program))


def _find(stores: Stores, rules: Rules, now: datetime) -> Iterator[Finding]:
    arms = rules.policy.arms(now)
    timezone = rules.program.timezone
    month, today = Month.of(now, timezone), local_day(now, timezone)
    first_day, last_day = (today - timedelta(days=DAYS - 1)).isoformat(), today.isoformat()
    ends = day_of(month.end(timezone) - timedelta(milliseconds=1), timezone)
    for broken in arms.broken:
        observe.error("fraud_setting_broken", program=rules.program.id, rule=broken.name)
        words = f"{BROKEN}: {broken.words}"
        yield Finding(
            rules.program.id, "", broken.name, 0, Action.FLAG, str(month), last_day, ends, words, now
        )
    for traffic in traffic_of(stores, rules.program, first_day, last_day):
        for armed in arms.partner:
            trace = armed.find(traffic, armed.values)
            if trace is not None:
                yield Finding(
                    rules.program.id,
                    traffic.partner,
                    armed.name,
                    armed.version,
                    armed.action,
                    str(month),
                    first_day,
                    ends,
                    trace.words,
                    now,
                    dict(trace.evidence),
                )


def _unconfirmed_orders(stores: Stores, program: Program) -> dict[str, list[int]]:
    """Numeric ids of orders that only a browser told and nobody confirmed, by partner."""
    orders: dict[str, list[int]] = {}
    for shard in range(program.shards):
        page, _ = stores.conversion_queue.list_page(program.id, shard, Feed.HELD, MOST_ORDERS, None)
        for listed in page:
            order = listed.report.order_id
            if listed.report.from_browser and order.isascii() and order.isdigit() and len(order) <= 18:
                for partner in listed.partners:
                    orders.setdefault(partner, []).append(int(order))
    return orders
