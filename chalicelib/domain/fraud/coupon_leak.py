"""A partner's promo code that is suddenly used by many who never clicked: it stands on a public list."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.growth import recent_and_before
from chalicelib.domain.fraud.rule import Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    now, before, days = recent_and_before(traffic, 3, lambda tally: tally.by_coupon)
    clicks, _, _ = recent_and_before(traffic, 3, lambda tally: tally.clicks)
    if now < values["orders"] or clicks >= now or days < values["known_days"]:
        return None
    if now * days < before * 3 * values["times"]:
        return None
    words = (
        f"promo codes of the partner were used for {now} orders in three days with {clicks} clicks, after "
        f"{before} in the {days} days before"
    )
    return Trace(words, {"orders": now, "clicks": clicks, "before": before, "days": days})


RULE = Rule(
    "coupon_leak",
    "a partner's promo code is suddenly used by many who did not come by its links",
    _find,
    (
        Number("orders", 20, 1, 10**9, "orders", "in three days; fewer do no harm before somebody looks"),
        Number("known_days", 7, 1, 60, "days", "a code that has just been given out has no usual day"),
        Number(
            "times", 5, 2, 1000, "times", "a podcast's new episode doubles or trebles the use of its code"
        ),
    ),
)
