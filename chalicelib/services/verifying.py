"""Checking a closed month from the facts alone: its chain, its bytes, and where every entry comes from.

Only reads: an auditor's key to the bucket and the tables needs no more than that.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.decision import decide
from chalicelib.domain.errors import NotFound, Unavailable
from chalicelib.domain.facts import Facts
from chalicelib.domain.journal import Books, Entry, Kind
from chalicelib.domain.period import Month
from chalicelib.domain.settlement import Booked, settle
from chalicelib.services import customers, months
from chalicelib.services.folders import published_folder
from chalicelib.services.months import sha256_of
from chalicelib.services.publishing import Extent, written
from chalicelib.services.settle import Rules, rules_of
from chalicelib.storage.erasures import ERASED_CLICK
from chalicelib.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Verified:
    """How much was looked at, and everything that is wrong (nothing, as it should be)."""

    months: int
    entries: int
    problems: tuple[str, ...]


def verify(stores: Stores, program_id: str, month: Month) -> Verified:
    """Check a closed month: the chain to it from the first one, its bytes, and each of its entries.

    Raises:
        NotFound: `program_unknown`; `ledger_unknown`, the month isn't closed.
        Unavailable: storage is away.
    """
    rules = rules_of(stores, program_id)
    books = stores.journal.books(rules.program)
    if books.closed_through is None or not books.opened <= month <= books.closed_through:
        raise NotFound("ledger_unknown", "there is no published ledger for this month")
    problems = [*_chain(stores, rules, books, month), *_recomputed(stores, rules, books, month)]
    entries = 0
    for shard in range(rules.program.shards):
        for entry in stores.journal.entries(program_id, month, shard):
            entries += 1
            problems += [f"{entry.id}: {problem}" for problem in _unexplained(stores, rules, entry)]
    chained = 12 * (month.year - books.opened.year) + month.number - books.opened.number + 1
    return Verified(chained, entries, tuple(problems))


def _chain(stores: Stores, rules: Rules, books: Books, until: Month) -> Iterator[str]:
    """What is wrong with each month up to this one: its link to the month before, and its files' hashes."""
    program = rules.program
    expected: dict[str, str] | None = None
    month = books.opened
    while month <= until:
        body = stores.bucket.find(published_folder(program.id, month) + "manifest.json")
        if body is None:
            yield f"{month}: there is no manifest"
            return
        if not _is_linked(body, expected):
            yield f"{month}: not chained to the month before"
        yield from _changed_parts(stores, program.id, month, json.loads(body))
        expected = {"month": str(month), "sha256": sha256_of(body)}
        if month == books.closed_through and expected["sha256"] != books.sha256:
            yield f"{month}: the manifest is not the one that the books name"
        month = month.next()
    if until != books.closed_through:
        following = stores.bucket.find(published_folder(program.id, month) + "manifest.json")
        if following is None or not _is_linked(following, expected):
            yield f"{month}: not chained to the month before"


def _is_linked(manifest: bytes, expected: dict[str, str] | None) -> bool:
    return bool(json.loads(manifest)["previous"] == expected)


def _changed_parts(stores: Stores, program: str, month: Month, manifest: dict[str, Any]) -> Iterator[str]:
    folder = published_folder(program, month)
    for part in manifest["parts"]:
        try:
            same = stores.bucket.sha256(folder + part["name"]) == part["sha256"]
        except Unavailable as failure:
            if failure.code != "object_missing":
                raise
            same = False
        if not same:
            yield f"{month}: {part['name']} is not what the manifest says"


def _recomputed(stores: Stores, rules: Rules, books: Books, month: Month) -> Iterator[str]:
    """How the files differ when they are written anew from the journal."""
    program = rules.program
    body = stores.bucket.find(published_folder(program.id, month) + "manifest.json")
    manifest: dict[str, Any] = json.loads(body) if body else {"engine": "", "parts": []}
    opening = months.opening_of(stores, program, month, books.opened)
    extent = Extent.of_parts([part["name"] for part in manifest["parts"]])
    with written(stores, program, month, opening, manifest["engine"], extent=extent) as files:
        published = {part["name"]: part["sha256"] for part in manifest["parts"]}
        again = {part.name: part.sha256 for part in files.parts}
        for name in sorted({*published, *again}):
            if published.get(name) != again.get(name):
                yield f"{month}: {name} comes out with other bytes"
        if files.manifest != body:
            yield f"{month}: manifest.json comes out with other bytes"


def _unexplained(stores: Stores, rules: Rules, entry: Entry) -> Iterator[str]:
    """What is missing behind an entry: the cause that booked it, and for an accrual the facts' own sum."""
    program = rules.program.id
    if entry.kind is Kind.PAYOUT:
        batch = Month.parse(entry.basis[-7:])
        marks = {m.entry: m.amount_minor for m in stores.payouts.marks(program, batch)}
        if marks.get(entry.id) != entry.commission_minor:
            yield "no payment of its batch has it"
        return
    if entry.basis.startswith("by "):
        key = entry.cause.partition(" ")[2].partition(": ")[0]
        asked = stores.journal.find_by_hand(program, key)
        if asked is None or asked[1] != entry:
            yield "nobody asked for it"
        return
    found = stores.conversions.find(entry.conversion)
    if found is None or entry not in found.booked.entries:
        yield "its conversion does not have it"
    elif entry.kind is Kind.ACCRUAL and not _follows(stores, rules, entry):
        yield "it does not follow from its conversion's facts"


def _follows(stores: Stores, rules: Rules, accrual: Entry) -> bool:
    """Whether the facts, as they were known at some time, lead to this accrual and no other."""
    for grown in stores.conversions.grown(accrual.conversion):
        for facts in customers.as_was_known(stores, rules.versions, rules.policy, grown):
            decided = _accruals(rules, _without_takings(facts), accrual)
            if any(_as_booked(entry, accrual) == accrual for entry in decided):
                return True
    return False


def _as_booked(entry: Entry, accrual: Entry) -> Entry:
    """The entry as it would have been booked then, when its click may not have been erased yet."""
    named = re.escape(entry.basis)
    pattern = re.sub(rf"{re.escape(re.escape(ERASED_CLICK))}[0-9]+", "[A-Za-z0-9_-]+", named)
    basis = accrual.basis if re.fullmatch(pattern, accrual.basis) else entry.basis
    return replace(entry, month=accrual.month, booked_at=accrual.booked_at, basis=basis)


def _accruals(rules: Rules, facts: Facts, accrual: Entry) -> tuple[Entry, ...]:
    decision = decide(facts, rules.program, rules.versions, rules.rates, rules.policy)
    books = Books(opened=accrual.month)
    now = facts.report.received_at
    return settle(facts, decision, Booked(), rules.program, books, now).entries


def _without_takings(facts: Facts) -> Facts:
    """Without refunds, voids and rejections, which never change what was accrued before."""
    approvals = tuple(a for a in facts.adjustments if a.kind is AdjustmentKind.APPROVE)
    return replace(facts, adjustments=approvals)
