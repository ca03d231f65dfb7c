"""Partners and channels side by side: what each model would credit them with, and what they are worth.

A sale's path is every touch that the terms look at, of partners and of other channels alike; a promo code is
a touch of its partner at the time of the sale, where no click of that partner is in the path. Paths that
ended in nothing are not known, because clicks without a sale expire: so a removal effect is the part of the
sales whose walks go through a channel.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from chalicelib.domain.attribution import MODELS
from chalicelib.domain.conversion import CouponMatch, Report, Touch
from chalicelib.domain.money import allot
from chalicelib.domain.path import weigh
from chalicelib.domain.terms import Attribution, Terms
from chalicelib.domain.worth import Ends, Path, Paths, markov, shapley
from chalicelib.domain.worth.paths import Part, lags, lengths, parts

COMPARED = ("first", "last", "linear", "position", "time_decay")
"""The models that stand beside Markov and Shapley; weights and half-life are those of the terms."""

MICROS = 1_000_000
"""A conversion, divided among touches in whole millionths: sums of many stay exact, and small."""

OTHERS = "(others)"
"""Stands for the names past `markov.MAX_CHANNELS`, those with the fewest sales."""

_NOT_IN_PATH = frozenset({"after_conversion", "outside_window", "untrusted_evidence"})


@dataclass(frozen=True, slots=True)
class Row:
    """One partner or channel. `conversions` are millionths; `revenue` is minor units by currency."""

    name: str
    is_partner: bool
    part: Part
    conversions: Mapping[str, int]
    revenue: Mapping[str, Mapping[str, int]]


@dataclass(slots=True)
class Table:
    """Sales by path, counted once for partners and once for channels."""

    paths: dict[Path, int] = field(default_factory=dict)
    revenue: dict[str, dict[Path, int]] = field(default_factory=dict)
    credited: dict[tuple[str, str], int] = field(default_factory=dict)
    earned: dict[tuple[str, str, str], int] = field(default_factory=dict)
    partners: set[str] = field(default_factory=set)

    def add(self, names: Path, shares: Mapping[str, list[int]], amount_minor: int, currency: str) -> None:
        """Count a sale in; `shares` are each model's weights, one for each name of the path."""
        self.paths[names] = self.paths.get(names, 0) + 1
        by_path = self.revenue.setdefault(currency, {})
        by_path[names] = by_path.get(names, 0) + amount_minor
        for model, weights in shares.items():
            for name, micros in zip(names, allot(MICROS, weights), strict=True):
                self.credited[name, model] = self.credited.get((name, model), 0) + micros
            for name, minor in zip(names, allot(amount_minor, weights), strict=True):
                key = name, model, currency
                self.earned[key] = self.earned.get(key, 0) + minor


class Comparison:
    """Sales are added one by one; `partners` and `channels` then tell what came of them."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._by_partner, self._by_channel = Table(), Table()
        self._lags: dict[int, int] = {}
        self.sales = 0
        self.without_path = 0

    def add(self, report: Report, touches: Sequence[Touch], coupons: Sequence[CouponMatch]) -> None:
        """Count one sale in."""
        self.sales += 1
        path = self._path(report, touches, coupons)
        if not path:
            self.without_path += 1
            return
        rules: Attribution = self._terms.attribution
        shares = {model: MODELS[model](path, report.occurred_at, rules) for model in COMPARED}
        amount, currency = report.content.amount_minor, report.content.currency
        names = tuple(touch.partner or touch.channel for touch in path)
        self._by_partner.partners |= {touch.partner for touch in path if touch.partner}
        self._by_partner.add(names, shares, amount, currency)
        self._by_channel.add(tuple(touch.channel for touch in path), shares, amount, currency)
        for days, times in lags([(path[0].at, report.occurred_at)]).items():
            self._lags[days] = self._lags.get(days, 0) + times

    def partners(self) -> list[Row]:
        """A row for each partner, and for each channel that no partner brought."""
        return _rows(self._by_partner)

    def channels(self) -> list[Row]:
        """A row for each channel; all partners are one of them."""
        return _rows(self._by_channel)

    def lengths(self) -> dict[int, int]:
        """How many sales had paths of so many touches."""
        return lengths(_ends(self._by_channel.paths))

    def lags(self) -> dict[int, int]:
        """How many sales came so many whole days after their first touch."""
        return dict(sorted(self._lags.items()))

    def revenue(self) -> dict[str, int]:
        """What the sales with a path came to, in minor units by currency."""
        return {currency: sum(found.values()) for currency, found in sorted(self._by_channel.revenue.items())}

    def _path(
        self, report: Report, touches: Sequence[Touch], coupons: Iterable[CouponMatch]
    ) -> tuple[Touch, ...]:
        weighed = weigh(touches, None, report, self._terms)
        path = tuple(step.touch for step in weighed.steps if step.reason not in _NOT_IN_PATH)
        there = {touch.partner for touch in path}
        told = {match.partner for match in coupons if match.partner and match.covers(report.occurred_at)}
        at = report.occurred_at
        return path + tuple(Touch("", at, who, None, "partner", "coupon") for who in sorted(told - there))


def _rows(table: Table) -> list[Row]:
    paths = _ends(table.paths)
    taken = parts(paths)
    shared = {"markov": _markov(table.paths, taken), "shapley": shapley.conversions(paths)}
    conversions = dict(table.credited)
    earned = dict(table.earned)
    sales = sum(table.paths.values())
    for model, values in shared.items():
        for name, micros in _whole(sales * MICROS, values).items():
            conversions[name, model] = micros
    for currency, by_path in table.revenue.items():
        whole = sum(by_path.values())
        for model, values in (("markov", shared["markov"]), ("shapley", shapley.conversions(_ends(by_path)))):
            for name, minor in _whole(whole, values).items():
                earned[name, model, currency] = minor
    names = sorted(taken.keys() | {name for name, _ in conversions})
    return [_row(table, name, taken.get(name, Part()), conversions, earned) for name in names]


def _row(
    table: Table,
    name: str,
    part: Part,
    conversions: Mapping[tuple[str, str], int],
    earned: Mapping[tuple[str, str, str], int],
) -> Row:
    models = (*COMPARED, "markov", "shapley")
    return Row(
        name,
        name in table.partners,
        part,
        {model: conversions.get((name, model), 0) for model in models},
        {
            currency: {model: earned.get((name, model, currency), 0) for model in models}
            for currency in sorted(table.revenue)
        },
    )


def _markov(paths: Mapping[Path, int], taken: Mapping[str, Part]) -> dict[str, Fraction]:
    """Conversions by removal effect; the least names are taken as one where there are too many."""
    kept = set(taken)
    if len(taken) > markov.MAX_CHANNELS:
        by_sales = sorted(taken, key=lambda name: (-taken[name].last - taken[name].assisted, name))
        kept = set(by_sales[: markov.MAX_CHANNELS - 1])
    merged: dict[Path, int] = {}
    for path, sales in paths.items():
        names = tuple(name if name in kept else OTHERS for name in path)
        merged[names] = merged.get(names, 0) + sales
    return markov.conversions(_ends(merged))


def _ends(paths: Mapping[Path, int]) -> Paths:
    return {path: Ends(sales) for path, sales in paths.items()}


def _whole(total: int, values: Mapping[str, Fraction]) -> dict[str, int]:
    """The total in whole units, in proportion to the values, by largest remainder."""
    common = lcm(*(value.denominator for value in values.values()))
    weights = [value.numerator * (common // value.denominator) for value in values.values()]
    if not any(weights):
        return dict.fromkeys(values, 0)
    return dict(zip(values, allot(total, weights), strict=True))
