"""Amounts: integers of minor units with an ISO 4217 currency, rounded in this module and nowhere else.

Rounding is half away from zero, once per amount. Splits lose nothing: `allot` gives the first split of an
amount, `apportion` gives a growing part of an allotted amount back, never more than was allotted.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.errors import Invalid

MAX_AMOUNT_MINOR = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,20}))?", re.ASCII)
_BALANCE = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,4})?", re.ASCII)


def check_currency(code: str, field: str = "currency") -> str:
    """The code itself, where it names a currency of ISO 4217 that money is counted in.

    Raises:
        Invalid: `currency_unknown` (also for funds, metals and test codes such as XXX, XTS, XAU).
    """
    if code not in DIGITS:
        raise Invalid("currency_unknown", "currency must be an ISO 4217 code such as EUR", field)
    return code


def check_amount(amount_minor: int, field: str = "amount") -> int:
    """The amount itself, where it is an integer from 0 to 2^53-1.

    Raises:
        Invalid: `amount_invalid`.
    """
    if isinstance(amount_minor, bool) or not isinstance(amount_minor, int):
        raise Invalid("amount_invalid", "amount must be an integer of minor units", field)
    if not 0 <= amount_minor <= MAX_AMOUNT_MINOR:
        raise Invalid("amount_invalid", "amount must be from 0 to 9007199254740991", field)
    return amount_minor


def parse_major(text: str, currency: str, field: str = "amount") -> int:
    """Minor units of a plain decimal in major units: `"19.90"` EUR is 1990.

    Digits beyond the currency's own are accepted only when they are zeros, so nothing is ever rounded
    here. Signs, exponents, separators, NaN and non-ASCII digits are refused.

    Raises:
        Invalid: `amount_invalid`, `currency_unknown`.
    """
    check_currency(currency)
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise Invalid("amount_invalid", "amount must be a plain decimal such as 19.90", field)
    whole, decimals = match[1], match[2] or ""
    digits = DIGITS[currency]
    if decimals[digits:].strip("0"):
        raise Invalid("amount_invalid", f"{currency} has {digits} decimal digits", field)
    return check_amount(int(whole + decimals[:digits].ljust(digits, "0")), field)


def parse_signed_major(text: str, currency: str) -> int:
    """Minor units of what `format_major` wrote, and of nothing else: balances may be negative or large.

    Raises:
        Invalid: `amount_invalid`, `currency_unknown`.
    """
    check_currency(currency)
    if not _BALANCE.fullmatch(text) or format_major(amount := int(text.replace(".", "")), currency) != text:
        raise Invalid("amount_invalid", f"not a balance in {currency} as ledgers write it", "amount")
    return amount


def format_major(amount_minor: int, currency: str) -> str:
    """The amount as a plain decimal with the currency's own digits: -1990 EUR is `"-19.90"`."""
    digits = DIGITS[currency]
    text = str(abs(amount_minor)).rjust(digits + 1, "0")
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


def round_half_away(value: Fraction | int) -> int:
    """The nearest integer; halves go away from zero (2.5 is 3, -2.5 is -3)."""
    above, below = value.numerator, value.denominator
    rounded = (2 * abs(above) + below) // (2 * below)
    return -rounded if above < 0 else rounded


def allot(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to weights, by largest remainder; ties go to the earlier weight.

    The parts sum to the amount exactly (Hamilton's method).

    Raises:
        ValueError: a negative weight or amount, or no weight above 0.
    """
    whole = sum(weights)
    if amount_minor < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("allot takes a non-negative amount and non-negative weights, not all of them 0")
    if len(weights) == 1:
        return [amount_minor]
    quotas = [divmod(amount_minor * weight, whole) for weight in weights]
    parts = [part for part, _ in quotas]
    left = amount_minor - sum(parts)
    if left:
        for i in sorted(range(len(parts)), key=lambda i: (-quotas[i][1], i))[:left]:
            parts[i] += 1
    return parts


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """A part `total` of `sum(weights)`, divided among the weights so that no part ever shrinks as it grows.

    Sainte-Laguë's method (Webster): house-monotone, so refunds that follow one another only ever take
    more back from each partner, in whatever order they came; at `total == sum(weights)` every part is
    its whole weight. Ties go to the earlier weight. Started at the rounded quotas and corrected, after
    F. Pukelsheim, Proportional Representation, chapter 4.

    Raises:
        ValueError: `total` outside 0..sum(weights), or a negative weight.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or not 0 <= total <= whole:
        raise ValueError("apportion takes a total from 0 to the sum of non-negative weights")
    if total == 0:
        return [0] * len(weights)
    parts = [round_half_away(Fraction(total * weight, whole)) for weight in weights]
    while (excess := sum(parts) - total) != 0:
        if excess < 0:
            parts[_next_to_gain(parts, weights)] += 1
        else:
            parts[_next_to_lose(parts, weights)] -= 1
    return parts


def _next_to_gain(parts: Sequence[int], weights: Sequence[int]) -> int:
    return max(range(len(parts)), key=lambda i: (Fraction(weights[i], 2 * parts[i] + 1), -i))


def _next_to_lose(parts: Sequence[int], weights: Sequence[int]) -> int:
    held = [i for i in range(len(parts)) if parts[i] > 0]
    return min(held, key=lambda i: (Fraction(weights[i], 2 * parts[i] - 1), -i))
