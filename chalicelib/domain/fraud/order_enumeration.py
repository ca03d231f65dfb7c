"""Orders that only a browser told, with ids in a row: somebody counts through the shop's order numbers."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    longest: list[int] = []
    run: list[int] = []
    for order in sorted(set(traffic.orders)):
        run = [*run, order] if run and order - run[-1] <= values["step"] else [order]
        longest = max(longest, run, key=len)
    if len(longest) < values["orders"]:
        return None
    words = (
        f"{len(longest)} orders that nobody confirmed have ids in a row, from {longest[0]} to {longest[-1]}"
    )
    return Trace(words, {"orders": len(longest), "first": longest[0], "last": longest[-1]})


RULE = Rule(
    "order_enumeration",
    "browser-told orders that nobody confirms have order ids in a row",
    _find,
    (
        Number(
            "orders", 10, 3, 1000, "orders", "one partner's true orders are scattered among all the shop's"
        ),
        Number(
            "step",
            2,
            1,
            1000,
            "numbers",
            "who counts through ids goes one by one, or passes over one that is taken",
        ),
    ),
    recommended=Action.HOLD,
)
