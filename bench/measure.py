"""What every bench answers: named numbers, each with its unit and, where there is one, its floor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One number; `floor` is what it was measured against in the same run, in the same unit."""

    value: float
    unit: str
    floor: float | None = None


Measures = dict[str, Measure]
"""By name, as `build/bench.json` has them."""
