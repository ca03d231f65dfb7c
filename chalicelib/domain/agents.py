"""What a User-Agent says: a browser, or a crawler and which one; and the class of the device.

The list of crawlers is CrawlerDetect's (`crawlerdetect`, a port of JayBizzle/Crawler-Detect). Compiling it
takes longer than the rest of a cold redirect, so the common browsers are recognised first, by a pattern
that leaves no room for anything else in the text. What is in no list gives itself away by its form.
"""

import re
from functools import lru_cache

MAX_AGENT = 1000
"""Characters of a User-Agent that are looked at."""

_VERSION = r"[0-9.]{1,20}"
_BROWSERS = re.compile(
    r"Mozilla/5\.0 \("
    r"(?:Windows NT [0-9.]{1,5}; Win64; x64|Macintosh; Intel Mac OS X [0-9_.]{1,10}|X11; Linux x86_64"
    r"|X11; CrOS x86_64 [0-9.]{1,15}|Linux; Android [0-9.]{1,6}; K"
    r"|iPhone; CPU iPhone OS [0-9_]{1,10} like Mac OS X|iPad; CPU OS [0-9_]{1,10} like Mac OS X)"
    r"(?:; rv:[0-9.]{1,8}\) Gecko/[0-9.]{1,9} Firefox/[0-9.]{1,9}"
    rf"|\) AppleWebKit/{_VERSION} \(KHTML, like Gecko\)"
    rf"(?: Version/{_VERSION}| CriOS/{_VERSION}| FxiOS/{_VERSION})?(?: Chrome/{_VERSION})?"
    rf"(?: Mobile(?:/[0-9A-Z]{{5,8}})?)?(?: Safari/{_VERSION})?(?: (?:Edg|OPR)/{_VERSION})?)"
)
_FORMS = (
    ("not_a_browser", re.compile(r"(?!\"?(?:Mozilla|Opera)/)")),
    ("compatible", re.compile(r".*compatible;(?! ?MSIE| ?Konqueror)", re.DOTALL)),
    ("names_an_address", re.compile(r".*(?:https?:|\bwww\.|@[a-z0-9-]+\.[a-z])", re.DOTALL | re.IGNORECASE)),
)
"""How robots look that no list has: every browser of today begins with `Mozilla/` or `Opera/`,
`compatible;` was Internet Explorer's and Konqueror's, and none names an address."""

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def crawler(agent: str) -> str | None:
    """The crawler, library or tool that the agent names, as a short plain word; None for a browser."""
    if _BROWSERS.fullmatch(agent):
        return None
    return _crawler(agent[:MAX_AGENT])


def device(agent: str) -> str | None:
    """`mobile`, `tablet` or `desktop`; None where the agent doesn't say.

    By MDN's rules for browsers ("Browser detection using the user agent": `Mobi` for phones); tablets are
    Androids without it, and iPads that say so.
    """
    if "iPad" in agent or "Tablet" in agent or ("Android" in agent and "Mobi" not in agent):
        return "tablet"
    if "Mobi" in agent:
        return "mobile"
    return "desktop" if "Windows NT" in agent or "Macintosh" in agent or "X11" in agent else None


@lru_cache(maxsize=2048)
def _crawler(agent: str) -> str | None:
    from crawlerdetect import CrawlerDetect

    detector = CrawlerDetect(user_agent=agent)
    if not detector.is_crawler():
        return next((form for form, pattern in _FORMS if pattern.match(agent)), None)
    name: str = detector.get_matches() or "crawler"
    return _NOT_PLAIN.sub("_", name.lower()).strip("_")[:32]
