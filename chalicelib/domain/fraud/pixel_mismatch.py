"""An order that the browser told with other figures than the shop."""

from collections.abc import Iterator

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Number, Rule, Trace, Values

SIGNAL = "browser_told"
"""What a browser told of an order that the shop had told already: minor units and currency."""


MOST = 20
"""Differing figures that are kept of one order: enough to show, and no more than anybody may fill it with."""


def _find(case: Case, values: Values) -> Trace | None:
    """By the figure that is furthest off, or is in another currency."""
    stands = case.effective.content
    return max(
        (trace for told in _told(case) if (trace := _judge(told, case, values))),
        key=lambda trace: (
            trace.evidence["told"]["currency"] != stands.currency,
            abs(trace.evidence["told"]["amount"] - stands.amount_minor),
        ),
        default=None,
    )


def _find_by_first(case: Case, values: Values) -> Trace | None:
    told = next(iter(_told(case)), None)
    return _judge(told, case, values) if told else None


def _judge(told: tuple[int, str], case: Case, values: Values) -> Trace | None:
    stands = case.effective.content
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


def _told(case: Case) -> Iterator[tuple[int, str]]:
    """What the browser told beside the shop, whichever of them came first."""
    if case.told is not case.effective and case.told.from_browser:
        yield case.told.content.amount_minor, case.told.content.currency
    for signal in case.signals:
        if signal.name == SIGNAL:
            amount, currency = signal.detail.split(" ")
            yield int(amount), currency


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
    version=2,
    former={1: _find_by_first},
)
