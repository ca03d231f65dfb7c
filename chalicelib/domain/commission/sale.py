"""What a commission kind may look at."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from chalicelib.domain.conversion import Content
from chalicelib.domain.customer import NOBODY, Tenure
from chalicelib.domain.rates import NO_RATES, Rates, convert


class Waiting(Exception):
    """The commission can't be told yet, and nothing is guessed: `code` says what is missing."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Sale:
    """The sale, or the lines of it that a rule is for, and the currency in which rules state amounts.

    `units` is what a flat amount is paid for: 1 for an order, the quantity for lines. `rates` are the
    program's, of which those of the day `on` are used; `tenure` is what is known of the customer.
    """

    content: Content
    program_currency: str
    units: int = 1
    rates: Rates = NO_RATES
    on: date = date.min
    tenure: Tenure = NOBODY

    def stated(self, amount_minor: int) -> Fraction:
        """An amount that a rule states, in minor units of the sale's currency.

        Raises:
            Waiting: `rate_missing`.
        """
        return exchange(amount_minor, self.program_currency, self.content.currency, self.rates, self.on)


def exchange(amount_minor: Fraction | int, base: str, quote: str, rates: Rates, on: date) -> Fraction:
    """The amount in minor units of another currency, exactly, at that day's rate.

    Raises:
        Waiting: `rate_missing`.
    """
    if base == quote:
        return Fraction(amount_minor)
    rate = rates.find(base, quote, on)
    if rate is None:
        raise Waiting("rate_missing", f"no rate from {base} to {quote} for {on.isoformat()}")
    return convert(amount_minor, base, quote, rate)
