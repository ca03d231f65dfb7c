"""A partner whose conversions of a day are many times those of the days before."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.growth import recent_and_before
from chalicelib.domain.fraud.rule import Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    now, before, days = recent_and_before(traffic, 1, lambda tally: tally.conversions)
    if now < values["conversions"] or days < values["known_days"]:
        return None
    if now * days < before * values["times"]:
        return None
    words = f"{now} conversions on {traffic.last_day}, after {before} in the {days} days before"
    return Trace(words, {"conversions": now, "before": before, "days": days})


RULE = Rule(
    "velocity",
    "a partner's conversions of one day are many times what it is used to",
    _find,
    (
        Number("conversions", 30, 1, 10**9, "conversions", "a small partner's good day is no event"),
        Number("known_days", 7, 1, 60, "days", "a partner who has just begun has no usual day"),
        Number("times", 10, 2, 1000, "times", "a mention in a newsletter brings five times a usual day"),
    ),
)
