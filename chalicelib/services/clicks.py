"""Click sessions in the making: whose they are, and what is known of the hit."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from chalicelib.domain import agents, channels, cookies, token
from chalicelib.domain.click import ANONYMOUS, NO_PROGRAM, Click, Verdict, fit_subs
from chalicelib.domain.consent import may_identify
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.link import Link, read_subs
from chalicelib.domain.program import Program
from chalicelib.domain.screening import Hit, Ruling
from chalicelib.domain.token import Token
from chalicelib.services import keeping
from chalicelib.storage.stores import Stores

COOKIE = "ll_id"
CONSENT = "ll_consent"
ORIGIN_HEADER = "x-linkledger-origin"
"""The header in which CloudFront sends the origin secret."""

FIRST_KEYS_WITHIN_S = 0.5
"""For how long keys are asked for that a new process has never read: without them the click names nobody."""

_CHECKOUT = re.compile(r"/(?:checkouts?|cart|basket|warenkorb|kasse)(?:[/?#]|$)", re.IGNORECASE)
_made = count()

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who clicked, as far as may be known: `signed_with` is None where no identifier may be stored."""

    visitor: str
    signed_with: tuple[int, bytes] | None
    flags: tuple[str, ...] = ()


def identify(stores: Stores, program: Program, query: Query, hit: Hit, ruling: Ruling) -> Identity:
    """The visitor's identity: from the cookie, else a new one; a nameless one where none is allowed.

    Only a person gets an identifier. While no key can be had, nobody does, and nobody waits long for it.
    """
    nameless = token.visitor_text(secrets.token_bytes(10))
    if ruling.verdict is not Verdict.HUMAN:
        return Identity(nameless, None)
    header = hit.headers.get("cookie", "")
    answers = (*query.get(CONSENT, ()), *cookies.values(header, CONSENT))
    if not may_identify(program.consent, hit.headers.get("sec-gpc"), answers):
        return Identity(nameless, None, (ANONYMOUS,))
    patience_s = keeping.RETRY_WITHIN_S if stores.secrets.are_known else FIRST_KEYS_WITHIN_S
    try:
        keys, key_id = keeping.promptly(
            lambda: (stores.secrets.token_keys, stores.secrets.token_key), patience_s
        )
    except Unavailable:
        return Identity(nameless, None, (ANONYMOUS, "no_key"))
    sent = cookies.values(header, COOKIE)
    visitor = token.read_visitor(sent[0], keys) if len(sent) == 1 else None
    if visitor:
        return Identity(visitor, (key_id, keys[key_id]), ("returning",))
    odd = ("cookie_doubled",) if len(sent) > 1 else ("cookie_invalid",) if sent else ()
    return Identity(nameless, (key_id, keys[key_id]), odd)


def build_click(
    stores: Stores,
    program: Program,
    link: Link,
    query: Query,
    hit: Hit,
    ruling: Ruling,
    identity: Identity,
    *,
    followed: bool = True,
) -> Click:
    """The click session of this hit; `followed` False where the shop's own page tells of it."""
    nonce = _nonce()
    signed = None
    if identity.signed_with is not None:
        key_id, key = identity.signed_with
        signed = token.sign(Token(key_id, hit.at, identity.visitor, nonce, link.id), key)
    sub, fits = fit_subs(link.sub | read_subs({name: values[0] for name, values in query.items() if values}))
    headers = hit.headers
    trusted = comes_through_edge(stores, headers)
    flags = identity.flags if fits else (*identity.flags, "sub_cut")
    return Click(
        program=link.program,
        visitor=identity.visitor,
        at=hit.at,
        nonce=nonce,
        link_id=link.id,
        code=link.code,
        partner=link.partner,
        verdict=ruling.verdict,
        reason=ruling.reason,
        token=signed,
        campaign=link.campaign,
        country=_country(headers) if trusted else None,
        device=agents.device(hit.agent),
        referrer=channels.of_referrer(headers.get("referer", "")),
        origin=channels.host_of(headers.get("referer", "")),
        sub=sub,
        flags=(*flags, *_marks(program, query, headers, followed=followed, trusted=trusted)),
    )


def build_unknown(code: str, ruling: Ruling, hit: Hit) -> Click:
    """The hit on a code that no link has."""
    return Click(
        program=NO_PROGRAM,
        visitor=token.visitor_text(secrets.token_bytes(10)),
        at=hit.at,
        nonce=_nonce(),
        link_id="",
        code=code,
        partner="",
        verdict=ruling.verdict,
        reason=ruling.reason,
        device=agents.device(hit.agent),
    )


def _marks(
    program: Program, query: Query, headers: Mapping[str, str], *, followed: bool, trusted: bool
) -> tuple[str, ...]:
    """What fraud rules want to know of the click, beside the rest; see `domain.click.MARKS`."""
    marks = [name for name in ("gclid", "msclkid") if query.get(name)]
    page = first(query, "url") or first(query, "path") or ""
    if page and _CHECKOUT.search(page):
        marks.append("checkout")
    host = channels.host_of(headers.get("referer", "")) if followed else None
    if host and any(host == domain or host.endswith(f".{domain}") for domain in program.domains):
        marks.append("own_site")
    network = headers.get("cloudfront-viewer-asn", "")
    if trusted and network.isascii() and network.isdigit() and len(network) <= 10:
        marks.append(f"asn:{network}")
    return tuple(marks)


def _nonce() -> str:
    """Six hex digits that no other click of this visitor and millisecond has.

    The first four count the clicks of this process, so that clicks of one instant keep their order.
    """
    return f"{next(_made) & 0xFFFF:04x}{secrets.token_hex(1)}"


def comes_through_edge(stores: Stores, headers: Mapping[str, str]) -> bool:
    """Whether our own CloudFront sent the request on, so that its headers may be believed."""
    secret = stores.settings.origin_secret
    return secret is not None and secrets.compare_digest(
        secret.encode(), headers.get(ORIGIN_HEADER, "").encode("utf-8", "replace")
    )


def _country(headers: Mapping[str, str]) -> str | None:
    """ISO 3166-1 alpha-2, as CloudFront gives it."""
    country = headers.get("cloudfront-viewer-country", "")
    return country if len(country) == 2 and country.isascii() and country.isalpha() else None


def first(query: Query, name: str) -> str | None:
    """The parameter's first value."""
    values = query.get(name)
    return values[0] if values else None
