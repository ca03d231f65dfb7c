"""Slowing down whoever tries out promo codes from a browser.

Somebody with a key can list the codes, so only calls without one are watched. What counts is how many
different unknown codes come from one place in an hour: a newsletter's code, which is no partner's, counts
once however many customers use it. Once it is too many, a code that exists is refused like one that does
not, so that the answer tells nothing. A known code costs one read, an unknown one a conditional write more.
"""

import hashlib
import hmac
from datetime import datetime

from chalicelib.domain.errors import RateLimited
from chalicelib.domain.partner import fold_coupon
from chalicelib.storage.stores import Stores

MAX_UNKNOWN = 20
"""Different unknown codes that may come from one place in an hour."""


def check(stores: Stores, program: str, source: str, coupon: str, now: datetime) -> None:
    """Let the code on, unless too many unknown ones came from that source, a digest (`addresses`).

    Raises:
        RateLimited: `coupon_guessing`, until the hour is over.
    """
    code = _digest(stores, fold_coupon(coupon))
    known = stores.guesses.of(program, source, now)
    if code in known:
        return
    if len(known) >= MAX_UNKNOWN:
        raise _limited(now)
    if stores.catalogue.find_coupon(program, fold_coupon(coupon)) is not None:
        return
    kept = stores.guesses.replace(program, source, now, known, (*known, code))
    if not kept and code not in stores.guesses.of(program, source, now):
        raise _limited(now)


def _limited(now: datetime) -> RateLimited:
    wait_s = 3600 - (now.minute * 60 + now.second)
    return RateLimited("coupon_guessing", "too many unknown promo codes came from here", "coupon", wait_s)


def _digest(stores: Stores, text: str) -> str:
    return hmac.new(
        stores.secrets.customer_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()[:20]
