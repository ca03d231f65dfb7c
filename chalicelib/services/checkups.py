"""What comes with a check-up's link, token or cookie: noted and decided apart from everything real.

Each way in (redirect, tag, pixel, postback, API, carts) is the real one up to where it would be kept.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from chalicelib.domain import checkup, token
from chalicelib.domain.adjusting import NO_DETAILS, Details, check
from chalicelib.domain.checkup import Checkup, Fact, TestOrder
from chalicelib.domain.click import Verdict
from chalicelib.domain.conversion import Adjustment, AdjustmentKind, Report, State, Touch
from chalicelib.domain.decision import Decision
from chalicelib.domain.errors import Conflict, TooLarge
from chalicelib.domain.facts import Facts, with_adjustment
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.link import Link
from chalicelib.domain.program import Program
from chalicelib.domain.screening import Hit, screen
from chalicelib.domain.settlement import Booked, state_of
from chalicelib.domain.takings import reversed_part
from chalicelib.domain.token import Token
from chalicelib.services.adjustments import Adjusted, Standing, adjust_found
from chalicelib.services.capture import Reply
from chalicelib.services.clicks import COOKIE, Query, build_click, identify
from chalicelib.services.rates import decide_now
from chalicelib.services.redirect import Answer, Outcome, answer_to
from chalicelib.services.targets import Target, offer_of
from chalicelib.storage.stores import Stores
from chalicelib.storage.trail import acting_name


def follow(stores: Stores, code: str, query: Query, hit: Hit) -> Answer:
    """What a visitor of the test link gets: what one of a real link gets, with a test's token and cookie.

    Raises:
        Unavailable: storage does not answer.
    """
    checkup_id = checkup.id_of_code(code)
    found = _find_open(stores, checkup_id, hit.at) if checkup_id else None
    if found is None:
        return Answer(Outcome.UNKNOWN)
    program = offer_of(stores, found.program).program
    link = Link(
        found.link_id, code, program.id, found.partner, found.created_at, destination=found.destination
    )
    target = Target.of(link, offer_of(stores, program.id))
    ruling = screen(hit, link)
    identity = identify(stores, program, query, hit, ruling)
    identity = replace(identity, visitor=checkup.visitor_of(found, secrets.token_bytes(2)))
    click = build_click(stores, program, link, query, hit, ruling, identity)
    cookie = None
    if identity.signed_with is not None:
        key_id, key = identity.signed_with
        told = Token(key_id, hit.at, identity.visitor, click.nonce, link.id)
        click = replace(click, token=token.sign(told, key, is_test=True))
        value = token.sign_visitor(identity.visitor, key_id, key, is_test=True)
        max_age_s = int(checkup.OPEN_FOR.total_seconds())
        cookie = f"{COOKIE}={value}; Max-Age={max_age_s}; Path=/; HttpOnly; Secure; SameSite=Lax"
    answer, flags = answer_to(target, query, hit, ruling, identity, click)
    seen = {"verdict": str(ruling.verdict), "reason": ruling.reason, "location": answer.location or ""}
    if click.flags or flags:
        seen["flags"] = ", ".join((*click.flags, *flags))
    if ruling.verdict is Verdict.HUMAN and click.token is None:
        seen["click_id"] = "none: no identifier may be kept"
    _note(stores, found, Fact(hit.at, "click", seen), click.nonce)
    return replace(answer, cookie=cookie) if answer.cookie else answer


def recognise(stores: Stores, program: Program, click_id: str, now: datetime) -> bool:
    """Whether the tag found a test's token of the program on the landing page; that is noted."""
    found = _of_token(stores, program.id, click_id, now)
    if found is None:
        return False
    _note(stores, found, Fact(now, "landing", {"told_by": "tag"}), _digest(click_id))
    return True


def test_among(stores: Stores, program: Program, clicks: Sequence[str], now: datetime) -> tuple[str, ...]:
    """Of the clicks that a browser remembers, the newest test's alone, where a check-up is going on.

    What is bought in a check-up is no sale of the partner whose link was followed before.
    """
    tests = (click_id for click_id in clicks if _of_token(stores, program.id, click_id, now))
    return tuple(islice(tests, 1))


def record(
    stores: Stores, program: Program, incoming: Incoming, report: Report, now: datetime
) -> Reply | None:
    """Record the order with its check-up; None where that is over, or another program's.

    Raises:
        Conflict: `order_conflict`, as for a real order.
        TooLarge: `checkup_full`.
    """
    found, click = _meant(stores, program, incoming, now)
    if found is None:
        return None
    conversion = checkup.conversion_id(found, report.event, report.order_id)
    touch = Touch(
        click.text if click else "cookie",
        click.told.at if click else found.created_at,
        found.partner,
        found.code,
        "partner",
        "click_id" if click else "journey",
    )
    facts = Facts(conversion, report, now, None, (touch,))
    decision = decide_now(stores, program, facts)
    order = _order(facts, decision)
    known = stores.checkups.find_order(found.id, conversion)
    if known is None:
        _check_room(stores, found)
        if stores.checkups.add_order_once(found, order):
            return Reply(conversion, order.outcome, order.state, duplicate=False, is_test=True)
        known = stores.checkups.find_order(found.id, conversion) or order
    if known.report.content != report.content:
        raise Conflict("order_conflict", "this order is recorded with another amount, currency or items")
    return Reply(conversion, known.outcome, known.state, duplicate=True, is_test=True)


@dataclass(frozen=True, slots=True)
class Tested:
    """An order of a check-up, and the check-up."""

    checkup: Checkup
    order: TestOrder


def find_order(stores: Stores, conversion: str, now: datetime) -> Tested | None:
    """The order of a check-up with this id; None where it is none, or no longer kept."""
    checkup_id = checkup.id_of_conversion(conversion)
    found = stores.checkups.find(checkup_id, now) if checkup_id else None
    order = stores.checkups.find_order(found.id, conversion) if found else None
    return Tested(found, order) if found and order else None


def find_told(
    stores: Stores, program: Program, click_id: str | None, event: str, order_id: str, now: datetime
) -> str | None:
    """The id of the order that was told with this click in a check-up; None where there is none."""
    found = _of_token(stores, program.id, click_id, now) if click_id else None
    conversion = checkup.conversion_id(found, event, order_id) if found else None
    return conversion if conversion and find_order(stores, conversion, now) else None


def adjust(
    stores: Stores,
    conversion: str,
    adjustment_id: str,
    kind: AdjustmentKind,
    amount_minor: int | None,
    reason: str,
    now: datetime,
    details: Details = NO_DETAILS,
) -> Adjusted:
    """Do to the order of a check-up what `adjustments.adjust` does to a real one.

    Raises:
        NotFound: `conversion_unknown`.
        Invalid, Conflict: as `adjustments.adjust`.
    """
    asked = check(adjustment_id, kind, amount_minor, reason, now, details, acting_name())
    return adjust_found(lambda: _find_standing(stores, conversion, now), asked, details)


def _find_standing(stores: Stores, conversion: str, now: datetime) -> Standing | None:
    found = find_order(stores, conversion, now)
    if found is None:
        return None
    order = found.order
    facts = Facts(order.id, order.report, now, adjustments=order.adjustments)

    def keep(adjustment: Adjustment) -> State:
        after = with_adjustment(facts, adjustment)
        changed = replace(order, adjustments=after.adjustments, state=_state(order, after))
        stores.checkups.adjust(found.checkup.id, changed)
        return changed.state

    return Standing(facts, order.state, keep)


def _state(order: TestOrder, facts: Facts) -> State:
    if facts.rejected_at is not None:
        return State.REJECTED
    if reversed_part(facts, facts.adjustments) == 1:
        return State.REVERSED
    is_approved = any(one.kind is AdjustmentKind.APPROVE for one in facts.adjustments)
    return State.PENDING if is_approved and order.state is State.HELD else order.state


def _order(facts: Facts, decision: Decision) -> TestOrder:
    credit = next(iter(decision.credits), None)
    return TestOrder(
        id=facts.id,
        report=facts.report,
        outcome=decision.outcome,
        state=state_of(facts, decision, Booked()),
        partner=credit.partner if credit else None,
        commission_minor=credit.commission_minor if credit else 0,
        currency=decision.currency,
        reason=decision.reason,
    )


@dataclass(frozen=True, slots=True)
class _Click:
    """A test's token as it came, and what it says."""

    text: str
    told: Token


def _meant(
    stores: Stores, program: Program, incoming: Incoming, now: datetime
) -> tuple[Checkup | None, _Click | None]:
    """The check-up that a report belongs to, and its click where it names one."""
    if incoming.click_id:
        told = token.read(incoming.click_id, stores.secrets.token_keys, is_test=True)
        found = _of_token(stores, program.id, incoming.click_id, now)
        return found, _Click(incoming.click_id, told) if told else None
    if incoming.test_visitor is None:
        return None, None
    found = _find_open(stores, checkup.id_of_visitor(incoming.test_visitor), now)
    return (found if found and found.program == program.id else None), None


def _of_token(stores: Stores, program: str, click_id: str, now: datetime) -> Checkup | None:
    told = token.read(click_id, stores.secrets.token_keys, is_test=True)
    found = _find_open(stores, checkup.id_of_link(told.link_id), now) if told else None
    return found if found and found.program == program else None


def _find_open(stores: Stores, checkup_id: str, now: datetime) -> Checkup | None:
    found = stores.checkups.find(checkup_id, now)
    return found if found and now < found.open_until else None


def _note(stores: Stores, found: Checkup, fact: Fact, key: str) -> None:
    """Keep what came; what is too much is not kept, and stops nobody."""
    try:
        _check_room(stores, found)
    except TooLarge:
        return
    stores.checkups.add_fact(found, fact, key)


def _check_room(stores: Stores, found: Checkup) -> None:
    count = len(stores.checkups.facts(found.id)) + len(stores.checkups.orders(found.id))
    if count >= checkup.MAX_FACTS:
        raise TooLarge("checkup_full", f"a check-up takes {checkup.MAX_FACTS} clicks and orders")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
