"""Measure everything, print a table and write `build/bench.json`.

    python bench/run.py [--quick]

Each bench is a module with `measure(quick) -> Measures` and runs in a process of its own, so that none warms
or burdens another. Ends with 1 when one of them fails, after the others had their turn.
"""

import argparse
import gzip
import importlib
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Measure, Measures

ROOT = Path(__file__).resolve().parents[1]
BENCHES = ("redirect", "cold_start", "capacity", "decisions", "worth", "close", "reconcile", "load", "tag")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under a minute")
    parser.add_argument("--only", choices=BENCHES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        print(json.dumps(as_json(measures_of(chosen.only, chosen.quick))))
        return 0
    found: dict[str, dict[str, object]] = {}
    failed = []
    for bench in BENCHES:
        started = time.monotonic()
        done = in_own_process(bench, chosen.quick)
        if done is None:
            failed.append(bench)
        else:
            found |= done
        print(f"{bench:<12}{time.monotonic() - started:>6.1f} s", file=sys.stderr, flush=True)
    print_table(found)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def measures_of(bench: str, quick: bool) -> Measures:
    """What one bench measures, in this process."""
    if bench == "tag":
        script = (ROOT / "chalicelib" / "static" / "tag.js").read_bytes()
        return {"tag_js_gzip_bytes": Measure(len(gzip.compress(script, 9, mtime=0)), "bytes")}
    measured: Measures = importlib.import_module(f"bench.{bench}").measure(quick)
    return measured


def in_own_process(bench: str, quick: bool) -> dict[str, dict[str, object]] | None:
    """The bench's numbers, or None where it failed (its own output says how)."""
    command = [sys.executable, __file__, "--only", bench, *(["--quick"] if quick else [])]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return None
    answer: dict[str, dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def as_json(measures: Measures) -> dict[str, dict[str, object]]:
    """The measures in the form of `build/bench.json`."""
    return {name: asdict(measured) for name, measured in measures.items()}


def print_table(found: dict[str, dict[str, object]]) -> None:
    """One line a number."""
    print(f"\n{'':<26}{'value':>12}{'floor':>12}  unit")
    for name, measured in found.items():
        floor = "" if measured["floor"] is None else f"{measured['floor']:,}"
        print(f"{name:<26}{measured['value']:>12,}{floor:>12}  {measured['unit']}")


if __name__ == "__main__":
    sys.exit(main())
