"""Settling one conversion: load what is known, decide, book what is missing, in one transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.conversion import Outcome, State
from chalicelib.domain.decision import Decision, decide
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.settings import NO_POLICY, Policy
from chalicelib.domain.journal import Books
from chalicelib.domain.program import Program
from chalicelib.domain.rates import NO_RATES, Rates
from chalicelib.domain.settlement import Settlement, settle
from chalicelib.domain.terms import Terms
from chalicelib.services import additions, capture, customers, evidence, partner_findings, uses
from chalicelib.storage.conversion_records import Conversion, Feed
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

_ATTEMPTS = 8
_UNDECIDED = frozenset({Feed.DUE, Feed.QUARANTINED})


class Result(StrEnum):
    """What settling a conversion came to."""

    BOOKED = "booked"
    BOOKED_IN_PART = "booked_in_part"
    DECIDED = "decided"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a program's conversions are settled under; read once for many of them."""

    program: Program
    versions: Sequence[Terms]
    rates: Rates = NO_RATES
    policy: Policy = NO_POLICY


def rules_of(stores: Stores, program_id: str) -> Rules:
    """The program, its terms, exchange rates and fraud rules as they are now."""
    program = stores.catalogue.program(program_id)
    rates = stores.rates.of(program_id)
    return Rules(program, stores.catalogue.terms(program_id), rates, stores.fraud.policy(program_id))


def settle_conversion(stores: Stores, rules: Rules, conversion: str, now: datetime) -> Result:
    """Bring one conversion to where its facts say that it is at `now`.

    Safe to repeat and to run beside others: everything is booked against the version that was read, and
    the months' gates. Where a month froze meanwhile, the next open one takes the entries. What one
    transaction can't carry is booked in several.

    Raises:
        Unavailable: storage is away, or others kept changing it; it stays in the queue.
    """
    while (result := _settle_part(stores, rules, conversion, now)) is Result.BOOKED_IN_PART:
        pass
    return result


def _settle_part(stores: Stores, rules: Rules, conversion: str, now: datetime) -> Result:
    full_month: Books | None = None
    for _ in range(_ATTEMPTS):
        found = stores.conversions.find(conversion)
        if found is None:
            return Result.UNCHANGED
        books = full_month or stores.journal.books(rules.program)
        full_month = None
        if found.facts.effective.occurred_at >= now:
            # Told since the rules were read, which may have been followed by others.
            rules = rules_of(stores, rules.program.id)
        try:
            if _heals(found) and _heal(stores, rules, found, now):
                continue
            facts = customers.informed(stores, rules.versions, rules.policy, found.facts)
            if (noted := uses.marked(facts)) != found.use:
                stores.conversion_queue.note_use(found, noted, now)
                continue
            if customers.shown(rules.versions, rules.policy, facts) != found.shown:
                customers.wake_later(stores, rules.program, found, now)
            uses.wake_moved(stores, rules.program, found, now)
            return _settle_once(stores, rules, found, facts, books, now)
        except ConditionFailed as failure:
            if books.closing and 0 not in failure.failed:
                full_month = replace(books, closed_through=books.closing, closing=None)
    raise Unavailable("storage_busy", "the conversion is being changed by others")


def _settle_once(
    stores: Stores, rules: Rules, found: Conversion, facts: Facts, books: Books, now: datetime
) -> Result:
    decision = decide(facts, rules.program, rules.versions, rules.rates, rules.policy)
    if _may_be_stopped(rules, found, decision):
        partners = capture.partners_of(decision)
        if partner_findings.tell_standing(stores, rules.program, found, partners, now):
            return Result.BOOKED_IN_PART
    settlement = settle(facts, decision, found.booked, rules.program, books, now)
    if found.feed not in _UNDECIDED and not _changes(found, settlement):
        return Result.UNCHANGED
    for month in sorted({entry.month for entry in settlement.entries}):
        stores.journal.mark_dirty(rules.program.id, month, found.shard, now, secrets.token_hex(8))
    shown = customers.shown(rules.versions, rules.policy, facts)
    stores.conversions.settle(found, settlement, _partners(found, decision), books, shown)
    if settlement.due_at is not None and settlement.due_at <= now:
        return Result.BOOKED_IN_PART
    return Result.BOOKED if settlement.entries else Result.DECIDED


def _may_be_stopped(rules: Rules, found: Conversion, decision: Decision) -> bool:
    """Whether its money is on its way, in a program whose rules may stop a partner's."""
    on_its_way = decision.outcome is Outcome.RECORDED and not found.booked.released
    return on_its_way and bool(rules.policy.versions)


def _changes(found: Conversion, settlement: Settlement) -> bool:
    return bool(settlement.entries) or settlement.booked != found.booked or settlement.state != found.state


def _partners(found: Conversion, decision: Decision) -> tuple[str, ...]:
    """Everybody whose balance this conversion touches or touched."""
    booked = (entry.partner for entry in found.booked.entries)
    return tuple(dict.fromkeys([*capture.partners_of(decision), *booked]))


def _heals(found: Conversion) -> bool:
    return found.feed is Feed.DUE and found.state is State.UNATTRIBUTED


def _heal(stores: Stores, rules: Rules, found: Conversion, now: datetime) -> bool:
    """Look again for clicks, devices and codes; whether something new was found and kept.

    A code that somebody owns is looked up, too: its window may have changed since.
    """
    at = found.facts.effective.occurred_at
    again = [
        evidence.gather(stores, rules.program, found.facts.id, clue, at, now)
        for clue in capture.clues_of(rules.program, found.facts)
    ]
    return additions.add_news(stores, found, evidence.together(again), now)
