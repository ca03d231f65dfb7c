"""A partner's click that came from an advertisement in search, where partners may not bid on the brand."""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Names, Rule, Trace, Values

_ADS = {"gclid": "Google", "msclkid": "Microsoft"}


def _find(case: Case, values: Values) -> Trace | None:
    for touch in case.marked:
        ads = [name for name in _ADS if name in touch.marks]
        if ads and touch.partner not in values["allowed"]:
            words = f"a click of {touch.partner} that earns came from an advertisement of {_ADS[ads[0]]}"
            return Trace(words, {"partner": touch.partner, "parameter": ads[0], "click": touch.click_id})
    return None


RULE = Rule(
    "paid_search",
    "a partner's click carries the mark of a search advertisement (gclid, msclkid)",
    _find,
    (
        Names(
            "allowed",
            (),
            r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
            "partners",
            "most programs bar bidding on the brand; partners who may advertise are named",
        ),
    ),
)
