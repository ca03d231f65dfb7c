"""Decisions a second of the pure domain, on one core: the receipt in words and all fraud rules included."""

import random
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from math import log
from statistics import linear_regression

from bench.measure import Measure, Measures
from chalicelib.domain.attribution import MODELS
from chalicelib.domain.conversion import Content, Outcome, Report, State, Touch
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.program import Method, Program
from chalicelib.domain.settlement import Booked
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.routes.receipts import receipt_view
from chalicelib.storage.conversion_records import Conversion, Feed

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
LENGTHS = (1, 5, 20, 50, 100)
TOLD_LENGTHS = (1, 5, 100)
GROWING_FROM = 20
"""With fewer touches, what every decision takes hides what each touch takes."""

USUAL = "linear", 5
SEED = 20_261_121
ROUNDS = 5
WINDOW_S = 30 * 86_400
TOKEN_BYTES = 44


def measure(quick: bool) -> Measures:
    """For each model the rates over paths of 1, 5 and 100 touches, and how time grows from 20 to 100.

    `decisions_growth_exponent` is that of the worst model, by least squares: 1 is linear. `decisions_per_s`
    is linear credit over five touches.
    """
    took_s = {model: _seconds_each(model, 1_000 if quick else 5_000) for model in MODELS}
    model, length = USUAL
    found = {"decisions_per_s": _rate(took_s[model][length])}
    for model in MODELS:
        for length in TOLD_LENGTHS:
            found[f"decisions_{model}_{length}_per_s"] = _rate(took_s[model][length])
    found["decisions_growth_exponent"] = Measure(round(max(map(_exponent, took_s.values())), 2), "")
    return found


def _rate(each_s: float) -> Measure:
    return Measure(round(1 / each_s), "1/s")


def _exponent(took_s: dict[int, float]) -> float:
    """The power of the number of touches with which the time grows."""
    lengths = [length for length in took_s if length >= GROWING_FROM]
    return linear_regression([*map(log, lengths)], [log(took_s[length]) for length in lengths]).slope


def _seconds_each(model: str, touches: int) -> dict[int, float]:
    """Seconds of one decision by the touches of its path, the best of some rounds.

    A length has so many touches in all its paths together; the lengths take turns, so that a slow moment of
    the machine is not one length's.
    """
    made = random.Random(SEED)
    conversions = {
        length: [a_conversion(number, length, made) for number in range(min(500, max(20, touches // length)))]
        for length in LENGTHS
    }
    program, versions = a_program(), [the_terms(model)]
    best_s = dict.fromkeys(LENGTHS, float("inf"))
    for _ in range(ROUNDS):
        for length, some in conversions.items():
            started = time.process_time()
            for conversion in some:
                receipt_view(conversion, decide(conversion.facts, program, versions), only_for=None)
            best_s[length] = min(best_s[length], (time.process_time() - started) / len(some))
    return best_s


def a_program() -> Program:
    """A program with nothing unusual about it."""
    return Program("bench", "Bench", ("shop.example",), "EUR", "https://shop.example/", NOON, "token")


def the_terms(model: str) -> Terms:
    """Ten per cent, credited by the model."""
    rules = (CommissionRule("sale", "percent", rate_bp=1000),)
    attribution = Attribution(model=model, channel_weights={"partner": 1})
    return Terms("bench", 1, NOON - timedelta(days=60), attribution, 14, rules)


def a_conversion(number: int, length: int, made: random.Random) -> Conversion:
    """A sale after so many clicks on the links of three partners at any times in the window, as loaded."""
    touches = tuple(a_touch(f"partner-{(number + place) % 3}", made) for place in range(length))
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


def a_touch(partner: str, made: random.Random) -> Touch:
    """A click of the partner's, minutes to weeks before the sale, with an id of a token's form."""
    return Touch(
        click_id=urlsafe_b64encode(made.randbytes(TOKEN_BYTES)).decode().rstrip("="),
        at=NOON - timedelta(milliseconds=made.randrange(60_000, WINDOW_S * 1000)),
        partner=partner,
        code="summer",
        channel="partner",
        evidence="journey",
    )
