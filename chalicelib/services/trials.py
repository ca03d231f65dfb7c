"""A program to try a deployed stage with, apart from everything real, and gone when it was tried."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from chalicelib.domain.credentials import Scope
from chalicelib.domain.program import Consent, Method, Program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.services import keys
from chalicelib.storage.stores import Stores

LASTS = timedelta(hours=1)
"""How long a trial's key verifies; one that was not ended by then is taken away by the next."""

_SKEW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Ready:
    """A trial program's id, and the text of its key."""

    program: str
    key: str


@contextmanager
def trial(stores: Stores, url: str, now: datetime) -> Iterator[Ready]:
    """A program whose links lead to the app's own tag at `url`, with a merchant's key, for a moment.

    Its check-ups are kept for their seven days, apart from every number, as all check-ups are.

    Raises:
        Unavailable: storage is away.
    """
    for left in stores.trials.all():
        if now - left.began_at > LASTS:
            stores.trials.end(left)
    program_id, text = f"trial-{secrets.token_hex(6)}", keys.new_text()
    began = stores.trials.begin(
        _program(program_id, url, now),
        # The app's clock may be a little behind.
        Terms(
            program_id, 1, now - _SKEW, Attribution(), 0, (CommissionRule("sale", "percent", rate_bp=1000),)
        ),
        replace(
            keys.key_of(text, frozenset({Scope.MERCHANT}), program_id, None, now), expires_at=now + LASTS
        ),
    )
    try:
        yield Ready(program_id, text)
    finally:
        stores.trials.end(began)


def _program(program_id: str, url: str, now: datetime) -> Program:
    return Program(
        id=program_id,
        name="Trial of a deployment",
        domains=(urlsplit(url).hostname or "",),
        currency="EUR",
        default_url=f"{url}/tag.js",
        created_at=now,
        postback_token=secrets.token_urlsafe(24),
        methods=frozenset({Method.API}),
        consent=Consent.EXEMPT,
        shards=1,
    )
