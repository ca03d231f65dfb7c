"""A partner whose sales come back: refunds and, worse, chargebacks."""

from chalicelib.domain.fraud.case import Traffic
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values


def _find(traffic: Traffic, values: Values) -> Trace | None:
    own, others = traffic.own, traffic.others
    if own.accruals < values["conversions"]:
        return None
    too_many = own.reversals * 100 >= own.accruals * values["percent"]
    unlike = own.reversals * others.accruals >= others.reversals * own.accruals * values["times"]
    charged = own.chargebacks * 1000 >= own.accruals * values["chargebacks_per_mille"] and own.chargebacks > 1
    if not (too_many and unlike) and not charged:
        return None
    words = (
        f"{own.reversals} of {own.accruals} conversions were taken back, {own.chargebacks} of them by "
        f"chargeback; of the other partners' {others.accruals}, {others.reversals} were"
    )
    evidence = {
        "conversions": own.accruals,
        "reversals": own.reversals,
        "chargebacks": own.chargebacks,
        "others_conversions": others.accruals,
        "others_reversals": others.reversals,
    }
    return Trace(words, evidence)


RULE = Rule(
    "refund_rate",
    "a partner's sales are refunded or charged back far more often than others'",
    _find,
    (
        Number("conversions", 10, 1, 10**9, "conversions", "of fewer, two returns are chance"),
        Number("percent", 30, 1, 100, "per cent", "shops of clothes see a third come back, most see a tenth"),
        Number(
            "times",
            3,
            1,
            1000,
            "times",
            "what all partners' customers return is the shop's, not the partner's",
        ),
        Number(
            "chargebacks_per_mille",
            10,
            1,
            1000,
            "per mille",
            "Visa's and Mastercard's programmes put shops on watch from about one per cent on",
        ),
    ),
    recommended=Action.HOLD,
)
