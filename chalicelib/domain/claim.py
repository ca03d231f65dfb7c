"""A partner's word that a sale is missing: what it tells, and what came of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """One case. `job` is the reconciliation of the partner's list of one order, which holds the answer."""

    job: str
    program: str
    partner: str
    order_id: str
    note: str
    told_at: datetime


UNKNOWN = (
    "No order with this id is known to which a click on a link of yours, or a promo code of yours, led. "
    "The merchant can see this case; ask there, should you have a proof of the order."
)
"""The answer for every order in which the partner has no part: it never tells whether there is one."""

_ANSWERS = {
    "agrees": "The sale is here, and credited to you.",
    "more_there": "The sale is here and yours, with a smaller amount than you told.",
    "less_there": "The sale is here and yours, with a larger amount than you told.",
    "currency_differs": "The sale is here and yours, in another currency than you told.",
    "reversed_here": "The sale is here, and was taken back: the shop refunded or cancelled the order.",
    "rejected_here": "The sale is here, and was rejected by the shop.",
    "outside_window": "The sale is here, but your click was too long before it.",
    "after_conversion": "The sale is here, but your click came after it.",
    "coupon_beats_click": "The sale is here, but a promo code was used, which goes before clicks.",
    "coupon_used_up": "The sale is here, but earlier orders had used your promo code as often as it may be.",
    "outranked": "The sale is here, but partners of a group that comes first were on the way to it.",
    "model_gives_none": "The sale is here and your click counted, but by the rules another touch earns.",
    "stood_down": "The sale is here, but your link stood on the shop's own pages, where links earn nothing.",
    "untrusted_evidence": "The sale is here, but only a browser told of your click, and the shop of another.",
    "terms_missing": "The sale is here, but the program had no terms then.",
    "click_expired": "The sale is here, but no click on the way to it counted any more.",
}


def answer(reason: str) -> str:
    """What the reason of a finding means to the partner, who has a part in the order."""
    return _ANSWERS.get(
        reason, "The sale is here, but by the rules you did not earn it; its receipt tells why."
    )
