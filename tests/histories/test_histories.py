"""Some seventy orders' histories, under faults, crashes and rivals, come out to the last unit.

`make soak` plays thousands. A failure prints the seed that plays the same again: `SEED=... pytest ...`.
"""

import os

from tests.histories.play import play
from tests.histories.soak import report

SEED = "fc570072"
"""The histories that every run of the tests plays; `make soak` takes fresh ones."""


def test_everything_acknowledged_is_accounted_for() -> None:
    seed = os.environ.get("SEED", SEED)
    outcome = play(seed, programs=4, rate=0.02, actions=8)
    assert outcome.problems == [], f"SEED={seed}: " + "\n".join(outcome.problems)
    assert outcome.acknowledged["orders"] > 30
    assert outcome.statuses["no answer"] > 0, "nothing was killed"
    print(f"SEED={seed}: {report(outcome)}")
