"""Exchange rates by day: facts with a source, which may be added to but never change what they decided.

A conversion's rate is the newest one of its day or of the seven days before it, so that weekends and
holidays have one; and it is only taken once a rate of that day or of a later one is known. So a rate that
comes in later can never change a decision, provided that none is put in between (`check_addition`).
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from operator import attrgetter

from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.errors import Conflict, Invalid

MAX_AGE = timedelta(days=7)
"""How old a rate may be on the day for which it is used: the longest bank holiday and then some."""

_DECIMAL = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """On that day one unit of `base` was `text` (a plain decimal) units of `quote`, says the source."""

    day: date
    base: str
    quote: str
    text: str
    source: str

    @property
    def exact(self) -> Fraction:
        """Major units of `quote` for one major unit of `base`."""
        return Fraction(self.text)

    def __str__(self) -> str:
        return f"1 {self.base} = {self.text} {self.quote} on {self.day.isoformat()} ({self.source})"


def parse_rate(text: str, field: str) -> str:
    """The text itself, where it is a plain decimal above 0.

    Raises:
        Invalid: `rate_invalid`.
    """
    if not _DECIMAL.fullmatch(text) or Fraction(text) == 0:
        raise Invalid("rate_invalid", "a rate is a plain decimal above 0 such as 1.0842", field)
    return text


class Rates:
    """The rates of a program, by pair and day."""

    def __init__(self, rates: Iterable[Rate] = ()) -> None:
        self._by_pair: dict[tuple[str, str], list[Rate]] = {}
        for rate in sorted(rates, key=lambda rate: rate.day):
            self._by_pair.setdefault((rate.base, rate.quote), []).append(rate)

    def find(self, base: str, quote: str, on: date) -> Rate | None:
        """The rate between the two on that day, in whichever direction it is known; None while unknown."""
        known = self._by_pair.get((base, quote)) or self._by_pair.get((quote, base)) or []
        position = bisect_right(known, on, key=lambda rate: rate.day)
        if position == 0 or known[-1].day < on or on - known[position - 1].day > MAX_AGE:
            return None
        return known[position - 1]

    def newest(self, base: str, quote: str) -> date:
        """The last day with a rate of this pair; the beginning of time where there is none."""
        known = self._by_pair.get((base, quote))
        return known[-1].day if known else date.min

    def check_addition(self, rate: Rate, field: str) -> bool:
        """Whether the rate is new; False where it is known already.

        Raises:
            Conflict: `rate_conflict`, the day has another rate; `rate_pair_reversed`, the pair is kept the
                other way round; `rate_day_settled`, it would change what other rates have decided.
        """
        if (rate.quote, rate.base) in self._by_pair:
            raise Conflict("rate_pair_reversed", f"rates are kept from {rate.quote} to {rate.base}", field)
        known = self._by_pair.get((rate.base, rate.quote), [])
        position = bisect_right(known, rate.day, key=lambda each: each.day)
        before = known[position - 1] if position else None
        if before and before.day == rate.day:
            if before.exact == rate.exact:
                return False
            raise Conflict("rate_conflict", f"{rate.day} has another rate: {before.text}", field)
        if before and position < len(known) and rate.day - before.day <= MAX_AGE:
            raise Conflict("rate_day_settled", f"{rate.day} was settled by the rate of {before.day}", field)
        return True


NO_RATES = Rates()


def convert(amount_minor: Fraction | int, base: str, quote: str, rate: Rate) -> Fraction:
    """The amount in minor units of `quote`, exactly; `rate` is of this pair, in either direction."""
    factor = rate.exact if rate.base == base else 1 / rate.exact
    return amount_minor * factor * Fraction(10) ** (DIGITS[quote] - DIGITS[base])


def news(known: Rates, rates: Sequence[Rate]) -> list[Rate]:
    """Those of the rates that are new, in an order in which each may be added after those before it.

    What goes on from the known ones comes forwards, what fills in before them backwards: so a file that is
    added in several steps decides nothing in the middle that its later steps would change.

    Raises:
        Conflict: as `Rates.check_addition`; nothing is to be kept then.
    """
    new = [rate for position, rate in enumerate(rates) if known.check_addition(rate, f"rates[{position}]")]
    onwards = [rate for rate in new if rate.day > known.newest(rate.base, rate.quote)]
    backwards = [rate for rate in new if rate.day <= known.newest(rate.base, rate.quote)]
    by_day = attrgetter("day")
    return sorted(onwards, key=by_day) + sorted(backwards, key=by_day, reverse=True)
