"""Following a link: find it, screen the hit, decide who it was, keep the click, say where to go.

One write a click and, while the link is warm, no read. The visitor is never kept waiting for storage.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib import observe
from chalicelib.domain import codes, destination, token
from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.link import LinkState
from chalicelib.domain.screening import Hit, Ruling, screen
from chalicelib.services import keeping
from chalicelib.services.clicks import COOKIE, Identity, Query, build_click, build_unknown, first, identify
from chalicelib.services.targets import Target, find_target, leads_nowhere
from chalicelib.storage.stores import Stores

UNKNOWN_DAYS = 33
"""How long a hit on a code that no link has is kept: the default window and its late days."""


class Outcome(StrEnum):
    """What a visitor gets."""

    REDIRECT = "redirect"
    UNKNOWN = "unknown"
    RESTING = "resting"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Answer:
    """Where to go, if anywhere, and the cookie to set, if any (the whole header's value)."""

    outcome: Outcome
    location: str | None = None
    cookie: str | None = None


def follow(stores: Stores, path_code: str, query: Query, hit: Hit) -> Answer:
    """What the visitor of this link gets; the hit is kept with its verdict.

    Raises:
        Unavailable: storage does not answer, and this process has not seen the link so far.
    """
    if path_code.startswith("~"):
        from chalicelib.services import checkups  # Only tests pay for it.

        return checkups.follow(stores, path_code, query, hit)
    code = codes.fold(path_code)
    target, storage_answers = find_target(stores, code) if code else (None, True)
    ruling = screen(hit, target.link if target else None)
    observe.count(f"click_{ruling.verdict}")
    if target is None:
        keeping.keep(
            stores,
            build_unknown(code or "", ruling, hit),
            hit.at + timedelta(days=UNKNOWN_DAYS),
            storage_answers=storage_answers,
        )
        return Answer(Outcome.LATER if ruling.verdict is Verdict.PREFETCH else Outcome.UNKNOWN)
    identity = identify(stores, target.offer.program, query, hit, ruling)
    click = build_click(stores, target.offer.program, target.link, query, hit, ruling, identity)
    answer, flags = answer_to(target, query, hit, ruling, identity, click)
    click = replace(click, flags=click.flags + flags) if flags else click
    keeping.keep(stores, click, hit.at + target.offer.kept_for, storage_answers=storage_answers)
    return answer


def preview(stores: Stores, path_code: str, at: datetime) -> str | None:
    """Where the link leads by itself, for whoever wants to look first; None where it leads nowhere."""
    code = codes.fold(path_code)
    target = find_target(stores, code)[0] if code else None
    if target is None or leads_nowhere(target.link, at):
        return None
    return destination.compose(target.landing, {}, target.offer.program.click_param, None)[0]


def answer_to(
    target: Target, query: Query, hit: Hit, ruling: Ruling, identity: Identity, click: Click
) -> tuple[Answer, tuple[str, ...]]:
    """What the visitor gets, and what was odd about the way there."""
    link, program = target.link, target.offer.program
    if ruling.verdict is Verdict.PREFETCH:
        return Answer(Outcome.LATER), ()
    if leads_nowhere(link, hit.at):
        fallback = program.fallback_url
        if fallback and destination.leads_inside(fallback, program.domains):
            return Answer(Outcome.REDIRECT, fallback), ()
        return Answer(Outcome.UNKNOWN if link.state is LinkState.DELETED else Outcome.RESTING), ()
    landing = target.landing
    flags: tuple[str, ...] = ()
    url, path = first(query, "url"), first(query, "path")
    if url is not None or path is not None:
        page = destination.deep_link(program, link, url, path)
        flags = ("deep_link",) if page else ("deep_link_refused",)
        landing = destination.landing(page, program, link) if page else landing
    carried = query if link.carry_query else {}
    location, complete = destination.compose(landing, carried, program.click_param, click.token)
    cookie = None
    if identity.signed_with is not None:
        value = token.sign_visitor(identity.visitor, *identity.signed_with)
        max_age_s = target.offer.window_days * 86_400
        cookie = f"{COOKIE}={value}; Max-Age={max_age_s}; Path=/; HttpOnly; Secure; SameSite=Lax"
    return Answer(Outcome.REDIRECT, location, cookie), flags if complete else (*flags, "query_cut")
