"""Gathering what a conversion's credit can rest on: clicks, devices of a customer, promo codes."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.click import TOUCHES, Click
from chalicelib.domain.conversion import CouponMatch, Signal, Touch
from chalicelib.domain.fraud import self_referral
from chalicelib.domain.partner import fold_coupon, normal_email
from chalicelib.domain.path import in_order
from chalicelib.domain.program import Program
from chalicelib.domain.terms import MAX_WINDOW_DAYS
from chalicelib.domain.token import Token
from chalicelib.domain.token import read as read_token
from chalicelib.services import restoring
from chalicelib.storage.conversion_records import Evidence
from chalicelib.storage.stores import Stores

_POINTER_DAYS = 400


@dataclass(frozen=True, slots=True)
class Clue:
    """What was told of an order beside its figures; `customer` and `email` are HMACs, `visitor` a journey.

    `partners_there` were seen that day where it came from.
    """

    click_id: str | None
    coupon: str | None
    customer: str | None
    visitor: str | None
    trusted: bool
    email: str | None = None
    partners_there: frozenset[str] = frozenset()


def customer_hash(stores: Stores, program: str, customer_id: str) -> str:
    """The form in which a merchant's customer id is kept: HMAC-SHA-256 per program, 32 hex digits."""
    message = f"{program}\x00{customer_id}".encode()
    return hmac.new(stores.secrets.customer_key, message, hashlib.sha256).hexdigest()[:32]


def email_hash(stores: Stores, program: str, email: str) -> str:
    """The form in which an e-mail address is kept, the same for every way to write its mailbox."""
    message = f"{program}\x00email\x00{normal_email(email)}".encode()
    return hmac.new(stores.secrets.customer_key, message, hashlib.sha256).hexdigest()[:32]


def gather(
    stores: Stores, program: Program, conversion: str, clue: Clue, occurred_at: datetime, now: datetime
) -> Evidence:
    """The touches and coupons that these clues lead to, as they are known now.

    A customer's conversion is noted before the customer's devices are read, and a device before the
    customer's conversions: whichever of the two comes first, the later one finds it. In the same way a
    visitor's conversion is noted before the visitor's journey is read, for clicks that are written late.
    """
    since, until = _span(occurred_at)
    touches: list[Touch] = []
    token = read_click_id(stores, clue.click_id)
    if token and clue.click_id:
        touches += _by_click(stores, program, clue.click_id, token, since, until, now)
    expires = now + timedelta(days=_POINTER_DAYS)
    if clue.visitor:
        stores.identities.add_to_journey(program.id, clue.visitor, conversion, expires, trusted=clue.trusted)
    if clue.visitor and (token is None or token.visitor != clue.visitor):
        touches += _journey(stores, program, clue.visitor, since, until, now, "journey")
    if clue.customer:
        stores.identities.add_conversion(program.id, clue.customer, conversion, expires)
        known = stores.identities.known(program.id, clue.customer, now)
        for visitor in known.visitors:
            touches += _journey(stores, program, visitor, since, until, now, "customer")
    customers = (clue.customer,) if clue.customer and clue.trusted else ()
    kept, coupons = _bounded(touches, trusted=clue.trusted), _coupons(stores, program, clue)
    signals = own_purchases(stores, program, clue.email, kept, coupons, clue.partners_there)
    return Evidence(kept, coupons, customers, signals)


def own_purchases(
    stores: Stores,
    program: Program,
    email: str | None,
    touches: Sequence[Touch],
    coupons: Sequence[CouponMatch] = (),
    partners_there: frozenset[str] = frozenset(),
) -> tuple[Signal, ...]:
    """Which of the partners behind these touches and codes have the customer's e-mail address (its HMAC), or
    were seen where the customer is."""
    involved = {touch.partner for touch in touches} | {coupon.partner for coupon in coupons}
    partners = sorted(partner for partner in involved if partner)
    found = [Signal(self_referral.ADDRESS, partner) for partner in partners if partner in partners_there]
    for partner_id in partners if email else ():
        partner = stores.catalogue.find_partner(partner_id)
        if partner and email == email_hash(stores, program.id, partner.email):
            found.append(Signal(self_referral.EMAIL, partner_id))
        addresses = [a.details.get("email") for a in stores.payouts.accounts(partner_id)]
        if any(address and email == email_hash(stores, program.id, address) for address in addresses):
            found.append(Signal(self_referral.PAYOUT, partner_id))
    return tuple(found)


def together(gathered: Iterable[Evidence]) -> Evidence:
    """All that was gathered, each piece once."""
    parts = list(gathered)
    return Evidence(
        tuple(dict.fromkeys(touch for part in parts for touch in part.touches)),
        tuple(dict.fromkeys(coupon for part in parts for coupon in part.coupons)),
        tuple(dict.fromkeys(customer for part in parts for customer in part.customers)),
        tuple(dict.fromkeys(signal for part in parts for signal in part.signals)),
    )


def touches_of_visitor(
    stores: Stores, program: Program, visitor: str, known_as: str, occurred_at: datetime, now: datetime
) -> tuple[Touch, ...]:
    """The touches of a journey up to that time; `known_as` is how it is (`journey`, `customer`)."""
    since, until = _span(occurred_at)
    return _bounded(_journey(stores, program, visitor, since, until, now, known_as), trusted=True)


def read_click_id(stores: Stores, click_id: str | None) -> Token | None:
    """What a click token says, where it is one of ours."""
    return read_token(click_id, stores.secrets.token_keys) if click_id else None


def _span(occurred_at: datetime) -> tuple[datetime, datetime]:
    """The whole seconds in which a click can lie that any terms could count.

    What lives longer than the terms' own window is little, so they are not read to leave it out: the
    decision does, and its receipt says so.
    """
    second = occurred_at.replace(microsecond=0)
    return second - timedelta(days=MAX_WINDOW_DAYS), second + timedelta(milliseconds=999)


def _by_click(
    stores: Stores,
    program: Program,
    click_id: str,
    token: Token,
    since: datetime,
    until: datetime,
    now: datetime,
) -> list[Touch]:
    clicks = stores.clicks.journey(program.id, token.visitor, since, max(until, token.at), now)
    if not any(click.token == click_id for click in clicks):
        restored = restoring.restore(stores, click_id, now)
        if restored is None or restored.program != program.id:
            return []
        clicks = [*clicks, restored]
    touches = _touches(clicks, "journey")
    return [replace(touch, evidence="click_id") if touch.click_id == click_id else touch for touch in touches]


def _journey(
    stores: Stores,
    program: Program,
    visitor: str,
    since: datetime,
    until: datetime,
    now: datetime,
    evidence: str,
) -> list[Touch]:
    return _touches(stores.clicks.journey(program.id, visitor, since, until, now), evidence)


def _touches(clicks: Iterable[Click], evidence: str) -> list[Touch]:
    return [
        Touch(
            click.token,
            click.at,
            click.partner or None,
            click.code,
            click.channel,
            evidence,
            origin=click.origin,
            marks=click.marks,
        )
        for click in clicks
        if click.verdict in TOUCHES and click.token
    ]


def _bounded(touches: Iterable[Touch], *, trusted: bool) -> tuple[Touch, ...]:
    return in_order([replace(touch, trusted=trusted) for touch in touches])


def _coupons(stores: Stores, program: Program, clue: Clue) -> tuple[CouponMatch, ...]:
    if not clue.coupon:
        return ()
    folded = fold_coupon(clue.coupon)
    coupon = stores.catalogue.find_coupon(program.id, folded)
    if coupon is None:
        return (CouponMatch(folded, None, clue.trusted),)
    bounds = coupon.starts_at, coupon.ends_at, coupon.max_uses
    return (CouponMatch(folded, coupon.partner, clue.trusted, *bounds),)
