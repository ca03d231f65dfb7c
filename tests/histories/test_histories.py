"""Two hundred histories, under faults, crashes and rivals, come out to the last unit.

`make soak` plays thousands, and longer ones. A failure prints the seed of the history, as
`SEED=fc570072/17`: the part before the stroke is the world's.
"""

import os

from tests.histories.play import TIMES, Size, play
from tests.histories.soak import failures, report

SEED = "fc570072"
"""The world that every run of the tests plays; `make soak` takes fresh ones."""

HISTORIES = 200


def test_everything_acknowledged_is_accounted_for() -> None:
    seed = os.environ.get("SEED", SEED)
    outcome = play(seed, range(HISTORIES), Size(times=TIMES[1:4], actions=3, shards=1))
    assert failures(outcome) == []
    assert outcome.happened["histories"] == HISTORIES
    assert outcome.happened["orders"] > HISTORIES
    assert outcome.statuses["no answer"] > 0, "nothing was killed"
    print(f"SEED={seed}: {report(outcome)}")
