"""A click from the shop itself or into its checkout: a browser extension that did not stand down.

Extensions are to stand down where the customer is in the shop already. Theirs are the clicks whose referring
page is the shop's own, or that lead straight into cart or checkout.
"""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Number, Rule, Trace, Values

_WORDS = {"own_site": "was made on the shop's own pages", "checkout": "leads straight into the checkout"}


def _find(case: Case, values: Values) -> Trace | None:
    for touch in case.marked:
        seen = [name for name in _WORDS if name in touch.marks]
        minutes = case.before_sale(touch).total_seconds() / 60
        if seen and minutes <= values["minutes"]:
            words = (
                f"a click of {touch.partner} that earns {_WORDS[seen[0]]}, {int(minutes)} min before the sale"
            )
            return Trace(words, {"partner": touch.partner, "mark": seen[0], "click": touch.click_id})
    return None


RULE = Rule(
    "stand_down",
    "the click that earns was made while the customer was in the shop already",
    _find,
    (
        Number(
            "minutes",
            30,
            1,
            1440,
            "minutes",
            "a visit is taken to be over after half an hour without activity",
        ),
    ),
)
