"""How long work may go on: whoever does it asks before each piece, and says where it stopped."""

from collections.abc import Callable

from chalicelib.domain.errors import LinkledgerError

HasTime = Callable[[], bool]
"""Tells, whenever it is asked, whether there is time to begin one piece more."""


class OutOfTime(LinkledgerError):
    """The time of this invocation is over; another one goes on from what was kept."""

    def __init__(self) -> None:
        super().__init__("out_of_time", "it goes on in another run")


def always() -> bool:
    """There is time."""
    return True


def at_most(pieces: int) -> HasTime:
    """Time for so many pieces."""
    left = iter(range(pieces))
    return lambda: next(left, None) is not None
