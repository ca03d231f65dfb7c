"""A receipt in words: what was looked at, which rule decided, how the money was reckoned, what was booked.

For a partner's eyes nothing in it tells who the others are: neither their names nor their links, codes,
rules and amounts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

from chalicelib.domain import terms_text
from chalicelib.domain.commission.pricing import Part, Price, narrowed
from chalicelib.domain.conversion import Outcome, State
from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.decision import Credit, Decision
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.checks import Check
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.journal import Entry
from chalicelib.domain.money import format_major, round_half_away
from chalicelib.domain.path import Considered, share_text

_LONGEST_FRACTION = 9
"""Letters of a fraction that is still told as one."""

_EXACT_DIGITS = 6
"""Decimals of the minor unit that unrounded amounts are told with."""

STATES = {
    State.PENDING: "is recorded, and its commission waits for the end of the hold",
    State.HELD: "is held: nothing is booked until what is missing has come",
    State.APPROVED: "is approved, and its commission is payable",
    State.PAID: "is paid",
    State.REVERSED: "was taken back as a whole",
    State.REJECTED: "was rejected",
    State.UNATTRIBUTED: "is credited to nobody",
}

MODELS = {
    "first": "the first touch that counts earns the whole",
    "last": "the last touch that counts earns the whole",
    "last_non_direct": "the last touch of any channel earns the whole",
    "linear": "every touch that counts earns the same",
    "position": "the first and the last touch that count earn most, and those between share the rest",
    "time_decay": "a touch earns the more the closer it is to the sale",
    "channel_weights": "every touch earns by the weight of its channel",
    "coupon": "the promo code earns the whole",
    "lock": "the customer stays with whoever was credited with an earlier order",
}

REASONS = {
    "credited": "it counts",
    "model_gives_none": "it could have counted, but by the model it earns nothing",
    "other_channel": "it came through a channel of no partner",
    "after_conversion": "it came after the sale",
    "outside_window": "it was too long before the sale",
    "untrusted_evidence": "only a browser told of it, and the shop told of another click",
    "stood_down": "its link stood on the shop's own pages, where a customer has arrived already",
    "outranked": "partners of a group that comes first are in the path",
    "injected": "it came seconds before the sale, which another partner had brought",
    "too_many_partners": "more partners are in the path than one sale can credit",
    "customer_locked": "the customer stays with whoever was credited with an earlier order",
    "coupon_beats_click": "a promo code was used, which goes before clicks",
    "terms_missing": "the program had no terms",
}

NOBODY = {
    "no_click_or_coupon": "no click and no promo code of a partner is known for it",
    "no_touch_in_window": "no touch of a partner counts",
    "model_gives_none": "by the model no partner's touch earns",
    "coupon_used_up": "its promo code's limit of uses was reached by earlier orders",
    "terms_missing": "the program had no terms",
}


_FOR_PARTNERS = "the sale waits for the program's review, or was refused in it"


def receipt_text(
    facts: Facts, decision: Decision, entries: Sequence[Entry], state: State, only_for: str | None
) -> str:
    """The receipt, a sentence or list item a line; where `only_for` names a partner, for its eyes."""
    lines = [_sale(facts, state)]
    lines += _path(decision, only_for)
    lines.append(_rule(decision))
    visible = [credit for credit in decision.credits if only_for in {None, credit.partner}]
    lines += _reckoning(visible, decision, facts.effective.content.currency)
    if only_for is not None:
        lines += _others(decision, only_for)
    lines += [_check(check) for check in visible_checks(decision, only_for)]
    lines += _entries([entry for entry in entries if only_for in {None, entry.partner}])
    return "\n".join(lines)


def visible_checks(decision: Decision, only_for: str | None) -> tuple[Check, ...]:
    """The checks that a reader may see; where `only_for` names a partner, for its eyes.

    A partner is told what stops its money. What a fraud rule only remarks, and what it saw, would tell whom
    it is about, and teach what to avoid.
    """
    if only_for is None:
        return decision.checks
    told = (check for check in decision.checks if check.version is None or check.stops)
    return tuple(replace(c, detail=_FOR_PARTNERS, evidence={}) if c.version else c for c in told)


def _check(check: Check) -> str:
    remark = " (a remark only)" if check.action is Action.FLAG else ""
    said = "passed" if check.passed else f"not passed{remark}"
    return f"Check of the {check.name}: {said}, {check.detail}."


def _sale(facts: Facts, state: State) -> str:
    report = facts.effective
    amount = _money(report.content.amount_minor, report.content.currency)
    at = _at(report.occurred_at)
    return f"Order {report.order_id} ({report.event}) of {amount}, {at}, {STATES[state]}."


def _path(decision: Decision, only_for: str | None) -> Iterator[str]:
    if not decision.path:
        yield "No touch is known that led to it."
        return
    yield f"{len(decision.path)} {'touch' if len(decision.path) == 1 else 'touches'} led to it, oldest first:"
    for number, step in enumerate(decision.path, start=1):
        earns = f", and earns {_share(step.weight, step.whole)}" if step.weight else ""
        what = _touch(step, only_for)
        yield f"{number}. {_at(step.touch.at)}, {what}: {REASONS[step.reason]}{earns}."


def _touch(step: Considered, only_for: str | None) -> str:
    touch = step.touch
    if touch.partner is None:
        return f"a visit from {touch.channel}"
    if only_for not in {None, touch.partner}:
        return "a click of another partner"
    return f"a click on {touch.code or 'a link'} of {touch.partner}"


def _rule(decision: Decision) -> str:
    version = f"Version {decision.terms_version} of the terms" if decision.terms_version else "No terms"
    if decision.outcome is Outcome.UNATTRIBUTED:
        return f"{version} decided: nobody is credited, because {NOBODY[decision.reason]}."
    return f"{version} decided ({decision.model}): {MODELS[decision.model or '']}."


def _reckoning(credits: Sequence[Credit], decision: Decision, currency: str) -> Iterator[str]:
    """What the rules pay for all of the sale, told once for partners with the same ones, and who has what."""
    told: Price | None = None
    for credit in credits:
        if credit.price is not None and credit.price is not told:
            told = credit.price
            yield from _price(told, currency)
            if decision.exchanged:
                yield f"Amounts are exchanged at {decision.exchanged}."
        share = _share(credit.share.numerator, credit.share.denominator)
        sale = _money(credit.sale_minor, decision.currency)
        yield f"{credit.partner} has {share} of the sale, {sale}, by {credit.basis}."
        if credit.price is not None:
            earned = f"{_money(credit.commission_minor, decision.currency)}, rounded once for all partners"
            yield f"That earns {credit.partner} {share} of the commission: {earned}."


def _price(price: Price, currency: str) -> Iterator[str]:
    for part in price.parts:
        names = narrowed(part.rule)
        whom = f" ({', '.join(names)})" if names else ""
        rule = f"{terms_text.pays(part.rule, price.stated_in)}{whom}"
        yield f"By the rule {rule}: {_part(part, currency, price.stated_in)}."
    if price.excluded_minor:
        yield f"Lines of {_money(price.excluded_minor, currency)} earn nothing by the terms."


def _part(part: Part, currency: str, stated_in: str) -> str:
    base, pays = _money(part.base_minor, currency), _exact(part.pays, currency)
    match part.limited:
        case "minimum_order":
            least = _money(part.rule.min_order_minor, stated_in)
            return f"{base} pays nothing, because the order is below the rule's minimum of {least}"
        case "cap":
            return f"{base} pays {pays}, the most that the rule pays for an order"
        case "recurring_over":
            months = part.rule.recurring_months
            return f"{base} pays nothing, because the customer's first order is more than {months} months old"
    return f"{base} pays {pays}"


def _others(decision: Decision, only_for: str) -> Iterator[str]:
    theirs = sum((c.share for c in decision.credits if c.partner != only_for), Fraction(0))
    if theirs:
        yield f"Other partners earn {_share(theirs.numerator, theirs.denominator)}."


def _entries(entries: Sequence[Entry]) -> Iterator[str]:
    if not entries:
        yield "Nothing is booked."
    for entry in entries:
        day = entry.booked_at.date().isoformat()
        amount = _money(entry.commission_minor, entry.currency)
        yield f"Booked on {day} in the ledger of {entry.month}: {entry.kind} of {amount} for {entry.partner}."


def _share(weight: int, whole: int) -> str:
    """A share in words: `the whole`, `1/3`, or `about 27.41 %` where nobody would read the fraction."""
    if weight == whole:
        return "the whole"
    text = share_text(weight, whole)
    if len(text) <= _LONGEST_FRACTION:
        return text
    per_cent, hundredths = divmod(round_half_away(Fraction(weight * 10_000, whole)), 100)
    return f"about {per_cent}.{hundredths:02d} %"


def _at(instant: datetime) -> str:
    return f"{instant.isoformat(' ', 'seconds').removesuffix('+00:00')} UTC"


def _money(amount_minor: int, currency: str) -> str:
    return f"{format_major(amount_minor, currency)} {currency}"


def _exact(amount_minor: Fraction, currency: str) -> str:
    """An unrounded amount; `about` says that even this was cut."""
    if amount_minor.denominator == 1:
        return _money(amount_minor.numerator, currency)
    scaled = amount_minor * 10**_EXACT_DIGITS
    digits = DIGITS[currency] + _EXACT_DIGITS
    text = str(round_half_away(scaled)).rjust(digits + 1, "0")
    kept = text[-digits:].rstrip("0").ljust(DIGITS[currency], "0")
    amount = f"{text[:-digits]}.{kept}" if kept else text[:-digits]
    return f"{'' if scaled.denominator == 1 else 'about '}{amount} {currency}"
