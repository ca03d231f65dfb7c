"""A partner nearly all of whose clicks buy: nobody sends such visitors."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    own, others = traffic.own, traffic.others
    by_click = own.conversions - own.by_coupon
    others_by_click = others.conversions - others.by_coupon
    if by_click < values["conversions"] or by_click * 100 < own.clicks * values["percent"]:
        return None
    if by_click * others.clicks < others_by_click * own.clicks * values["times"]:
        return None
    evidence = {
        "clicks": own.clicks,
        "conversions": by_click,
        "others_clicks": others.clicks,
        "others_conversions": others_by_click,
    }
    words = (
        f"{own.clicks} clicks made {by_click} conversions; the other partners' {others.clicks} made "
        f"{others_by_click}"
    )
    return Trace(words, evidence)


RULE = Rule(
    "conversion_rate",
    "a partner's conversion rate is far over the program's",
    _find,
    (
        Number("conversions", 10, 1, 10**9, "conversions", "fewer may be friends who were told of the shop"),
        Number("percent", 30, 1, 100, "per cent", "the best newsletters reach ten to fifteen"),
        Number("times", 5, 2, 1000, "times", "honest partners of one program differ by three or four times"),
    ),
    recommended=Action.HOLD,
)
