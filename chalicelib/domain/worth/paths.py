"""How channels take part in paths: as the last touch, as an assist, alone; and how long paths are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.worth import Paths


@dataclass(frozen=True, slots=True)
class Part:
    """Conversions in which a channel was the first touch, the last one, helped before it, or was alone."""

    first: int = 0
    last: int = 0
    assisted: int = 0
    alone: int = 0


def parts(paths: Paths) -> dict[str, Part]:
    """By channel. A conversion is assisted by a channel that is in its path and not its last touch.

    As web analytics count assisted conversions (Google Analytics, "Assisted Conversions" of the
    multi-channel funnels).
    """
    found: dict[str, Part] = {}
    for path, ends in paths.items():
        for channel in set(path):
            part = found.get(channel, Part())
            found[channel] = Part(
                part.first + (ends.conversions if path[0] == channel else 0),
                part.last + (ends.conversions if path[-1] == channel else 0),
                part.assisted + (ends.conversions if path[-1] != channel else 0),
                part.alone + (ends.conversions if set(path) == {channel} else 0),
            )
    return dict(sorted(found.items()))


def lengths(paths: Paths) -> dict[int, int]:
    """How many conversions had paths of so many touches."""
    found: dict[int, int] = {}
    for path, ends in paths.items():
        if ends.conversions:
            found[len(path)] = found.get(len(path), 0) + ends.conversions
    return dict(sorted(found.items()))


def lags(spans: Iterable[tuple[datetime, datetime]]) -> dict[int, int]:
    """How many conversions came so many whole days after their first touch; `spans` are (touch, sale)."""
    found: dict[int, int] = {}
    for touched, sold in spans:
        days = max((sold - touched) // timedelta(days=1), 0)
        found[days] = found.get(days, 0) + 1
    return dict(sorted(found.items()))
