"""Click tokens: the public id of a click, which verifies without a database; and the visitor's cookie.

A token is 44 bytes in unpadded base64url (59 characters): key id (1 byte), milliseconds since 1970 (6),
visitor (10), nonce (3), link number (8), and the first 16 bytes of an HMAC-SHA256 over a purpose salt and
the 28 bytes before it. Truncating to 128 bits follows RFC 2104, section 5; the salt keeps a signature made
for another purpose with the same key from being a token (as itsdangerous does). Check-ups have a purpose of
their own: a test's token is no click's, and a click's no test's.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.period import epoch_ms, from_epoch_ms

LENGTH = 59
"""Characters of every token."""

_SALT = b"linkledger.click-token.1\x00"
_COOKIE_SALT = b"linkledger.visitor-cookie.1\x00"
_TEST_SALT = b"linkledger.test-token.1\x00"
_TEST_COOKIE_SALT = b"linkledger.test-cookie.1\x00"
_PAYLOAD_BYTES = 28
_TAG_BYTES = 16
_LATEST_MS = 253_370_764_800_000
_SPELLING = re.compile(rf"[A-Za-z0-9_-]{{{LENGTH}}}", re.ASCII)
_COOKIE_SPELLING = re.compile(r"[A-Za-z0-9_-]{36}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says: which click, on which link, signed with which key.

    `key_id` is 0 to 255; `at` has whole milliseconds; `visitor` is 16 lower-case base32 characters;
    `nonce` 6 lower-case hex digits; `link_id` is `lnk_` and 13 base32 characters. With `visitor`, `at` and
    `nonce` the key of the click's row is complete but for the program, which the link knows.
    """

    key_id: int
    at: datetime
    visitor: str
    nonce: str
    link_id: str


def sign(token: Token, key: bytes, *, is_test: bool = False) -> str:
    """The token's text; a test's where it is for a check-up.

    Raises:
        ValueError: a part that does not have its form.
    """
    payload = b"".join(
        (
            token.key_id.to_bytes(1, "big"),
            epoch_ms(token.at).to_bytes(6, "big"),
            visitor_bytes(token.visitor),
            bytes.fromhex(token.nonce),
            link_bytes(token.link_id),
        )
    )
    if len(payload) != _PAYLOAD_BYTES:
        raise ValueError("a part of the token has the wrong length")
    tag = _tag(payload, key, _TEST_SALT if is_test else _SALT)
    return base64.urlsafe_b64encode(payload + tag).decode().rstrip("=")


def read(text: str, keys: Mapping[int, bytes], *, is_test: bool = False) -> Token | None:
    """What the token says, or None where its spelling, key, purpose or signature is wrong.

    Each token has one spelling: the two spare bits of the last character must be zero. The signature is
    compared in constant time.
    """
    if not _SPELLING.fullmatch(text):
        return None
    raw = base64.urlsafe_b64decode(text + "=")
    payload, tag = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
    key = keys.get(payload[0])
    genuine = hmac.compare_digest(tag, _tag(payload, key or b"", _TEST_SALT if is_test else _SALT))
    canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=") == text
    at_ms = int.from_bytes(payload[1:7], "big")
    if key is None or not genuine or not canonical or at_ms >= _LATEST_MS:
        return None
    return Token(
        key_id=payload[0],
        at=from_epoch_ms(at_ms),
        visitor=visitor_text(payload[7:17]),
        nonce=payload[17:20].hex(),
        link_id=link_id(payload[20:28]),
    )


def order_in_instant(text: str) -> bytes:
    """What sorts the clicks of one instant as they were made: their nonces, then all else of their tokens.

    Text in base64url does not sort as the bytes that it spells. What is no token sorts by its own letters.
    """
    if not _SPELLING.fullmatch(text):
        return text.encode()
    raw = base64.urlsafe_b64decode(text + "=")
    return raw[17:20] + raw


def sign_visitor(visitor: str, key_id: int, key: bytes, *, is_test: bool = False) -> str:
    """The cookie's text for a visitor: key id (1 byte), visitor (10) and 16 bytes of HMAC, in base64url.

    Signed, because a visitor can be read from any token, and whoever could set it as a cookie would put
    clicks of their own into somebody else's journey.
    """
    payload = key_id.to_bytes(1, "big") + visitor_bytes(visitor)
    salt = _TEST_COOKIE_SALT if is_test else _COOKIE_SALT
    return base64.urlsafe_b64encode(payload + _tag(payload, key, salt)).decode()


def read_visitor(text: str, keys: Mapping[int, bytes], *, is_test: bool = False) -> str | None:
    """The visitor that a cookie names, or None where its spelling, key, purpose or signature is wrong."""
    if not _COOKIE_SPELLING.fullmatch(text):
        return None
    raw = base64.urlsafe_b64decode(text)
    key = keys.get(raw[0])
    salt = _TEST_COOKIE_SALT if is_test else _COOKIE_SALT
    genuine = hmac.compare_digest(raw[11:], _tag(raw[:11], key or b"", salt))
    return visitor_text(raw[1:11]) if key is not None and genuine else None


def visitor_text(raw: bytes) -> str:
    """A visitor's 10 bytes as 16 lower-case base32 characters."""
    return base64.b32encode(raw).decode().lower()


def visitor_bytes(text: str) -> bytes:
    """A visitor's bytes.

    Raises:
        ValueError: no 16 lower-case base32 characters.
    """
    return _unbase32(text, 16)


def link_id(raw: bytes) -> str:
    """A link's id from its 8-byte number."""
    return "lnk_" + base64.b32encode(raw).decode().rstrip("=").lower()


def link_bytes(text: str) -> bytes:
    """The 8 bytes of a link's number.

    Raises:
        ValueError: no link's id.
    """
    if not text.startswith("lnk_"):
        raise ValueError("no link id")
    return _unbase32(text[4:], 13, "===")


def _unbase32(text: str, length: int, padding: str = "") -> bytes:
    if len(text) != length or text != text.lower():
        raise ValueError("not in lower-case base32 of the right length")
    try:
        return base64.b32decode(text.upper() + padding)
    except binascii.Error as error:
        raise ValueError("not base32") from error


def _tag(payload: bytes, key: bytes, salt: bytes) -> bytes:
    return hmac.digest(key, salt + payload, hashlib.sha256)[:_TAG_BYTES]
