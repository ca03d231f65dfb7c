"""Promo codes: each belongs to one partner of a program."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.partner import Coupon, fold_coupon
from chalicelib.domain.review import refuse, review_coupon
from chalicelib.services import healing, links
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed


def create(stores: Stores, coupon: Coupon, now: datetime) -> tuple[Coupon, bool]:
    """The coupon as it is stored, and whether this call created it.

    What could not be attributed so far is decided again, on a retry too: the first try may have ended before.

    Raises:
        Refused: `coupon_invalid`, `time_invalid`, `max_uses_invalid`.
        NotFound: `program_unknown`; `partner_not_enrolled`, whether or not there is such a partner.
        Conflict: `coupon_taken`, by another partner of the program.
    """
    refuse(review_coupon(coupon))
    program = stores.catalogue.program(coupon.program)
    if stores.catalogue.find_enrollment(program.id, coupon.partner) is None:
        raise links.not_enrolled()
    created = stores.catalogue.add_coupon_once(coupon)
    kept = coupon if created else stores.catalogue.find_coupon(program.id, fold_coupon(coupon.code))
    if kept is None or kept.partner != coupon.partner:
        raise Conflict("coupon_taken", "this code belongs to another partner", "code")
    healing.wake_unattributed(stores, program.id, now)
    return kept, created


def change(stores: Stores, program_id: str, code: str, bounds: Mapping[str, Any], now: datetime) -> Coupon:
    """The coupon with these bounds: `starts_at`, `ends_at` (instants), `max_uses`; None for no bound.

    It holds for orders that are told from now on, and for those that found nobody so far. What an order was
    told under stays with it.

    Raises:
        NotFound: `program_unknown`, `coupon_unknown`.
        Refused: `time_invalid`, `max_uses_invalid`.
        Conflict: `coupon_changed` by somebody else meanwhile.
    """
    known = _find(stores, program_id, code)
    changed = replace(known, **bounds)
    refuse(review_coupon(changed))
    _store(stores, known, changed)
    healing.wake_unattributed(stores, program_id, now)
    return changed


def end(stores: Stores, program_id: str, code: str, now: datetime) -> None:
    """Let the code count no more for orders from now on; one that ended before stays as it is.

    It goes on belonging to its partner, so that an order of before, told late, finds the right one.

    Raises:
        NotFound: `program_unknown`, `coupon_unknown`.
        Conflict: `coupon_changed` by somebody else meanwhile.
    """
    coupon = _find(stores, program_id, code)
    if coupon.ends_at is None or coupon.ends_at > now:
        _store(stores, coupon, replace(coupon, ends_at=now))


def _find(stores: Stores, program_id: str, code: str) -> Coupon:
    found = stores.catalogue.find_coupon(stores.catalogue.program(program_id).id, fold_coupon(code))
    if found is None:
        raise NotFound("coupon_unknown", "there is no such promo code", "code")
    return found


def _store(stores: Stores, known: Coupon, coupon: Coupon) -> None:
    try:
        stores.catalogue.set_coupon_bounds(known, coupon)
    except ConditionFailed as error:
        raise Conflict("coupon_changed", "the promo code was changed meanwhile; read it again") from error
