"""Many clicks of one partner by one visitor at once: a script, or a page that clicks by itself."""

from datetime import timedelta

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values


def _find(case: Case, values: Values) -> Trace | None:
    most, within = values["clicks"], timedelta(seconds=values["seconds"])
    if len(case.steps) < most:
        return None
    for partner in sorted(case.earners):
        at = [step.touch.at for step in case.steps if step.touch.partner == partner]
        for first, last in zip(at, at[most - 1 :], strict=False):
            if last - first <= within:
                words = f"{most} clicks on links of {partner} within {int((last - first).total_seconds())} s"
                return Trace(words, {"partner": partner, "clicks": most, "from": first.isoformat()})
    return None


RULE = Rule(
    "click_burst",
    "one visitor clicks the same partner's links many times at once",
    _find,
    (
        Number(
            "clicks", 8, 3, 100, "clicks", "a person who opens a link in vain tries again two or three times"
        ),
        Number(
            "seconds",
            60,
            1,
            3600,
            "seconds",
            "a minute is long enough for a script and too short for a person",
        ),
    ),
    recommended=Action.HOLD,
)
