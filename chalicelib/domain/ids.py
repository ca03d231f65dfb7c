"""Identifiers: prefixed, URL-safe, lower case. Derived ones depend on their cause alone."""

import base64
import hashlib
import re

from chalicelib.domain.errors import Invalid

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,46}[a-z0-9])?", re.ASCII)
"""What a caller may choose as the id of a program or partner: 1 to 48 of `a-z 0-9 - _`."""


def check_slug(text: str, field: str) -> str:
    """The text itself, where it may be an id chosen by the caller.

    Raises:
        Invalid: `id_invalid`.
    """
    if not SLUG.fullmatch(text):
        raise Invalid("id_invalid", "an id is 1 to 48 of a-z, 0-9, - and _, between letters or digits", field)
    return text


def from_bytes(prefix: str, raw: bytes) -> str:
    """`prefix_` and the bytes in lower-case base32 without padding."""
    return f"{prefix}_{base64.b32encode(raw).decode().rstrip('=').lower()}"


def derive(prefix: str, *parts: str) -> str:
    """An id that the same parts always give, and (at 128 bits) no others.

    Each part is prefixed with its length, so ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return from_bytes(prefix, digest.digest()[:16])


def conversion_id(program: str, event: str, order_id: str) -> str:
    """The id of the conversion that this order is: the primary key is the deduplication."""
    return derive("cnv", program, event, order_id)


def shard_of(conversion: str, shards: int) -> int:
    """The shard of the journal that holds this conversion's entries."""
    return int.from_bytes(hashlib.sha256(conversion.encode()).digest()[:4], "big") % shards
