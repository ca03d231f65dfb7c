"""Standard Webhooks signatures (https://www.standardwebhooks.com), made and verified.

The scheme signs `{id}.{timestamp}.{body}` with HMAC-SHA256. Why this is not the `standardwebhooks`
package: docs/decisions/signatures.md.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.period import epoch_ms

TOLERANCE_S = 300
MAX_SIGNATURES = 16
SECRET_BYTES = 32

_PREFIX = "whsec_"
_ID = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v1,([A-Za-z0-9+/]{43}=)", re.ASCII)
_DECOY = _PREFIX + base64.b64encode(bytes(SECRET_BYTES)).decode()


def new_secret() -> str:
    """A fresh signing secret: `whsec_` and the base64 of 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp_s: int, raw: bytes) -> str:
    """The value of `webhook-signature` for this message."""
    return "v1," + base64.b64encode(_mac(secret, message_id, str(timestamp_s), raw)).decode()


def verifies(
    live: Sequence[str], message_id: str, timestamp: str, signature: str, raw: bytes, now: datetime
) -> bool:
    """Whether one of the signatures is by one of the live secrets, not older or newer than 300 s.

    Never raises, whatever the header values hold. An id may have no dot: `a.1` at time 2 and `a` at time
    1.2 would sign the same bytes. Where there is no live secret the same work is done in vain, so that
    the time taken doesn't tell.
    """
    offered = signature.split(" ", MAX_SIGNATURES)
    well_formed = (
        _ID.fullmatch(message_id) is not None
        and _TIMESTAMP.fullmatch(timestamp) is not None
        and len(offered) <= MAX_SIGNATURES
    )
    if not well_formed or abs(epoch_ms(now) - int(timestamp) * 1000) > TOLERANCE_S * 1000:
        return False
    macs = [base64.b64decode(match[1]) for match in map(_SIGNATURE.fullmatch, offered) if match]
    found = False
    for secret in live or (_DECOY,):
        expected = _mac(secret, message_id, timestamp, raw)
        for mac in macs:
            found |= hmac.compare_digest(expected, mac)
    return found and bool(live)


def _mac(secret: str, message_id: str, timestamp: str, raw: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return hmac.digest(key, f"{message_id}.{timestamp}.".encode() + raw, hashlib.sha256)
