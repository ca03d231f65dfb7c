"""Promo codes: each belongs to one partner of a program."""

from datetime import datetime

from chalicelib.domain.errors import Conflict
from chalicelib.domain.partner import Coupon, fold_coupon
from chalicelib.domain.review import refuse, review_coupon
from chalicelib.services import healing, links
from chalicelib.storage.stores import Stores


def create(stores: Stores, coupon: Coupon, now: datetime) -> tuple[Coupon, bool]:
    """The coupon as it is stored, and whether this call created it.

    What could not be attributed so far is decided again, on a retry too: the first try may have ended before.

    Raises:
        Refused: `coupon_invalid`.
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
