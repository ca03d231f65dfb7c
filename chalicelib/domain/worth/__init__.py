"""What channels and partners are worth beyond the model that pays: beside the books, never in them.

All of it is counted over paths: the channels or partners that a customer came through, in order, and how
often that path ended in a sale or in nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """How often a path ended in a conversion, and how often in nothing."""

    conversions: int
    nothing: int = 0


Paths = Mapping[Path, Ends]
"""Distinct paths with how they ended; an empty path is one without a touch, and belongs to nobody."""
