"""Clicks: every hit on a link, with the verdict that says whether it may earn."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What a hit was. Only `HUMAN` ones become touchpoints; all are kept."""

    HUMAN = "human"
    BOT = "bot"
    NO_AGENT = "no_agent"
    HEAD = "head"
    PREFETCH = "prefetch"
    FORCED = "forced"
    PAUSED = "paused"
    EXPIRED = "expired"
    UNKNOWN_CODE = "unknown_code"


@dataclass(frozen=True, slots=True)
class Click:
    """A click session: one hit, kept for the attribution window.

    `token` is the public click id (`domain.token`), None where no identifier may be stored; `visitor` is
    the journey (16 base32 characters; random and unlinked where there is no identifier); `nonce` makes
    the key unique; `reason` says what decided the verdict; `channel` is `partner` for a partner's link.
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
    sub: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
