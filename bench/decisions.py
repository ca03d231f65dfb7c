"""Decisions a second of the pure domain: five touches, the receipt included, on one core."""

import time
from datetime import UTC, datetime, timedelta

from bench.measure import Measure, Measures
from chalicelib.domain.conversion import Content, Outcome, Report, State, Touch
from chalicelib.domain.decision import Facts, decide
from chalicelib.domain.program import Method, Program
from chalicelib.domain.settlement import Booked
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.routes.receipts import receipt_view
from chalicelib.storage.conversions import Conversion, Feed

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
TOUCHES = 5
ROUNDS = 3


def measure(quick: bool) -> Measures:
    """`decisions_per_s`, the best of three rounds."""
    conversions = [a_conversion(number) for number in range(1_000 if quick else 10_000)]
    program, versions = a_program(), [the_terms()]
    best_s = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for conversion in conversions:
            receipt_view(conversion, decide(conversion.facts, program, versions), only_for=None)
        best_s = min(best_s, time.process_time() - started)
    return {"decisions_per_s": Measure(round(len(conversions) / best_s), "1/s")}


def a_program() -> Program:
    """A program with nothing unusual about it."""
    return Program("bench", "Bench", ("shop.example",), "EUR", "https://shop.example/", NOON, "token")


def the_terms() -> Terms:
    """Linear credit, so that every touch is priced."""
    rules = (CommissionRule("sale", "percent", rate_bp=1000),)
    return Terms("bench", 1, NOON - timedelta(days=60), Attribution(model="linear"), 14, rules)


def a_conversion(number: int) -> Conversion:
    """A sale after five clicks on the links of three partners, as it is loaded."""
    touches = tuple(
        Touch(
            click_id=f"{number:08d}-{position}",
            at=NOON - timedelta(days=position, seconds=number),
            partner=f"partner-{(number + position) % 3}",
            code="summer",
            channel="partner",
            evidence="click_id" if position == 0 else "journey",
        )
        for position in range(TOUCHES)
    )
    report = Report(
        program="bench",
        event="sale",
        order_id=f"order-{number}",
        content=Content(1990 + number % 7919, "EUR"),
        method=Method.API,
        occurred_at=NOON,
        received_at=NOON,
        confirmed=True,
        click_id=touches[0].click_id,
    )
    facts = Facts(f"cnv_{number:026d}", report, NOON, touches=touches)
    return Conversion(facts, 1, State.PENDING, Outcome.RECORDED, Feed.DUE, 0, (), Booked())
