"""Links: a code that leads to a destination and credits a partner."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.errors import Invalid

UTM_KEYS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
SUB_KEYS = tuple(f"sub{number}" for number in range(1, 11))

SUB_ALIASES = {
    "subid": "sub1",
    "sub_id": "sub1",
    "aff_sub": "sub1",
    "clickref": "sub1",
    "u1": "sub1",
    **{f"subid{number}": f"sub{number}" for number in range(1, 11)},
    **{f"sub_id{number}": f"sub{number}" for number in range(1, 11)},
    **{f"aff_sub{number}": f"sub{number}" for number in range(1, 11)},
    **{f"s{number}": f"sub{number}" for number in range(1, 11)},
    **{key: key for key in SUB_KEYS},
}
"""Names of sub-ids as they come in (TUNE's aff_sub, impact.com's subId, Partnerize's clickref, CAKE's s1)."""

MAX_TEXT_BYTES = 100
"""UTF-8 bytes of a UTM value, a sub-id, a campaign or a tag."""

_PLAIN = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]*")


class LinkState(StrEnum):
    """Whether a link redirects."""

    ACTIVE = "active"
    PAUSED = "paused"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Link:
    """One short link.

    `id` (`lnk_` and 13 base32 characters: 64 bits) never changes and is what a click token carries;
    `destination` is None where the program's `default_url` holds; `utm` has keys such as `utm_source`;
    `sub` keys `sub1` to `sub10`; `carry_query` says whether the query that came in goes on to the
    destination; `version` counts its edits.
    """

    id: str
    code: str
    program: str
    partner: str
    created_at: datetime
    destination: str | None = None
    campaign: str | None = None
    utm: dict[str, str] = field(default_factory=dict)
    sub: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    state: LinkState = LinkState.ACTIVE
    expires_at: datetime | None = None
    carry_query: bool = True
    version: int = 1


def check_utm(utm: Mapping[str, str]) -> dict[str, str]:
    """The UTM parameters, in their usual order; `source` may stand for `utm_source`.

    Raises:
        Invalid: `utm_invalid`.
    """
    named = {key if key.startswith("utm_") else f"utm_{key}": value for key, value in utm.items()}
    for key, value in named.items():
        if key not in UTM_KEYS:
            raise Invalid("utm_invalid", f"utm takes {', '.join(UTM_KEYS)}", f"utm.{key}")
        check_text(value, f"utm.{key}", "utm_invalid")
    return {key: named[key] for key in UTM_KEYS if named.get(key)}


def check_sub(sub: Mapping[str, str]) -> dict[str, str]:
    """The sub-ids under their own names.

    Raises:
        Invalid: `sub_invalid`.
    """
    named: dict[str, str] = {}
    for key, value in sub.items():
        name = SUB_ALIASES.get(key.lower())
        if name is None:
            raise Invalid("sub_invalid", "sub takes sub1 to sub10", f"sub.{key}")
        named[name] = check_text(value, f"sub.{key}", "sub_invalid")
    return {key: named[key] for key in SUB_KEYS if named.get(key)}


def check_text(text: str, field: str, code: str = "text_invalid") -> str:
    """The text itself, where it is short and holds no control character.

    Raises:
        Invalid: with that code.
    """
    if not _PLAIN.fullmatch(text) or len(text.encode()) > MAX_TEXT_BYTES:
        raise Invalid(code, f"at most {MAX_TEXT_BYTES} bytes of UTF-8, without control characters", field)
    return text


def read_subs(pairs: Mapping[str, str]) -> dict[str, str]:
    """The sub-ids among a query's parameters, under our names; the first of several aliases wins."""
    found: dict[str, str] = {}
    for name, value in pairs.items():
        key = SUB_ALIASES.get(name.lower())
        if key and value and _PLAIN.fullmatch(value):
            found.setdefault(key, value)
    return found
