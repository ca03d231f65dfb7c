"""Thousands of histories, each from a printed seed; ends with 1 at the first world that does not add up.

    python -m tests.histories.soak [--histories 5000] [--seed 1f2e3d4c | --seed 1f2e3d4c/17]

A history is a program with its terms, partners, visitors and shop, and lives for up to three months. Some
hundred share a world: two servers on one engine, a clock, faults, kills and rival jobs. The seed of a world
plays all its histories again, that of a history this one alone.
"""

import argparse
import sys

from tests.histories.play import Outcome, Size, fresh_seed, play


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=5000, help="play until there are so many")
    parser.add_argument("--world", type=int, default=250, help="how many share a world")
    parser.add_argument("--actions", type=int, default=4, help="of a history at a time, at most")
    parser.add_argument("--rate", type=float, default=0.02, help="the part of all AWS calls that fails")
    parser.add_argument("--seed", help="play this world, or this history alone")
    chosen = parser.parse_args()
    played = 0
    while played < chosen.histories:
        seed, _, number = (chosen.seed or fresh_seed()).partition("/")
        numbers = [int(number)] if number else range(chosen.world)
        print(f"seed {seed}", flush=True)
        outcome = play(seed, numbers, Size(actions=chosen.actions, rate=chosen.rate))
        print(f"  {report(outcome)}", flush=True)
        played += len(numbers)
        if outcome.problems:
            print(*failures(outcome), sep="\n")
            return 1
        if chosen.seed:
            break
    print(f"{played} histories: everything that was acknowledged is accounted for")
    return 0


def report(outcome: Outcome) -> str:
    """How much happened, in one line."""
    happened = ", ".join(f"{count} {what}" for what, count in outcome.happened.items())
    took = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in outcome.seconds.items())
    asked = sum(outcome.statuses.values())
    failed = outcome.statuses["no answer"] + outcome.statuses["503"]
    return f"{happened}; {asked} requests, {failed} of them failed; {outcome.kills} kills; {took}"


def failures(outcome: Outcome) -> list[str]:
    """Each history that does not add up, by the seed that plays it alone, and what is wrong with it."""
    return [f"SEED={seed}: {problem}" for seed, found in outcome.problems.items() for problem in found]


if __name__ == "__main__":
    sys.exit(main())
