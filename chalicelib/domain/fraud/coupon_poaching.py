"""A coupon site that takes a sale which another partner had brought to the checkout."""

from datetime import timedelta

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Names, Number, Rule, Trace, Values


def _find(case: Case, values: Values) -> Trace | None:
    owner = case.coupon.partner if case.coupon else None
    brought = {touch.partner for touch in case.eligible}
    if owner and brought and owner not in brought:
        words = f"the promo code of {owner} earns the sale, and {owner} brought no click; another partner did"
        return Trace(words, {"partner": owner, "by": "code"})
    within = timedelta(minutes=values["minutes"])
    for touch in case.credited:
        first = case.steps[0].touch
        late = touch.partner in values["sites"] and case.before_sale(touch) <= within
        if late and first.partner != touch.partner and case.before_sale(first) > within:
            minutes = int(case.before_sale(touch).total_seconds() // 60)
            words = f"the coupon site {touch.partner} came in {minutes} min before a sale that was under way"
            return Trace(words, {"partner": touch.partner, "by": "click", "minutes": minutes})
    return None


RULE = Rule(
    "coupon_poaching",
    "a promo code or a coupon site takes a sale that another touch had brought",
    _find,
    (
        Number(
            "minutes",
            10,
            1,
            1440,
            "minutes",
            "whoever looks for a code in the checkout is back within minutes",
        ),
        Names(
            "sites",
            (),
            r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
            "partners",
            "only the program knows which of its partners are coupon sites",
        ),
    ),
)
