"""Markov removal effects: how many conversions would be lost if a channel were not there.

Paths are taken for walks of a first-order Markov chain between channels, from a start to a conversion or to
nothing; a channel's removal effect is the part of the conversion probability that is lost when every way
into it leads to nothing. After E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the
customer journey", International Journal of Research in Marketing 33(3), 2016.

Exact: fractions, no sampling. Removing c loses the walks that hit c and would have converted from there, so
one matrix inverse gives all effects: with N the chain's fundamental matrix and b the probability of a
conversion from each channel, the effect of c is N[start, c] / N[c, c] * b[c] / b[start]. A common factor of N
falls out of that, so whole numbers do until the last step.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain

from chalicelib.domain.worth import Paths

MAX_CHANNELS = 60
"""Channels that the inverse is taken over: its time grows with their third power, and with their digits."""

Matrix = list[list[int]]


def removal_effects(paths: Paths) -> dict[str, Fraction]:
    """By channel, the part of all conversions that would be lost without it, from 0 to 1.

    Reading the paths takes time in proportion to their length.

    Raises:
        ValueError: more channels than `MAX_CHANNELS`.
    """
    channels = sorted(set(chain.from_iterable(paths)))
    if len(channels) > MAX_CHANNELS:
        raise ValueError(f"removal effects are reckoned for up to {MAX_CHANNELS} channels")
    starts, moves, sales, ending = _count(paths, channels)
    inverse = _invert(_departures(moves, ending))
    size = range(len(channels))
    converting = [sum(inverse[i][j] * sales[j] for j in size) for i in size]
    reached = [sum(starts[i] * inverse[i][j] for i in size) for j in size]
    base = sum(starts[i] * converting[i] for i in size)
    if not base:
        return dict.fromkeys(channels, Fraction(0))
    return {
        channel: Fraction(reached[j] * converting[j], inverse[j][j] * base)
        for j, channel in enumerate(channels)
    }


def conversions(paths: Paths) -> dict[str, Fraction]:
    """The conversions divided among the channels in proportion to their removal effects."""
    effects = removal_effects(paths)
    whole = sum(effects.values(), Fraction(0))
    total = sum(ends.conversions for path, ends in paths.items() if path)
    return {channel: effect * total / whole if whole else Fraction(0) for channel, effect in effects.items()}


def _count(paths: Paths, channels: Sequence[str]) -> tuple[list[int], Matrix, list[int], list[int]]:
    """How often walks start at each channel, go from one to another, convert from each, and end at each."""
    places = {channel: place for place, channel in enumerate(channels)}
    starts, sales, ending = ([0] * len(channels) for _ in range(3))
    moves = [[0] * len(channels) for _ in channels]
    for path, ends in paths.items():
        if not path:
            continue
        times = ends.conversions + ends.nothing
        here, *onwards = [places[channel] for channel in path]
        starts[here] += times
        for there in onwards:
            moves[here][there] += times
            here = there
        sales[here] += ends.conversions
        ending[here] += times
    return starts, moves, sales, ending


def _departures(moves: Matrix, ending: Sequence[int]) -> Matrix:
    """The chain's I - Q with each row times the departures from its channel, so that all are integers.

    A channel that no walk goes through has one departure: it is never reached, so nothing hangs on it.
    """
    rows = [[-count for count in row] for row in moves]
    for place, row in enumerate(rows):
        row[place] += sum(moves[place]) + ending[place] or 1
    return rows


def _invert(matrix: Matrix) -> Matrix:
    """A multiple of the inverse, by elimination in whole numbers.

    Every division leaves no remainder (E. H. Bareiss, "Sylvester's Identity and Multistep Integer-Preserving
    Gaussian Elimination", Mathematics of Computation 22, 1968). No pivot vanishes: every walk ends at some
    time.
    """
    size = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    before = 1
    for column in range(size):
        chosen = rows[column]
        pivot = chosen[column]
        for other in range(size):
            if other != column:
                factor = rows[other][column]
                rows[other] = [
                    (a * pivot - factor * b) // before for a, b in zip(rows[other], chosen, strict=True)
                ]
        before = pivot
    return [row[size:] for row in rows]
