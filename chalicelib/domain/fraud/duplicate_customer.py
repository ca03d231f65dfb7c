"""An event that a customer has had often already: one person, told as many."""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action, Names, Number, Rule, Trace, Values

SIGNAL = "earlier_orders"
"""How many conversions of the customer occurred before this one; `detail` is the number.

Counted whenever it is decided, and never kept: one that is told later may have occurred before. No more of
them are counted than the rule asks for.
"""

WITH_OPENINGS = "earlier_conversions"
"""The same with customers who were brought from another vendor, whose openings the rule once counted, too."""


def _find(case: Case, values: Values) -> Trace | None:
    return _found(case, values, SIGNAL)


def _find_with_openings(case: Case, values: Values) -> Trace | None:
    return _found(case, values, WITH_OPENINGS)


def _found(case: Case, values: Values, signal: str) -> Trace | None:
    seen = case.signal(signal)
    if seen is None or case.effective.event not in values["events"] or int(seen.detail) < values["earlier"]:
        return None
    words = f"the customer had {seen.detail} conversions or more before this {case.effective.event}"
    return Trace(words, {"earlier": int(seen.detail), "event": case.effective.event})


def asks_for(event: str, values: Values) -> int:
    """How many earlier conversions of the customer have to be counted for an event."""
    return int(values["earlier"]) if event in values["events"] else 0


RULE = Rule(
    "duplicate_customer",
    "an event that happens once in a customer's life is told again",
    _find,
    (
        Number(
            "earlier", 1, 1, 1000, "conversions", "one earlier conversion makes a new customer an old one"
        ),
        Names(
            "events",
            ("lead", "signup", "sign_up", "trial", "install", "registration"),
            r"[A-Za-z0-9][A-Za-z0-9 _.:-]{0,63}",
            "events",
            "these are told once for each customer; who buys twice is welcome, so sales are not among them",
        ),
    ),
    recommended=Action.HOLD,
    version=2,
    former={1: _find_with_openings},
)
