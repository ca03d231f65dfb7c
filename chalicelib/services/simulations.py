"""Draft terms, run over the facts of a past month before anybody publishes them.

Every conversion that occurred in the month is decided and booked again from its facts, under the draft
alone, and set beside what stands for it in the books. Nothing is written. The touches are those that the
conversions kept: a window longer than any that was published finds no older ones.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.review import refuse
from chalicelib.domain.simulation import Changed, Difference, Earned, simulate
from chalicelib.domain.terms import Terms
from chalicelib.domain.terms_review import review_terms
from chalicelib.services import customers
from chalicelib.services.conversions import occurred_in
from chalicelib.storage.catalogue_records import read_terms, terms_record
from chalicelib.storage.stores import Stores

EVERY = 100
"""Conversions between two notes of how far it is."""


def draft_text(draft: Terms) -> str:
    """The draft as text, reviewed as a publication would be.

    Raises:
        Refused: with everything that is wrong with the terms.
    """
    refuse(review_terms(draft))
    return json.dumps(terms_record(draft), separators=(",", ":"), sort_keys=True)


def read_draft(text: str) -> Terms:
    """The draft that `draft_text` wrote."""
    return read_terms(json.loads(text))


def run(
    stores: Stores,
    program: Program,
    month: Month,
    draft: Terms,
    now: datetime,
    note: Callable[[int], None] = lambda _: None,
) -> Difference:
    """The difference that the draft makes to the month; `note` is told how many conversions are behind."""
    rates, policy = stores.rates.of(program.id), stores.fraud.policy(program.id)
    difference = Difference()
    for found in occurred_in(stores, program, month, month):
        facts = customers.informed(stores, [draft], policy, found.facts)
        simulated = simulate(facts, program, [draft], rates, now, policy)
        difference.add(found.facts, found.booked, simulated)
        if difference.conversions % EVERY == 0:
            note(difference.conversions)
    difference.add_month(program, month, stores.catalogue.terms(program.id), [draft])
    return difference


def as_result(program: Program, month: Month, difference: Difference) -> dict[str, Any]:
    """The difference as JSON: by partner, in total, and the first of the conversions that it changes."""
    return {
        "program": program.id,
        "month": str(month),
        "conversions": difference.conversions,
        "changed": difference.changed,
        "waiting": difference.waiting,
        "partners": _rows(difference.before, difference.after),
        "totals": _rows(_by_currency(difference.before), _by_currency(difference.after)),
        "receipts": [_changed(changed) for changed in difference.shown],
    }


def _by_currency(amounts: Earned) -> Earned:
    totals: Earned = {}
    for (_, currency), amount in amounts.items():
        totals["", currency] = totals.get(("", currency), 0) + amount
    return totals


def _rows(before: Earned, after: Earned) -> list[dict[str, Any]]:
    return [
        ({"partner": partner} if partner else {})
        | {
            "currency": currency,
            "published": before.get((partner, currency), 0),
            "simulated": after.get((partner, currency), 0),
            "difference": after.get((partner, currency), 0) - before.get((partner, currency), 0),
        }
        for partner, currency in sorted({*before, *after})
    ]


def _changed(changed: Changed) -> dict[str, Any]:
    return {
        "conversion": changed.conversion,
        "order_id": changed.order_id,
        "reason": changed.reason,
        "partners": _rows(changed.before, changed.after),
        "text": changed.text,
    }
