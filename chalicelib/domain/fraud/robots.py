"""A partner whose links are followed mostly by robots."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.rule import Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    own = traffic.own
    if own.hits < values["hits"] or own.robots * 100 < own.hits * values["percent"]:
        return None
    evidence = {"robots": own.robots, "hits": own.hits}
    return Trace(f"{own.robots} of {own.hits} hits on the partner's links were robots", evidence)


RULE = Rule(
    "robots",
    "most hits on a partner's links are robots",
    _find,
    (
        Number(
            "hits", 200, 1, 10**9, "hits", "fewer say little: a link in one post is fetched by some crawlers"
        ),
        Number(
            "percent",
            80,
            1,
            100,
            "per cent",
            "social networks fetch each link a few times, buyers of robots always",
        ),
    ),
)
