"""Thousands of histories, each from a printed seed; ends with 1 at the first world that does not add up.

    python -m tests.histories.soak [--orders 5000] [--programs 12] [--rate 0.03] [--seed 1f2e3d4c]

A history is what happens to one order: its clicks, its reports, and all that is done to it afterwards. They
share programs, and the programs share a world: two servers on one engine, a clock, and rival jobs.
"""

import argparse
import sys

from tests.histories.play import Outcome, fresh_seed, play


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=5000, help="play until so many orders have a history")
    parser.add_argument("--programs", type=int, default=12, help="of one world")
    parser.add_argument("--actions", type=int, default=12, help="of each program at each time")
    parser.add_argument("--rate", type=float, default=0.03, help="the part of all AWS calls that fails")
    parser.add_argument("--seed", help="play this world alone")
    chosen = parser.parse_args()
    orders = 0
    while orders < chosen.orders:
        seed = chosen.seed or fresh_seed()
        print(f"seed {seed}", flush=True)
        outcome = play(seed, chosen.programs, chosen.rate, chosen.actions)
        print(report(outcome), flush=True)
        orders += outcome.acknowledged["orders"]
        if outcome.problems:
            print(*outcome.problems, sep="\n")
            return 1
        if chosen.seed:
            break
    print(f"{orders} orders: everything that was acknowledged is accounted for")
    return 0


def report(outcome: Outcome) -> str:
    """How much happened, in one line."""
    happened = ", ".join(f"{count} {what}" for what, count in sorted(outcome.acknowledged.items()))
    took = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in outcome.seconds.items())
    asked = sum(outcome.statuses.values())
    failed = outcome.statuses["no answer"] + outcome.statuses["503"]
    return f"  {happened}; {asked} requests, {failed} of them failed; {outcome.kills} kills; {took}"


if __name__ == "__main__":
    sys.exit(main())
