"""Terms: published as new versions, never edited."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.review import refuse, review_terms
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
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
) -> tuple[Terms, bool]:
    """The newest version, in force from now on, and whether this call published it.

    The same terms as the newest version's are that version: a retry publishes nothing twice. What could
    not be attributed so far is decided again, on a retry too: the first try may have ended before.

    Raises:
        NotFound: `program_unknown`.
        Refused: with everything that is wrong with the terms.
        Unavailable: `storage_busy`, where others keep publishing.
    """
    program = stores.catalogue.program(program_id)
    wanted = Terms(program.id, 1, now, attribution, hold_days, tuple(commissions))
    refuse(review_terms(wanted))
    terms, created = _add(stores, wanted)
    stores.warm.clear()
    healing.wake_unattributed(stores, program.id, now)
    return terms, created


def _add(stores: Stores, wanted: Terms) -> tuple[Terms, bool]:
    for _ in range(_ATTEMPTS):
        newest = next(reversed(stores.catalogue.terms(wanted.program)), None)
        if newest and _same(newest, wanted):
            return newest, False
        terms = replace(wanted, version=newest.version + 1) if newest else wanted
        if stores.catalogue.add_terms_once(terms):
            return terms, True
    raise Unavailable("storage_busy", "others are publishing terms; try again")


def _same(one: Terms, other: Terms) -> bool:
    return (one.attribution, one.hold_days, one.commissions) == (
        other.attribution,
        other.hold_days,
        other.commissions,
    )
