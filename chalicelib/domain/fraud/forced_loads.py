"""A partner whose links are loaded in images and frames: cookies stuffed into who clicked nothing."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    own = traffic.own
    if own.forced < values["loads"] or own.forced * 100 < own.hits * values["percent"]:
        return None
    evidence = {"forced": own.forced, "hits": own.hits}
    return Trace(f"{own.forced} of {own.hits} hits on the partner's links were forced loads", evidence)


RULE = Rule(
    "forced_loads",
    "a partner's links are loaded by images, frames and scripts instead of people",
    _find,
    (
        Number(
            "loads", 50, 1, 10**9, "loads", "a page that shows a link as an image by mistake is soon mended"
        ),
        Number("percent", 10, 1, 100, "per cent", "honest links are never loaded so, but for such mistakes"),
    ),
    recommended=Action.HOLD,
)
