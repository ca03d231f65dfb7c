"""Many clicks and hardly a sale: clicks made so that one of them is the last before somebody buys anyhow."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    own, others = traffic.own, traffic.others
    if own.clicks < values["clicks"] or others.conversions == 0:
        return None
    if own.conversions * others.clicks * values["times"] >= others.conversions * own.clicks:
        return None
    evidence = {
        "clicks": own.clicks,
        "conversions": own.conversions,
        "others_clicks": others.clicks,
        "others_conversions": others.conversions,
    }
    words = (
        f"{own.clicks} clicks made {own.conversions} conversions; the other partners' {others.clicks} made "
        f"{others.conversions}"
    )
    return Trace(words, evidence)


RULE = Rule(
    "flooding",
    "a partner has many clicks, and a conversion rate far under the program's",
    _find,
    (
        Number(
            "clicks",
            1000,
            10,
            10**9,
            "clicks",
            "with fewer, no sale at all is common at a rate of one per cent",
        ),
        Number("times", 10, 2, 1000, "times", "honest partners of one program differ by three or four times"),
    ),
    recommended=Action.HOLD,
)
