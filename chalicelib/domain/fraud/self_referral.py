"""A partner who buys through its own link: the customer's e-mail, account or address is the partner's own."""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action, Rule, Trace, Values

EMAIL, PAYOUT, ADDRESS = "self_email", "self_payout", "self_address"

_WORDS = {
    EMAIL: "the customer's e-mail address is the partner's",
    PAYOUT: "the customer's e-mail address is the one that the partner is paid to",
    ADDRESS: "the order came from an address from which the partner had called on the same day",
}


def _find(case: Case, _: Values) -> Trace | None:
    seen = case.signal(EMAIL, PAYOUT, ADDRESS)
    if seen is None:
        return None
    return Trace(f"{_WORDS[seen.name]} ({seen.partner})", {"match": seen.name, "partner": seen.partner})


RULE = Rule(
    "self_referral",
    "the customer is the partner: the same e-mail address, payout identity or address",
    _find,
    recommended=Action.HOLD,
)
