"""What other terms would have paid for the same facts, beside what stands in the books."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.conversion import Outcome, State
from chalicelib.domain.decision import Decision, decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.settings import NO_POLICY, Policy
from chalicelib.domain.journal import EARNING_KINDS, Books, Entry, Kind
from chalicelib.domain.monthly import Monthly, close
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.rates import Rates
from chalicelib.domain.receipt import receipt_text
from chalicelib.domain.settlement import Booked, settle
from chalicelib.domain.terms import Terms

Earned = dict[tuple[str, str], int]
"""Commission in minor units, by partner and currency; what is 0 is left out."""

MAX_SHOWN = 200
"""Changed conversions of which the result names the difference; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A conversion that the other terms pay otherwise.

    `reason` is why they decide as they do; `text` the receipt that it would have, in words.
    """

    conversion: str
    order_id: str
    before: Earned
    after: Earned
    reason: str
    text: str


@dataclass(slots=True)
class Difference:
    """The sum over conversions: what stands for them, and what the other terms would have paid."""

    conversions: int = 0
    changed: int = 0
    before: Earned = field(default_factory=dict)
    after: Earned = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    shown: list[Changed] = field(default_factory=list)
    months_before: Monthly = field(default_factory=Monthly)
    months_after: Monthly = field(default_factory=Monthly)

    def add(self, facts: Facts, booked: Booked, simulated: "Simulated") -> None:
        """Count one conversion in."""
        before, after = earned(booked.entries), earned(simulated.booked.entries)
        self.conversions += 1
        for entry in booked.entries:
            self.months_before.add(entry)
        for entry in simulated.booked.entries:
            self.months_after.add(entry)
        for key, amount in before.items():
            self.before[key] = self.before.get(key, 0) + amount
        for key, amount in after.items():
            self.after[key] = self.after.get(key, 0) + amount
        decision = simulated.decision
        if decision.outcome is Outcome.HELD:
            self.waiting[decision.reason] = self.waiting.get(decision.reason, 0) + 1
        if before != after:
            self.changed += 1
            if len(self.shown) < MAX_SHOWN:
                order = facts.effective.order_id
                text = receipt_text(facts, decision, simulated.booked.entries, simulated.state, None)
                self.shown.append(Changed(facts.id, order, before, after, decision.reason, text))

    def add_month(
        self, program: Program, month: Month, published: Sequence[Terms], versions: Sequence[Terms]
    ) -> None:
        """Add what the month as a whole gave, and would have given: tiers, milestones and caps."""
        for totals, sales, terms in (
            (self.before, self.months_before, published),
            (self.after, self.months_after, versions),
        ):
            for entry in close(sales, program, terms, month):
                if entry.kind is Kind.CORRECTION:
                    key = entry.partner, entry.currency
                    totals[key] = totals.get(key, 0) + entry.commission_minor


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the other terms decide, all that they would have booked by now, and where it would stand."""

    decision: Decision
    booked: Booked
    state: State


def simulate(
    facts: Facts,
    program: Program,
    versions: Sequence[Terms],
    rates: Rates,
    now: datetime,
    policy: Policy = NO_POLICY,
) -> Simulated:
    """Decide and book the facts from the beginning, under these terms alone."""
    decision = decide(facts, program, versions, rates, policy)
    books = Books(opened=Month.of(facts.effective.occurred_at, program.timezone))
    booked = Booked()
    while True:
        settled = settle(facts, decision, booked, program, books, now)
        if settled.due_at is None or settled.due_at > now or settled.booked == booked:
            return Simulated(decision, settled.booked, settled.state)
        booked = settled.booked


def earned(entries: Iterable[Entry]) -> Earned:
    """What the entries leave each partner with, before it is paid."""
    found: Earned = {}
    for entry in entries:
        if entry.kind in EARNING_KINDS:
            key = entry.partner, entry.currency
            found[key] = found.get(key, 0) + entry.commission_minor
    return {key: amount for key, amount in found.items() if amount}
