"""What browsers tell the tag, and what it shares with the pixel. Anybody can say such things: no trust here.

Under Global Privacy Control (`Sec-GPC: 1`), after a denied consent, and where a program requires a consent
that was not given, no identifier is kept: no click, journey or customer; figures and promo codes still
are. A click's token is itself a proof that consent was given where it was required, because without it
none is handed out.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain import cookies, token
from chalicelib.domain.checkup import OPEN_FOR
from chalicelib.domain.click import TOUCHES, Click, Verdict
from chalicelib.domain.consent import may_identify
from chalicelib.domain.program import Consent, Program
from chalicelib.domain.screening import DIRECT_RULES, Hit, screen
from chalicelib.domain.visits import NO_LINK, channel_of
from chalicelib.services import (
    checkups,
    clicks,
    direct_clicks,
    identities,
    keeping,
    restoring,
)
from chalicelib.services.clicks import CONSENT, COOKIE
from chalicelib.services.targets import offer_of
from chalicelib.storage.stores import Stores

_VISIT_RULES = tuple(rule for rule in DIRECT_RULES if rule[0] is not Verdict.UNKNOWN_CODE)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose browser it is: its request, by which Global Privacy Control speaks, and what the page says of
    consent, if anything (`granted`, `denied`). `source_ip` is who called us: a browser, or our edge."""

    hit: Hit
    consent: str | None = None
    source_ip: str = ""

    def lets_use_click(self) -> bool:
        """Whether a click's token may be used."""
        return may_identify(Consent.GRANTED, self.hit.headers.get("sec-gpc"), (self.consent,))

    def lets_identify(self, required: Consent) -> bool:
        """Whether another identifier may be kept where a program requires that consent."""
        return may_identify(required, self.hit.headers.get("sec-gpc"), (self.consent,))


@dataclass(frozen=True, slots=True)
class Kept:
    """A click that is kept: the token that its browser may remember, and for how many seconds."""

    token: str | None
    max_age_s: int


def recognise(stores: Stores, program_id: str, click_id: str, visitor: Visitor) -> Kept | None:
    """The click with which a visitor landed, kept again where it was lost; None where it is none of the
    program's, or may not be used.

    Raises:
        NotFound: `program_unknown`.
        Unavailable: storage does not answer.
    """
    program = stores.catalogue.program(program_id)
    if not visitor.lets_use_click():
        return None
    if checkups.recognise(stores, program, click_id, visitor.hit.at):
        return Kept(click_id, int(OPEN_FOR.total_seconds()))
    return _kept(stores, program, restoring.restore(stores, click_id, visitor.hit.at))


def record_direct(
    stores: Stores,
    program_id: str,
    ref: str,
    parameters: Mapping[str, str],
    known: str | None,
    visitor: Visitor,
) -> Kept | None:
    """The click of a direct link on the shop's own pages, kept; None where `ref` means nobody.

    `parameters` are those of the page's query, for sub-ids; `known` is a click that the shop remembers,
    whose journey goes on.

    Raises:
        NotFound: `program_unknown`.
        Unavailable: storage does not answer.
    """
    program = stores.catalogue.program(program_id)
    query = {name: [value] for name, value in parameters.items() if name != CONSENT}
    query |= {CONSENT: [visitor.consent]} if visitor.consent else {}
    return _kept(stores, program, direct_clicks.record(stores, program, ref, query, visitor.hit, known))


def record_visit(
    stores: Stores,
    program_id: str,
    page: str,
    parameters: Mapping[str, str],
    known: str | None,
    visitor: Visitor,
) -> Kept | None:
    """A visit that no partner brought, kept as a touch of its channel; None where it has none, or may not be.

    The referring page is the hit's `Referer`; `known` as for `record_direct`.

    Raises:
        NotFound: `program_unknown`.
        Unavailable: storage does not answer.
    """
    program = stores.catalogue.program(program_id)
    hit = visitor.hit
    channel = channel_of(page, hit.headers.get("referer", ""), parameters)
    ruling = screen(hit, None, _VISIT_RULES)
    query = {CONSENT: [visitor.consent]} if visitor.consent else {}
    identity = clicks.identify(stores, program, query, hit, ruling)
    if channel is None or ruling.verdict not in TOUCHES or identity.signed_with is None:
        return None
    earlier = token.read(known, stores.secrets.token_keys) if known else None
    journey = earlier.visitor if earlier else identity.visitor
    key_id, key = identity.signed_with
    nonce = secrets.token_hex(3)
    text = token.sign(token.Token(key_id, hit.at, journey, nonce, NO_LINK), key)
    visit = Click(
        program.id, journey, hit.at, nonce, "", "", "", Verdict.VISIT, "visit", token=text, channel=channel
    )
    offer = offer_of(stores, program.id)
    keeping.keep(stores, visit, hit.at + offer.kept_for)
    return Kept(text, offer.window_days * 86_400)


def identify(stores: Stores, program_id: str, customer_id: str, click_id: str, visitor: Visitor) -> None:
    """Link the click's device to the customer, where the visitor allows it.

    Raises:
        NotFound: `program_unknown`.
        Invalid: `customer_id_invalid`, `click_id_invalid`, `devices_exhausted`.
    """
    program = stores.catalogue.program(program_id)
    if visitor.lets_identify(program.consent):
        at, most = visitor.hit.at, identities.MAX_TOLD_BY_BROWSERS
        identities.link(stores, program, customer_id, click_id, at, most)


def _kept(stores: Stores, program: Program, click: Click | None) -> Kept | None:
    if click is None or click.program != program.id or click.verdict is not Verdict.HUMAN:
        return None
    return Kept(click.token, offer_of(stores, program.id).window_days * 86_400)


def journey_of(stores: Stores, headers: Mapping[str, str], *, is_test: bool = False) -> str | None:
    """The journey of our own cookie, which browsers send where shop and link domain are one site."""
    sent = cookies.values(headers.get("cookie", ""), COOKIE)
    keys = stores.secrets.token_keys
    return token.read_visitor(sent[0], keys, is_test=is_test) if len(sent) == 1 else None
