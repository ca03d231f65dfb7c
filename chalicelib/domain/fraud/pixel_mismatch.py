"""An order that the browser told with other figures than the shop."""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Number, Rule, Trace, Values

SIGNAL = "browser_told"
"""What a browser told of an order that the shop had told already: minor units and currency."""


def _find(case: Case, values: Values) -> Trace | None:
    told, stands = _told(case), case.effective.content
    if told is None:
        return None
    differs_bp = abs(told[0] - stands.amount_minor) * 10_000
    if told[1] == stands.currency and differs_bp <= values["tolerance_bp"] * stands.amount_minor:
        return None
    words = (
        f"the browser told {told[0]} {told[1]} (minor units), the shop {stands.amount_minor} "
        f"{stands.currency}"
    )
    evidence = {
        "told": {"amount": told[0], "currency": told[1]},
        "stands": {"amount": stands.amount_minor, "currency": stands.currency},
    }
    return Trace(words, evidence)


def _told(case: Case) -> tuple[int, str] | None:
    """What the browser told beside the shop, whichever of them came first."""
    if case.told is not case.effective and case.told.from_browser:
        return case.told.content.amount_minor, case.told.content.currency
    signal = case.signal(SIGNAL)
    if signal is None:
        return None
    amount, currency = signal.detail.split(" ")
    return int(amount), currency


RULE = Rule(
    "pixel_mismatch",
    "pixel or tag told other figures than postback or API",
    _find,
    (
        Number(
            "tolerance_bp",
            0,
            0,
            10_000,
            "basis points",
            "the figures that stand are the shop's, and both are exact; a shop whose pixel leaves out tax or "
            "shipping may allow for it",
        ),
    ),
)
