"""Codes of links: what a partner may choose, and which choices could be taken for another code.

People type codes from print and read them aloud, so case carries no meaning: a code is stored, compared
and shown in lower case, and `GET /SUMMER` follows `summer`. Two codes that look alike cannot both exist.
"""

import re

from chalicelib.domain.errors import Invalid

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""What generated codes are made of: no 0, 1, i, l, o, which are misread."""

GENERATED_LENGTH = 8

RESERVED = frozenset(
    {
        "about",
        "account",
        "admin",
        "api",
        "app",
        "assets",
        "billing",
        "collect",
        "console",
        "docs",
        "favicon",
        "health",
        "help",
        "hooks",
        "index",
        "legal",
        "local",
        "login",
        "logout",
        "p",
        "pixel",
        "portal",
        "postback",
        "privacy",
        "qr",
        "robots",
        "sitemap",
        "static",
        "status",
        "support",
        "tag",
        "terms",
        "v1",
        "v2",
        "v3",
        "well-known",
        "www",
    }
)
"""Words that begin routes of ours or are expected to, so that no link can be mistaken for them."""

_CODE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?", re.ASCII)
_LOOKS = str.maketrans({"0": "o", "1": "l", "i": "l", "_": "-"})


def fold(text: str) -> str | None:
    """The code that a path names, or None where it cannot be one."""
    code = text.lower() if text.isascii() else ""
    return code if _CODE.fullmatch(code) else None


def check_vanity(text: str, field: str = "code", *, shortest: int = 2) -> str:
    """The code that a partner chose, or (`shortest=1`) brought along, folded.

    Raises:
        Invalid: `code_invalid` (not so many, up to 64, of letters, digits, `-` and `_`), `code_reserved` (one
            of our own words, or one that looks like it).
    """
    code = fold(text)
    if code is None or len(code) < shortest:
        raise Invalid(
            "code_invalid",
            f"a code is {shortest} to 64 of a-z, 0-9, - and _, between letters or digits;"
            " case carries no meaning",
            field,
        )
    if appearance(code) in _RESERVED_LOOKS:
        raise Invalid("code_reserved", "this code is reserved, or looks like one that is", field)
    return code


def appearance(code: str) -> str:
    """What the code looks like: equal for codes that people take for each other.

    After the confusables of Unicode TS 39, for the few characters that a code can hold: 0 and o; 1, i
    and l; `_` and `-`; rn and m; vv and w.
    """
    return code.translate(_LOOKS).replace("rn", "m").replace("vv", "w")


_RESERVED_LOOKS = frozenset(appearance(word) for word in RESERVED)
