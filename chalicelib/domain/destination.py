"""Where a link leads: which URLs a program allows, and how the landing URL is put together.

URLs are judged by the WHATWG URL Standard (https://url.spec.whatwg.org/), because that is how the browser
that follows a `Location` reads it; Ada, the parser of Node.js, does so (`can_ada`). It is imported only
where a URL from outside is judged: stored destinations are in its normal form already.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_plus

from chalicelib.domain.errors import Invalid
from chalicelib.domain.link import Link
from chalicelib.domain.program import Program

MAX_URL = 2048
"""Characters of a destination, and of a deep link."""

MAX_LOCATION = 7168
"""Bytes of a landing URL. API Gateway takes 10,240 bytes of headers in an answer."""

CONTROL_PARAMETERS = frozenset({"url", "path", "ll_consent"})
"""Parameters that are meant for the redirect, and go no further."""

_PLAY_STORE, _REFERRER = "https://play.google.com/store/apps/", "referrer"
"""Where apps are, and the parameter that they get (developer.android.com/google/play/installreferrer)."""

_NORMAL = re.compile(r"https?://([a-z0-9._-]+)(?::[0-9]+)?(?:[/?#][\x21-\x5b\x5d-\x7e]*)?")
_UNSAFE = re.compile("[\x00-\x1f\x7f\\\\\ud800-\udfff]")
_QUERY_SAFE = "!$'()*,-./:;?@_~"


@dataclass(frozen=True, slots=True)
class Landing:
    """A landing URL, ready but for what one click adds.

    `stem` is everything before the query; `pairs` are the names in the query with their text `name=value`;
    `fragment` begins with `#` where there is one.
    """

    stem: str
    pairs: tuple[tuple[str, str], ...]
    fragment: str


def check_url(text: str, domains: Sequence[str], field: str) -> str:
    """The URL in its normal form, where it leads to one of the domains.

    Raises:
        Invalid: `url_invalid`, `url_not_allowed`.
    """
    href = _parse(text)
    if href is None:
        raise Invalid("url_invalid", f"give a full http or https URL of at most {MAX_URL} characters", field)
    if not leads_inside(href, domains):
        raise Invalid("url_not_allowed", "the URL leads outside the program's domains", field)
    return href


def leads_inside(href: str, domains: Sequence[str]) -> bool:
    """Whether a URL in normal form leads to one of these hosts or a subdomain of one."""
    match = _NORMAL.fullmatch(href)
    if not match:
        return False
    host = match[1]
    return any(host == domain or host.endswith(f".{domain}") for domain in _hosts(domains))


def own_destination(program: Program, link: Link) -> str:
    """The URL that the link leads to by itself: its destination, else the program's default.

    Judged again here, since the program's domains may have become fewer after the link was made.
    """
    candidates = (link.destination, program.default_url)
    inside = (href for href in candidates if href and leads_inside(href, program.domains))
    return next(inside, f"https://{program.domains[0]}/")


def deep_link(program: Program, link: Link, url: str | None, path: str | None) -> str | None:
    """The page that `?url=` or `?path=` names (the first where there are both); None where it is refused.

    A path is resolved against the link's own destination, and stays on that origin.
    """
    own = own_destination(program, link)
    href = _parse(url) if url is not None else _resolve(own, path or "")
    return href if href is not None and leads_inside(href, program.domains) else None


def landing(href: str, program: Program, link: Link) -> Landing:
    """The URL with the link's UTMs (which replace its own) and the program's (which fill the gaps)."""
    rest, hash_mark, fragment = href.partition("#")
    stem, _, query = rest.partition("?")
    own = [(unquote_plus(text.partition("=")[0]), text) for text in query.split("&") if text]
    names = {name for name, _ in own} | link.utm.keys()
    template = {name: fill(value, link) for name, value in program.utm.items() if name not in names}
    dropped = link.utm.keys() | {program.click_param}
    pairs = [(name, text) for name, text in own if name not in dropped]
    pairs += [(name, _pair(name, value)) for name, value in (link.utm | template).items()]
    return Landing(stem, tuple(pairs), hash_mark + fragment)


def compose(
    base: Landing, incoming: Mapping[str, Iterable[str]], click_param: str, token: str | None
) -> tuple[str, bool]:
    """The landing URL of one click, and whether the query that came in had room in it.

    What came in replaces what has the same name, and never stands twice; the token is ours alone, so one
    that came in is replaced too. An app from Google Play is told `referrer` alone: it stands there, too.
    """
    carried = {
        name: values
        for name, values in incoming.items()
        if name not in CONTROL_PARAMETERS and name != click_param
    }
    parts = [text for name, text in base.pairs if name not in carried]
    parts += [_pair(name, value) for name, values in carried.items() for value in values]
    if token and base.stem.startswith(_PLAY_STORE) and click_param != _REFERRER:
        parts = _in_referrer(parts, f"{click_param}={token}")
    if token:
        parts.append(f"{click_param}={token}")
    location = base.stem + ("?" + "&".join(parts) if parts else "") + base.fragment
    if len(location) > MAX_LOCATION and carried:
        return compose(base, {}, click_param, token)[0], False
    return location, True


def _in_referrer(parts: Sequence[str], told: str) -> list[str]:
    """The query with this in what Play hands to the app on its first start, after what stands there."""
    before = [unquote_plus(text.partition("=")[2]) for text in parts if text.partition("=")[0] == _REFERRER]
    others = [text for text in parts if text.partition("=")[0] != _REFERRER]
    return [*others, _pair(_REFERRER, "&".join([*filter(None, before), told]))]


def fill(template: str, link: Link) -> str:
    """A UTM template's text with `{partner}`, `{campaign}`, `{code}` and `{program}` filled in."""
    for name, value in (
        ("partner", link.partner),
        ("campaign", link.campaign or ""),
        ("code", link.code),
        ("program", link.program),
    ):
        template = template.replace(f"{{{name}}}", value)
    return template


def _parse(text: str) -> str | None:
    """The normal form of an absolute http(s) URL without credentials; None for anything else."""
    if not text or len(text) > MAX_URL or _UNSAFE.search(text):
        return None
    import can_ada

    try:
        return _plain(can_ada.parse(text))
    except ValueError:
        return None


def _resolve(own: str, path: str) -> str | None:
    """The page of that path on the origin of `own`; None where the path leads to another origin."""
    if not path or len(path) > MAX_URL or _UNSAFE.search(path):
        return None
    import can_ada

    try:
        base = can_ada.parse(own)
        base.pathname, base.search, base.hash = "/", "", ""
        found = base + path
    except ValueError:
        return None
    return _plain(found) if found.origin == base.origin else None


def _plain(parsed: Any) -> str | None:
    """The URL's text where it is http(s), names a plain host and no credentials."""
    href = str(parsed.href)
    return href if _NORMAL.fullmatch(href) else None


def _hosts(domains: Sequence[str]) -> list[str]:
    return [_host(domain) for domain in domains]


def _host(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    import can_ada

    return str(can_ada.idna_encode(domain).decode())


def _pair(name: str, value: str) -> str:
    return f"{_encode(name)}={_encode(value)}"


def _encode(text: str) -> str:
    return quote(text, safe=_QUERY_SAFE, errors="replace")
