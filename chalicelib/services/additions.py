"""What evidence adds to an order that is known: kept once, and only so often."""

import hashlib
from datetime import datetime

from chalicelib.domain.conversion import Report, Signal
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud import pixel_mismatch
from chalicelib.storage.conversion_records import Conversion, Evidence
from chalicelib.storage.stores import Stores

MAX_CUSTOMERS = 10
"""Customers of one order; who tells more of them is not believed."""

MAX_TOLD_LATER, MAX_VOUCHED_LATER = 20, 100
"""How often evidence is added to an order after its first report: what a browser tells, and what somebody
vouches for (as many as a customer has devices).

Anybody can tell of an order again with another click, and each time is kept for ever: without a bound
settling the order would read megabytes. The two are counted apart, so that no browser can fill the place of
evidence that counts for more. Past the bound a report is answered as a repetition. No honest browser comes
near it: it would have to tell one order with the clicks of more than twenty journeys.
"""


def told_otherwise(facts: Facts, report: Report) -> tuple[Signal, ...]:
    """That a browser told other figures than those that stand, once the shop has told the order."""
    content = report.content
    stands = facts.effective.content
    if not report.from_browser or facts.effective.from_browser:
        return ()
    if (content.amount_minor, content.currency) == (stands.amount_minor, stands.currency):
        return ()
    if sum(signal.name == pixel_mismatch.SIGNAL for signal in facts.signals) >= pixel_mismatch.MOST:
        return ()
    return (Signal(pixel_mismatch.SIGNAL, None, f"{content.amount_minor} {content.currency}"),)


def news(facts: Facts, found: Evidence) -> Evidence:
    """What of the evidence is not known yet, or is now told by somebody more trustworthy."""
    touches = {(touch.click_id, touch.evidence, touch.trusted) for touch in facts.touches}
    return Evidence(
        tuple(t for t in found.touches if (t.click_id, t.evidence, t.trusted) not in touches),
        tuple(coupon for coupon in found.coupons if coupon not in facts.coupons),
        tuple(c for c in found.customers if c not in facts.customers)
        if len(facts.customers) < MAX_CUSTOMERS
        else (),
        tuple(signal for signal in found.signals if signal not in facts.signals),
    )


def fitting(known: Conversion, new: Evidence) -> Evidence:
    """What of it is kept; nothing of a kind that was told too often already.

    What was seen of a partner who may earn is kept always: else whoever fills an order could keep out what
    would stop its money.
    """
    kept = {
        trusted
        for trusted, told, most in zip(
            (False, True), known.told_later, (MAX_TOLD_LATER, MAX_VOUCHED_LATER), strict=True
        )
        if told < most
    }
    touches = tuple(touch for touch in new.touches if touch.trusted in kept)
    coupons = tuple(coupon for coupon in new.coupons if coupon.trusted in kept)
    facts = known.facts
    partners = {touch.partner for touch in (*facts.touches, *touches)}
    partners |= {*known.partners, *(coupon.partner for coupon in (*facts.coupons, *coupons))}
    return Evidence(
        touches,
        coupons,
        new.customers if True in kept else (),
        tuple(s for s in new.signals if s.partner is None or s.partner in partners),
    )


def add_news(stores: Stores, known: Conversion, found: Evidence, now: datetime) -> bool:
    """Keep what of the evidence is new; whether there was anything.

    Raises:
        ConditionFailed: the conversion changed meanwhile.
    """
    new = fitting(known, news(known.facts, found))
    if new.is_empty:
        return False
    stores.conversions.add_evidence(known, key_of(new), new, now)
    return True


def key_of(found: Evidence) -> str:
    """The name under which this evidence is kept: the same evidence has the same."""
    digest = hashlib.sha256()
    for touch in found.touches:
        digest.update(f"{touch.click_id}|{touch.evidence}|{touch.trusted}\n".encode())
    for coupon in found.coupons:
        bounds = f"{coupon.starts_at}|{coupon.ends_at}|{coupon.max_uses}"
        digest.update(f"{coupon.code}|{coupon.partner}|{coupon.trusted}|{bounds}\n".encode())
    for customer in found.customers:
        digest.update(f"customer {customer}\n".encode())
    for signal in found.signals:
        digest.update(f"{signal.name}|{signal.partner}|{signal.detail}\n".encode())
    return digest.hexdigest()[:24]
