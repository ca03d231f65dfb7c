"""Terms: published as new versions, never edited."""

from collections.abc import Sequence
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
    not be attributed so far is decided again.

    Raises:
        NotFound: `program_unknown`.
        Refused: with everything that is wrong with the terms.
        Unavailable: `storage_busy`, where others keep publishing.
    """
    program = stores.catalogue.program(program_id)
    wanted = Terms(program.id, 1, now, attribution, hold_days, tuple(commissions))
    refuse(review_terms(wanted))
    for _ in range(_ATTEMPTS):
        newest = next(reversed(stores.catalogue.terms(program.id)), None)
        if newest and _same(newest, wanted):
            return newest, newest.starts_at == now
        number = newest.version + 1 if newest else 1
        terms = Terms(program.id, number, now, attribution, hold_days, tuple(commissions))
        if stores.catalogue.add_terms_once(terms):
            healing.wake_unattributed(stores, program.id, now)
            return terms, True
    raise Unavailable("storage_busy", "others are publishing terms; try again")


def _same(one: Terms, other: Terms) -> bool:
    return (one.attribution, one.hold_days, one.commissions) == (
        other.attribution,
        other.hold_days,
        other.commissions,
    )
