"""Clicks: every hit on a link, with the verdict that says whether it may earn."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_SUB_BYTES = 300
"""UTF-8 bytes that the sub-ids of one click may take together, so that its item stays under 1 KB."""

NO_PROGRAM = "-"
"""The program of a hit on a code that no link has; no program's id can be this."""

MARKS = ("gclid", "msclkid", "own_site", "checkout", "asn:", "direct")
"""How the flags begin that fraud rules want to know of a click; `domain.fraud` says what each is."""

ANONYMOUS = "anonymous"
"""A flag: consent or GPC forbade an identifier, so the click belongs to no journey."""


class Verdict(StrEnum):
    """What a hit was. Only `HUMAN` ones can earn; a `VISIT` is a touch of another channel; all are kept."""

    HUMAN = "human"
    VISIT = "visit"
    BOT = "bot"
    NO_AGENT = "no_agent"
    HEAD = "head"
    PREFETCH = "prefetch"
    FORCED = "forced"
    PAUSED = "paused"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNKNOWN_CODE = "unknown_code"


TOUCHES = frozenset({Verdict.HUMAN, Verdict.VISIT})
"""The verdicts of which a conversion's path is made."""


@dataclass(frozen=True, slots=True)
class Click:
    """A click session: one hit, kept for the attribution window.

    `token` is the public click id (`domain.token`), None where no identifier may be stored; `visitor` is
    the journey (16 base32 characters; random and unlinked where there is no identifier); `nonce` makes
    the key unique; `reason` says what decided the verdict; `channel` is `partner` for a partner's link;
    `referrer` is the channel that the referring page belongs to, `origin` that page's host; `flags` name
    what was odd about it.
    """

    program: str
    visitor: str
    at: datetime
    nonce: str
    link_id: str
    code: str
    partner: str
    verdict: Verdict
    reason: str
    token: str | None = None
    channel: str = "partner"
    campaign: str | None = None
    country: str | None = None
    device: str | None = None
    referrer: str | None = None
    origin: str | None = None
    sub: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """Those of its flags that a conversion keeps with its touch."""
        return tuple(flag for flag in self.flags if flag.startswith(MARKS))

    @property
    def is_touchpoint(self) -> bool:
        """Whether it may be credited: a person, and one who may be recognised."""
        return self.verdict is Verdict.HUMAN and self.token is not None


def fit_subs(sub: dict[str, str]) -> tuple[dict[str, str], bool]:
    """The sub-ids that a click has room for, in order, and whether all of them fitted."""
    kept: dict[str, str] = {}
    room = MAX_SUB_BYTES
    for key, value in sub.items():
        room -= len(key) + len(value.encode())
        if room < 0:
            return kept, False
        kept[key] = value
    return kept, True
