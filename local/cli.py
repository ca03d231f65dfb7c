"""`python -m local.cli ...`: `chalicelib.cli` in the stack that runs in DATA_DIR, at that stack's time."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib import bootstrap, cli
from local.clock import LocalClock
from local.stack import ENVIRONMENT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; as `chalicelib.cli`, and 1 where no stack is running."""
    folder = Path(os.environ.get("DATA_DIR") or ".local").resolve()
    try:
        os.environ.update(json.loads((folder / ENVIRONMENT).read_text()))
    except FileNotFoundError:
        print(f"no stack is running in {folder}: start one with `make run`", file=sys.stderr)
        return 1
    bootstrap.set_clock(LocalClock(folder / "clock.json"))
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
