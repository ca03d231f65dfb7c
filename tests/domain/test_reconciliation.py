"""Orders of a file against the conversions that are held."""

from typing import Any

import pytest

from chalicelib.domain.conversion import AdjustmentKind
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.orders import BadRow, Order, Status
from chalicelib.domain.reconciliation import (
    Finding,
    Kind,
    Ours,
    Remedy,
    compare_claim,
    compare_order,
    counts,
    leak_of,
    missing_there,
    unreadable,
)
from chalicelib.domain.settlement import Booked, state_of
from tests.domain import builders
from tests.domain.builders import a_coupon, a_program, a_report, a_touch, days, from_pixel, some_facts


def ours(facts: Facts) -> Ours:
    decision = decide(facts, a_program(), [builders.some_terms()])
    return Ours(facts, decision, state_of(facts, decision, Booked()))


def an_order(amount: int | None = 10_000, **changes: Any) -> Order:
    parts: dict[str, Any] = {"line": 2, "ids": ("1001",), "amount_minor": amount, "currency": "EUR"}
    return Order(**parts | changes)


def compared(order: Order, held: Ours | None, owner: str | None = None) -> Finding:
    return compare_order(order, held, tells_status=True, coupon_owner=owner)


def outcome(finding: Finding) -> tuple[str, str, str]:
    return finding.kind, finding.reason, finding.remedy


SOLD = some_facts(a_report(), a_touch())


def taken_back(amount: int | None) -> Facts:
    adjustment = builders.a_refund(amount)
    return some_facts(a_report(), a_touch(), adjustments=(adjustment,))


def test_an_order_that_agrees_matches_and_names_its_conversion() -> None:
    found = compared(an_order(), ours(SOLD))
    assert outcome(found) == (Kind.MATCHED, "agrees", Remedy.NONE)
    assert (found.conversion, found.partners, found.ours_minor) == (SOLD.id, ("anna",), 10_000)


@pytest.mark.parametrize(
    ("order", "facts", "expected"),
    [
        (an_order(9_000), SOLD, (Kind.AMOUNT_DIFFERS, "less_there", Remedy.NONE)),
        (an_order(11_000), SOLD, (Kind.AMOUNT_DIFFERS, "more_there", Remedy.NONE)),
        (an_order(currency="USD"), SOLD, (Kind.AMOUNT_DIFFERS, "currency_differs", Remedy.NONE)),
        (
            an_order(status=Status.CANCELLED),
            SOLD,
            (Kind.STATUS_DIFFERS, "cancelled_there", Remedy.VOID),
        ),
        (
            an_order(status=Status.REFUNDED),
            SOLD,
            (Kind.STATUS_DIFFERS, "refunded_there", Remedy.REFUND),
        ),
        (an_order(), taken_back(None), (Kind.STATUS_DIFFERS, "reversed_here", Remedy.NONE)),
        (an_order(status=Status.REFUNDED), taken_back(None), (Kind.MATCHED, "agrees", Remedy.NONE)),
        (
            an_order(refunded_minor=10_000, amount_minor=20_000),
            SOLD,
            (Kind.STATUS_DIFFERS, "refund_exceeds_ours", Remedy.NONE),
        ),
    ],
)
def test_what_differs_is_told_with_what_would_right_it(
    order: Order, facts: Facts, expected: tuple[str, str, str]
) -> None:
    assert outcome(compared(order, ours(facts))) == expected


def test_of_a_partial_refund_only_what_is_missing_is_taken_back() -> None:
    found = compared(an_order(refunded_minor=3_000), ours(taken_back(1_000)))
    assert (*outcome(found), found.refund_minor) == (
        Kind.STATUS_DIFFERS,
        "partly_refunded_there",
        Remedy.REFUND,
        2_000,
    )
    assert compared(an_order(refunded_minor=1_000), ours(taken_back(1_000))).kind is Kind.MATCHED


def test_a_file_that_knows_no_status_does_not_speak_against_a_reversal() -> None:
    found = compare_order(an_order(), ours(taken_back(None)), tells_status=False, coupon_owner=None)
    assert found.kind is Kind.MATCHED


def test_a_paid_order_confirms_what_a_browser_told() -> None:
    held = ours(some_facts(from_pixel(), a_touch()))
    assert outcome(compared(an_order(), held)) == (Kind.MATCHED, "agrees", Remedy.CONFIRM)
    assert outcome(compared(an_order(9_000), held)) == (Kind.AMOUNT_DIFFERS, "less_there", Remedy.CONFIRM)


def test_an_unpaid_order_confirms_nothing() -> None:
    held = ours(some_facts(from_pixel(), a_touch()))
    assert outcome(compared(an_order(status=Status.OPEN), held)) == (
        Kind.MATCHED,
        "not_paid_yet",
        Remedy.NONE,
    )


def test_what_a_reviewer_rejected_stays_rejected() -> None:
    rejected = builders.an_adjustment(AdjustmentKind.REJECT)
    held = ours(some_facts(from_pixel(), a_touch(), adjustments=(rejected,)))
    assert outcome(compared(an_order(), held)) == (Kind.MATCHED, "rejected_here", Remedy.NONE)


@pytest.mark.parametrize(
    ("order", "owner", "reason", "partners"),
    [
        (an_order(), None, "never_reported", ()),
        (an_order(coupon="ANNA"), "anna", "coupon_never_reported", ("anna",)),
        (an_order(coupon="NOBODYS"), None, "wrong_coupon", ()),
        (an_order(click_id="x"), None, "click_never_reported", ()),
    ],
)
def test_an_order_that_is_unknown_here_can_be_recorded(
    order: Order, owner: str | None, reason: str, partners: tuple[str, ...]
) -> None:
    found = compared(order, None, owner)
    assert (*outcome(found), found.partners) == (Kind.MISSING_HERE, reason, Remedy.RECORD, partners)


@pytest.mark.parametrize("status", [Status.OPEN, Status.CANCELLED, Status.REFUNDED])
def test_an_order_that_came_to_nothing_is_not_missed(status: Status) -> None:
    assert compared(an_order(status=status), None).kind is Kind.IGNORED


@pytest.mark.parametrize(
    ("facts", "leak"),
    [
        (some_facts(a_report()), "no_click"),
        (some_facts(from_pixel()), "blocked_cookie"),
        (some_facts(a_report(customer="c")), "other_device"),
        (some_facts(a_report(click_id="t")), "click_lost"),
        (some_facts(a_report(), coupons=(a_coupon(None),)), "wrong_coupon"),
        (some_facts(a_report(), a_touch(at=builders.SOLD - days(80))), "click_expired"),
        (SOLD, None),
    ],
)
def test_the_likely_leak_is_told_where_nobody_is_credited(facts: Facts, leak: str | None) -> None:
    assert leak_of(ours(facts)) == leak
    assert compared(an_order(), ours(facts)).reason == (leak or "agrees")


@pytest.mark.parametrize(
    ("claim", "facts", "kind", "reason"),
    [
        (an_order(None), SOLD, Kind.MATCHED, "agrees"),
        (an_order(), SOLD, Kind.MATCHED, "agrees"),
        (an_order(9_000), SOLD, Kind.AMOUNT_DIFFERS, "less_there"),
        (an_order(), taken_back(None), Kind.STATUS_DIFFERS, "reversed_here"),
        (an_order(), some_facts(a_report()), Kind.MISSING_HERE, "no_click"),
        (an_order(), some_facts(a_report(), a_touch("ben")), Kind.MISSING_HERE, "credited_to_others"),
        (
            an_order(),
            some_facts(a_report(), a_touch(at=builders.SOLD - days(2)), a_touch("ben")),
            Kind.MISSING_HERE,
            "model_gives_none",
        ),
    ],
)
def test_a_partners_claim_is_answered_with_the_reason(
    claim: Order, facts: Facts, kind: Kind, reason: str
) -> None:
    found = compare_claim(claim, ours(facts), "anna")
    assert (found.kind, found.reason, found.remedy) == (kind, reason, Remedy.NONE)


def test_a_claim_of_an_order_that_nobody_told_of_is_missing_here() -> None:
    assert compare_claim(an_order(), None, "anna").reason == "never_reported"


def test_what_the_file_lacks_is_missing_there() -> None:
    found = missing_there(ours(SOLD))
    assert (found.kind, found.order_id, found.reason) == (Kind.MISSING_THERE, "1001", "not_in_file")
    assert missing_there(ours(some_facts(from_pixel(), a_touch()))).reason == "unconfirmed"


def test_findings_are_counted_by_kind() -> None:
    found = counts([unreadable(BadRow(3, "amount_invalid", "no")), missing_there(ours(SOLD))])
    assert (found["unreadable"], found["missing_there"], found["matched"]) == (1, 1, 0)
