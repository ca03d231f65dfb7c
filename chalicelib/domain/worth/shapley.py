"""Shapley values: each channel's average contribution over all orders in which channels could join.

The worth of a set of channels is the number of conversions whose paths need no channel outside the set, as
in K. Zhao, S. H. Mahboobi, S. R. Bagheri, "Shapley Value Methods for Attribution Modeling in Online
Advertising", 2018 (arXiv:1804.05327). That game is a sum of unanimity games, one for each path, and the
Shapley value of a unanimity game is an equal part for each of its members (L. S. Shapley, "A Value for
n-Person Games", 1953). So the exact value needs no walk over subsets: time grows with the paths alone, and
there is no bound on channels.
"""

from fractions import Fraction

from chalicelib.domain.worth import Paths


def conversions(paths: Paths) -> dict[str, Fraction]:
    """By channel, its exact part of the conversions; the parts sum to the conversions of all paths."""
    by_members: dict[frozenset[str], int] = {}
    for path, ends in paths.items():
        members = frozenset(path)
        by_members[members] = by_members.get(members, 0) + ends.conversions
    by_size: dict[str, dict[int, int]] = {}
    for members, count in by_members.items():
        for channel in members:
            sizes = by_size.setdefault(channel, {})
            sizes[len(members)] = sizes.get(len(members), 0) + count
    return {
        channel: sum((Fraction(count, size) for size, count in sizes.items()), Fraction(0))
        for channel, sizes in sorted(by_size.items())
    }
