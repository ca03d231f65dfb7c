"""The `Idempotency-Key` header (https://docs.stripe.com/api/idempotent_requests), as it is understood here.

Nothing is kept under a key for a while, because nothing that expires may guard money: a key is checked, and
names what has no other name.
"""

import hashlib
import re
from collections.abc import Mapping

from chalicelib.domain.errors import Invalid

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
"""Up to 255 characters, as at Stripe."""


def read_key(headers: Mapping[str, str]) -> str | None:
    """The key, where there is one.

    Raises:
        Invalid: `idempotency_key_invalid`.
    """
    key = headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid("idempotency_key_invalid", "an Idempotency-Key is 1 to 255 printable ASCII characters")
    return key


def id_of(key: str) -> str:
    """The id that something has whose request named it by its key alone: the same for ever."""
    return f"idem-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
