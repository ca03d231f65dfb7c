"""Slowing down whoever tries out what lets people in: so many different tries from one place in an hour."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from chalicelib.domain.errors import LinkledgerError, RateLimited, Unauthenticated
from chalicelib.storage.stores import Stores


def note(stores: Stores, kind: str, source: str, what: str, most: int, now: datetime) -> None:
    """Count one more try of this kind; the same one counts once.

    Args:
        kind: what is tried, such as `sign-in`; not a program's id.
        source: where it comes from, as `addresses.source_of` gives it, or whom it concerns.
        what: the try itself, of which a digest is kept for two hours.
        most: so many different ones may come from there in an hour.

    Raises:
        RateLimited: `too_many_attempts`, until the hour is over.
    """
    place = f"@{kind}"
    digest = hmac.digest(stores.secrets.customer_key, f"{kind}\x00{what}".encode(), hashlib.sha256).hex()[:20]
    known = stores.guesses.of(place, source, now)
    if digest in known:
        return
    if len(known) >= most or not stores.guesses.replace(place, source, now, known, (*known, digest)):
        raise limited(now)


def check(stores: Stores, kind: str, source: str, most: int, now: datetime) -> None:
    """Let somebody on from whom not too many tries came.

    Raises:
        RateLimited: `too_many_attempts`, until the hour is over.
    """
    if len(stores.guesses.of(f"@{kind}", source, now)) >= most:
        raise limited(now)


@contextmanager
def wrong_ones(stores: Stores, kind: str, source: str, what: str, most: int, now: datetime) -> Iterator[None]:
    """Inside it, a refusal counts as a try; and once there were too many, nothing is let on."""
    check(stores, kind, source, most, now)
    try:
        yield
    except Unauthenticated:
        note(stores, kind, source, what, most, now)
        raise


def limited(now: datetime) -> LinkledgerError:
    """The refusal, with the time until the hour is over."""
    wait_s = 3600 - (now.minute * 60 + now.second)
    return RateLimited("too_many_attempts", "too many attempts; wait a while and try again", None, wait_s)
