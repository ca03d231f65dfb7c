"""A sale that follows its click faster than anybody can buy."""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values


def _find(case: Case, values: Values) -> Trace | None:
    if not case.credited:
        return None
    passed = case.before_sale(case.credited[-1]).total_seconds()
    if passed >= values["seconds"]:
        return None
    took_s = max(0, int(passed))
    return Trace(f"the sale came {took_s} s after the click that earns", {"seconds": took_s})


RULE = Rule(
    "quick_conversion",
    "the time from click to conversion is too short for a person",
    _find,
    (
        Number(
            "seconds",
            5,
            1,
            3600,
            "seconds",
            "loading a page and sending the shortest form takes longer; a shop whose checkout takes a minute "
            "at least may say so",
        ),
    ),
    recommended=Action.HOLD,
)
