"""Which promo code decides on an order, and the order's place among the uses of a code that has a limit.

A use is an order that tells the code and that somebody whom the program trusts vouches for, unless it was
rejected; a refund gives nothing back, as at a shop's checkout. Uses follow one another by the time when the
orders occurred, those of one instant by their ids: so the first hundred are the same in whatever order they
were told, whether or not they earned anything by the code.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.conversion import CouponMatch


@dataclass(frozen=True, slots=True)
class Use:
    """That an order is a use of the code, and how many uses earn by the code as this order was told it."""

    code: str
    occurred_at: datetime
    limit: int


def deciding(coupons: Sequence[CouponMatch], at: datetime) -> CouponMatch | None:
    """The code that decides on an order of that time: a trusted one, then by code, however they were told.

    Where the same code was told under several limits, the widest one holds.
    """
    owned = [coupon for coupon in coupons if coupon.partner and coupon.covers(at)]
    best = min(owned, key=_preference, default=None)
    if best is None:
        return None
    limits = [coupon.max_uses for coupon in owned if _preference(coupon) == _preference(best)]
    known = [limit for limit in limits if limit is not None]
    return replace(best, max_uses=max(known) if len(known) == len(limits) else None)


def _preference(coupon: CouponMatch) -> tuple[bool, str, str]:
    return (not coupon.trusted, coupon.code, coupon.partner or "")
