"""Looking at the page that a link is to lead to: does it answer, and does it keep visitors inside?

Whatever is found, the link may be made: a shop that is down for a minute, or keeps checks like this one out,
is there for visitors all the same.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from chalicelib.domain.destination import check_url
from chalicelib.domain.errors import Invalid, RateLimited
from chalicelib.domain.program import Program
from chalicelib.services import throttling
from chalicelib.services.walking import BROWSER
from chalicelib.storage.stores import Stores
from chalicelib.storage.web import WebError

WITHIN_S = 4.0
"""How long all of it may take."""

MOST_HOPS = 4
MOST_IN_AN_HOUR = 60
"""Looks of one partner, so that nobody has us call a shop without end."""

_FAILURES = {
    "url_invalid": "Only https pages can be looked at from here.",
    "name_unknown": "There is no server of this name.",
    "timed_out": f"The page did not answer within {WITHIN_S:g} seconds.",
    "tls_failed": "The server's certificate is not in order.",
}
_STATUSES = {
    404: "There is no such page: the shop answers 404.",
    410: "The page is gone: the shop answers 410.",
}


@dataclass(frozen=True, slots=True)
class Looked:
    """What the page did, in a sentence, and whether that is as it should be."""

    text: str
    is_fine: bool


def look(stores: Stores, program: Program, partner: str, url: str, now: datetime) -> Looked | None:
    """What the page at this URL does; None where the URL may not be a link's, or was looked at too often."""
    try:
        href = check_url(url, program.domains, "destination")
        # The same page again a minute later is another look.
        throttling.note(stores, "landing", partner, f"{href} {now:%H:%M}", MOST_IN_AN_HOUR, now)
    except (Invalid, RateLimited):
        return None
    until = time.monotonic() + WITHIN_S
    for hop in range(MOST_HOPS):
        try:
            status, onward = _ask(stores, href, until - time.monotonic())
        except WebError as error:
            return Looked(_FAILURES.get(error.code, "The page could not be reached from here."), False)
        if not 300 <= status < 400 or not onward:
            return _judge(status, href if hop else None)
        try:
            href = check_url(urljoin(href, onward), program.domains, "destination")
        except Invalid:
            host = urlsplit(urljoin(href, onward)).hostname or "an address that is none"
            return Looked(f"The page sends visitors on to {host}, outside the program.", False)
    return Looked("The page redirects again and again.", False)


def _ask(stores: Stores, href: str, left_s: float) -> tuple[int, str]:
    """The status, and where it redirects to (empty: nowhere).

    Raises:
        WebError: there is no answer.
    """
    if left_s <= 0:
        raise WebError("timed_out", "the redirects took too long")
    answer = stores.web.send("GET", href.partition("#")[0], BROWSER, within_s=left_s, most_bytes=0)
    return answer.status, next((text for name, text in answer.headers if name.lower() == "location"), "")


def _judge(status: int, by_way_of: str | None) -> Looked:
    if status < 400:
        return Looked(f"The page answers, as {by_way_of}." if by_way_of else "The page answers.", True)
    said = f"The shop answers {status} to us. Open the page in a browser to see whether it is there."
    return Looked(_STATUSES.get(status, said), False)
