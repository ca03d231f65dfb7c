"""What a hit on a link was: a verdict with its reason, by the first rule that speaks.

Nothing is dropped: every hit keeps its verdict, and only human ones become touchpoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain import agents
from chalicelib.domain.click import Verdict
from chalicelib.domain.link import Link, LinkState

if TYPE_CHECKING:
    from chalicelib.domain.bot_list import BotList


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a link: names of headers are in lower case; `bots` is a list of them to go by, too.

    `is_framed`: the tag says that its page is a part of another one.
    """

    method: str
    headers: Mapping[str, str]
    at: datetime
    bots: "BotList | None" = None
    is_framed: bool = False

    @property
    def agent(self) -> str:
        """The User-Agent, trimmed; empty without one."""
        return self.headers.get("user-agent", "").strip()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a hit was, and what decided it."""

    verdict: Verdict
    reason: str


Rule = Callable[[Hit, Link | None], str | None]
"""The reason why the rule holds for this hit; None where it does not. `Link` is None for an unknown code."""


def screen(hit: Hit, link: Link | None, rules: "Rules | None" = None) -> Ruling:
    """The verdict of the first rule that holds (of `RULES`, where none are given), else `human`."""
    for verdict, rule in rules or RULES:
        reason = rule(hit, link)
        if reason is not None:
            return Ruling(verdict, reason)
    return Ruling(Verdict.HUMAN, "navigation")


def _unknown_code(_: Hit, link: Link | None) -> str | None:
    return "no_such_code" if link is None else None


def _head(hit: Hit, _: Link | None) -> str | None:
    return "method_head" if hit.method == "HEAD" else None


def _prefetch(hit: Hit, _: Link | None) -> str | None:
    """`Sec-Purpose` (Fetch Standard), `Purpose` and `X-Purpose` (Chromium, Safari), `X-Moz` (old Firefox)."""
    headers = hit.headers
    for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"):
        value = headers.get(name)
        if value is None:
            continue
        lowered = value.lower()
        if "prerender" in lowered:
            return "prerender"
        if "prefetch" in lowered or "preview" in lowered:
            return "prefetch"
    return None


def _deleted(_: Hit, link: Link | None) -> str | None:
    return "link_deleted" if link is not None and link.state is LinkState.DELETED else None


def _paused(_: Hit, link: Link | None) -> str | None:
    return "link_paused" if link is not None and link.state is LinkState.PAUSED else None


def _expired(hit: Hit, link: Link | None) -> str | None:
    if link is None or link.expires_at is None or hit.at < link.expires_at:
        return None
    return "link_expired"


def _no_agent(hit: Hit, _: Link | None) -> str | None:
    return None if hit.agent else "agent_missing"


def _bot(hit: Hit, _: Link | None) -> str | None:
    name = agents.crawler(hit.agent)
    if name is not None:
        return f"agent_{name}"
    return hit.bots.reason(hit.agent, hit.at.date()) if hit.bots else None


def _forced(hit: Hit, _: Link | None) -> str | None:
    """Fetch Metadata (W3C): only a person's navigation has the destination `document`."""
    destination = _destination(hit)
    if destination not in {None, "document"}:
        return f"loaded_as_{destination}"
    mode = hit.headers.get("sec-fetch-mode", "navigate").strip().lower()
    return None if mode == "navigate" else "not_a_navigation"


def _forced_page(hit: Hit, _: Link | None) -> str | None:
    """Nobody looks at a page within a page; and what a script sends has the destination `empty`."""
    if hit.is_framed:
        return "page_in_a_frame"
    destination = _destination(hit)
    return None if destination in {None, "document", "empty"} else f"loaded_as_{destination}"


def _destination(hit: Hit) -> str | None:
    told = hit.headers.get("sec-fetch-dest")
    if told is None:
        return None
    plain = told.strip().lower()
    return plain[:22] if plain.isalpha() else "other"


Rules = tuple[tuple[Verdict, Rule], ...]

RULES: Rules = (
    (Verdict.UNKNOWN_CODE, _unknown_code),
    (Verdict.HEAD, _head),
    (Verdict.PREFETCH, _prefetch),
    (Verdict.DELETED, _deleted),
    (Verdict.PAUSED, _paused),
    (Verdict.EXPIRED, _expired),
    (Verdict.NO_AGENT, _no_agent),
    (Verdict.BOT, _bot),
    (Verdict.FORCED, _forced),
)
"""In order: the first one that holds decides."""

DIRECT_RULES: Rules = tuple((verdict, _forced_page if rule is _forced else rule) for verdict, rule in RULES)
"""For the tag's own request, which is never a navigation: its page must be."""
