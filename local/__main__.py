"""`python -m local`, behind `make run`: start the stack, play the story once, stay up until stopped.

Reads PORT (8000), DATA_DIR (.local) and DEMO (1; 0 skips the story) from the environment.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from local.engine import EngineFailed
from local.stack import FolderInUse, Stack


def main() -> int:
    """Run until SIGINT or SIGTERM; the exit status."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    folder = Path(os.environ.get("DATA_DIR") or ".local").resolve()
    port = os.environ.get("PORT") or "8000"
    try:
        stack = Stack(folder, int(port))
    except FolderInUse as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, ValueError, OverflowError) as error:
        print(f"cannot listen on port {port}: {error}; choose another one with PORT=", file=sys.stderr)
        return 1
    try:
        stack.start()
    except EngineFailed as error:
        print(error, file=sys.stderr)
        return 1
    if stack.is_new and os.environ.get("DEMO", "1") != "0":
        _tell_story(stack, stopping)
    _announce(stack, folder)
    stopping.wait()
    print("\nStopping ...", flush=True)
    stack.stop()
    return 0


def _tell_story(stack: Stack, stopping: threading.Event) -> None:
    from local.story import Failed, play

    try:
        play(stack.url, stack.admin_key, stopping.is_set)
    except Failed as error:
        print(f"\nThe story ended early: {error}", file=sys.stderr, flush=True)


def _announce(stack: Stack, folder: Path) -> None:
    lines = [f"Linkledger is up: {stack.url}", f"  admin key   {folder / 'admin-key'}"]
    lines += [f"  {page[1:]:<12}{stack.url}{page}" for page in stack.pages]
    lines.append(f"  mail        {stack.url}/_local/mail")
    if stack.clock.stands_still:
        lines.append(f"  the clock stands still at {stack.clock():%Y-%m-%dT%H:%M:%SZ}")
    lines.append("Stop it with Ctrl-C; what it holds is kept.")
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
