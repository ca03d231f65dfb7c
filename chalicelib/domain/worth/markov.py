"""Markov removal effects: how many conversions would be lost if a channel were not there.

Paths are taken for walks of a first-order Markov chain between channels, from a start to a conversion or to
nothing; a channel's removal effect is the part of the conversion probability that is lost when every way
into it leads to nothing. After E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the
customer journey", International Journal of Research in Marketing 33(3), 2016.

Exact: fractions, no sampling. Removing c loses the walks that hit c and would have converted from there, so
one matrix inverse gives all effects: with N the chain's fundamental matrix and b the probability of a
conversion from each channel, the effect of c is N[start, c] / N[c, c] * b[c] / b[start].
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from chalicelib.domain.worth import Paths

MAX_CHANNELS = 60
"""Channels that the inverse is taken over: its time grows with their third power, and with their digits."""

Matrix = list[list[Fraction]]


def removal_effects(paths: Paths) -> dict[str, Fraction]:
    """By channel, the part of all conversions that would be lost without it, from 0 to 1.

    Reading the paths takes time in proportion to their length.

    Raises:
        ValueError: more channels than `MAX_CHANNELS`.
    """
    channels = sorted({channel for path in paths for channel in path})
    if len(channels) > MAX_CHANNELS:
        raise ValueError(f"removal effects are reckoned for up to {MAX_CHANNELS} channels")
    starts, moves, sales = _count(paths, channels)
    inverse = _invert(_departures(moves, sales, paths, channels))
    size = range(len(channels))
    converting = [sum(inverse[i][j] * sales[j] for j in size) for i in size]
    reached = [sum(starts[i] * inverse[i][j] for i in size) for j in size]
    base = sum(starts[i] * converting[i] for i in size)
    if not base:
        return dict.fromkeys(channels, Fraction(0))
    return {channel: reached[j] / inverse[j][j] * converting[j] / base for j, channel in enumerate(channels)}


def conversions(paths: Paths) -> dict[str, Fraction]:
    """The conversions divided among the channels in proportion to their removal effects."""
    effects = removal_effects(paths)
    whole = sum(effects.values(), Fraction(0))
    total = sum(ends.conversions for path, ends in paths.items() if path)
    return {channel: effect * total / whole if whole else Fraction(0) for channel, effect in effects.items()}


def _count(paths: Paths, channels: Sequence[str]) -> tuple[list[int], list[list[int]], list[int]]:
    """How often walks start at each channel, go from one to another, and convert from each."""
    places = {channel: place for place, channel in enumerate(channels)}
    starts, sales = [0] * len(channels), [0] * len(channels)
    moves = [[0] * len(channels) for _ in channels]
    for path, ends in paths.items():
        if not path:
            continue
        times = ends.conversions + ends.nothing
        walk = [places[channel] for channel in path]
        starts[walk[0]] += times
        sales[walk[-1]] += ends.conversions
        for here, there in pairwise(walk):
            moves[here][there] += times
    return starts, moves, sales


def _departures(
    moves: Sequence[Sequence[int]], sales: Sequence[int], paths: Paths, channels: Sequence[str]
) -> Matrix:
    """The chain's I - Q with each row times the departures from its channel, so that all are integers."""
    places = {channel: place for place, channel in enumerate(channels)}
    ending = list(sales)
    for path, ends in paths.items():
        if path:
            ending[places[path[-1]]] += ends.nothing
    rows = [[Fraction(-count) for count in row] for row in moves]
    for place, row in enumerate(rows):
        row[place] += sum(moves[place]) + ending[place]
    return rows


def _invert(matrix: Matrix) -> Matrix:
    """The inverse, by Gauss-Jordan elimination. No pivot vanishes: every walk ends at some time."""
    size = len(matrix)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = rows[column][column]
        rows[column] = [value / pivot for value in rows[column]]
        for other in range(size):
            factor = rows[other][column]
            if other != column and factor:
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[column], strict=True)]
    return [row[size:] for row in rows]
