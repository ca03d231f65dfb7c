"""The embedded engine's own process: ministack with snapshots, run by the engine's own virtual environment.

Started by `local/engine.py` with a listening socket as the file descriptor named on the command line, and its
standard input a pipe: when that closes, because the stack stopped or was killed, the engine saves and ends.

A snapshot is taken by forking inside the event loop, where no request is half done: the child writes a
consistent copy while the parent goes on. The next one waits for ten times as long as the last one took.
"""

import asyncio
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core.persistence import save_all

_SAVE_PATH = "/_engine/save"
_READY_PATH = "/_engine/ready"
_LEAST_PAUSE_S = 0.5
_PAUSE_PER_COST = 10
_READING = (
    "DynamoDB_20120810.GetItem",
    "DynamoDB_20120810.Query",
    "DynamoDB_20120810.Scan",
    "DynamoDBStreams",
)


class Snapshots:
    """Writes the engine's state to its folder: now and then after changes, and on demand."""

    def __init__(self) -> None:
        self._changed = False
        self._lock = asyncio.Lock()
        self.cost_s = 0.0

    def note(self, scope: dict[str, Any]) -> None:
        """Remember that this request may have changed something."""
        target = dict(scope["headers"]).get(b"x-amz-target", b"").decode("latin-1")
        if scope["method"] not in {"GET", "HEAD"} and not target.startswith(_READING):
            self._changed = True

    async def save(self) -> bool:
        """Write all that was acknowledged before this call; False when writing failed."""
        async with self._lock:
            if not self._changed:
                return True
            self._changed = False
            begun = time.monotonic()
            child = os.fork()
            if child == 0:
                _write_and_exit()
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            self.cost_s = time.monotonic() - begun
            if status != 0:
                self._changed = True
            return status == 0

    async def repeat(self) -> None:
        """Save for ever, at an interval that follows what a snapshot costs."""
        while True:
            await asyncio.sleep(max(_LEAST_PAUSE_S, _PAUSE_PER_COST * self.cost_s))
            await self.save()


def _write_and_exit() -> None:
    """In the child: write the state, then end without running anything of the parent's."""
    status = 1
    try:
        save_all(ministack._build_persistence_save_dict())
        status = 0
    finally:
        os._exit(status)


def _with_snapshots(snapshots: Snapshots) -> Any:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == _READY_PATH:
            await _answer(send, 200)
        elif scope["type"] == "http" and scope["path"] == _SAVE_PATH:
            await _answer(send, 200 if await snapshots.save() else 500)
        else:
            if scope["type"] == "http":
                snapshots.note(scope)
            await ministack.app(scope, receive, send)

    return application


async def _answer(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _lock_folder(folder: Path) -> int:
    """Hold the state folder, so that no second engine writes into it; waits until a stopping one let go."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(100):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
        else:
            return descriptor
    sys.exit(f"another engine is using {folder}")


async def _run(descriptor: int, persisting: bool) -> None:
    snapshots = Snapshots()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stopping.set)
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "ERROR"
    repeating = asyncio.create_task(snapshots.repeat()) if persisting else None
    await serve(_with_snapshots(snapshots), config, shutdown_trigger=stopping.wait)
    if repeating:
        repeating.cancel()


def main() -> None:
    """Serve on the descriptor given until standard input closes."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the stack stops us in turn.
    persisting = os.environ.get("PERSIST_STATE") == "1"
    if persisting:
        _lock_folder(Path(os.environ["STATE_DIR"]))
    asyncio.run(_run(int(sys.argv[1]), persisting))


main()
