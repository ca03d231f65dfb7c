"""Terms: published as new versions, never edited."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.review import refuse
from chalicelib.domain.terms import Attribution, CommissionRule, MonthlyRule, Terms
from chalicelib.domain.terms_review import review_terms
from chalicelib.services import healing
from chalicelib.storage.stores import Stores

_ATTEMPTS = 5


def publish(
    stores: Stores,
    program_id: str,
    attribution: Attribution,
    hold_days: int,
    commissions: Sequence[CommissionRule],
    now: datetime,
    monthly: Sequence[MonthlyRule] = (),
) -> Terms:
    """A new version, in force from now on. What could not be attributed so far is decided again.

    Raises:
        NotFound: `program_unknown`.
        Refused: with everything that is wrong with the terms.
        Unavailable: `storage_busy`, where others keep publishing.
    """
    program = stores.catalogue.program(program_id)
    wanted = Terms(program.id, 1, now, attribution, hold_days, tuple(commissions), tuple(monthly))
    refuse(review_terms(wanted))
    terms = _add(stores, wanted)
    stores.warm.clear()
    healing.wake_unattributed(stores, program.id, now)
    return terms


def _add(stores: Stores, wanted: Terms) -> Terms:
    for _ in range(_ATTEMPTS):
        versions = stores.catalogue.terms(wanted.program)
        terms = replace(wanted, version=versions[-1].version + 1 if versions else 1)
        if stores.catalogue.add_terms_once(terms) or terms in stores.catalogue.terms(wanted.program):
            return terms
    raise Unavailable("storage_busy", "others are publishing terms; try again")
