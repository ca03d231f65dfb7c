"""The embedded engine's own process: ministack with snapshots, run by the engine's own virtual environment.

Started by `local/engine.py` with a listening socket as the file descriptor named on the command line, and its
standard input a pipe: when that closes, because the stack stopped or was killed, the engine saves and ends.

A snapshot is taken by forking inside the event loop, where no request is half done: the child writes a
consistent copy while the parent goes on. The next one waits for ten times as long as the last one took.

Stream records are part of a snapshot, which ministack itself does not keep: so a click that was kept is also
counted, however the engine ended. The stack tells which records it is done with, and those are dropped.
"""

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from ministack import app as ministack
from ministack.core.persistence import load_state, save_all
from ministack.services import dynamodb

_CONTROL = "/_engine/"
_STREAMS = "dynamodb_stream_records"
_LEAST_PAUSE_S = 0.5
_PAUSE_PER_COST = 10
_READING = (
    "DynamoDB_20120810.GetItem",
    "DynamoDB_20120810.Query",
    "DynamoDB_20120810.Scan",
    "DynamoDBStreams",
)


class Snapshots:
    """Writes the engine's state to its folder: now and then after changes, and on demand.

    An engine that is not `persisting` has no folder: nothing is written.
    """

    def __init__(self, persisting: bool) -> None:
        self.persisting = persisting
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
            if not (self.persisting and self._changed):
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
        _write()
        status = 0
    finally:
        os._exit(status)


def _write() -> None:
    save_all(ministack._build_persistence_save_dict() | {_STREAMS: _stream_state})


def _stream_state() -> dict[str, Any]:
    return {
        "records": dynamodb._stream_records,
        "trimmed": dynamodb._stream_trimmed,
        "sequence": dynamodb._stream_seq_counter,
    }


def _restore_streams() -> None:
    state = load_state(_STREAMS)
    if state:
        dynamodb._stream_records = state["records"]
        dynamodb._stream_trimmed = state["trimmed"]
        dynamodb._stream_seq_counter = state["sequence"]


def _drop_records(table: str, through: str) -> None:
    """Forget the table's stream records up to this sequence number; positions in the stream stay the same."""
    records = dynamodb._stream_records.get(table) or []
    done = sum(1 for record in records if record["dynamodb"]["SequenceNumber"] <= through)
    del records[:done]
    dynamodb._stream_trimmed[table] = dynamodb._stream_trimmed.get(table, 0) + done


def _with_control(snapshots: Snapshots) -> Any:
    """The engine, and under `/_engine/` what only the stack asks of it."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await ministack.app(scope, receive, send)
        elif scope["path"].startswith(_CONTROL):
            await _answer(send, await _control(snapshots, scope))
        else:
            snapshots.note(scope)
            await ministack.app(scope, receive, send)

    return application


async def _control(snapshots: Snapshots, scope: dict[str, Any]) -> int:
    action = scope["path"].removeprefix(_CONTROL)
    if action == "save":
        return 200 if await snapshots.save() else 500
    if action == "drop":
        query = parse_qs(scope["query_string"].decode())
        _drop_records(query["table"][0], query["through"][0])
        snapshots.note(scope)
    return 200 if action in {"ready", "drop"} else 404


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
    snapshots = Snapshots(persisting)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stopping.set)
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    config = uvicorn.Config(
        _with_control(snapshots),
        http="httptools",
        lifespan="on",
        proxy_headers=False,
        log_level="error",
        date_header=False,  # The engine writes its own.
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    repeating = asyncio.create_task(snapshots.repeat()) if persisting else None
    ending = asyncio.create_task(_end(server, stopping))
    await server.serve(sockets=[socket.socket(fileno=descriptor)])
    ending.cancel()
    if repeating:
        repeating.cancel()
        _write()


async def _end(server: uvicorn.Server, stopping: asyncio.Event) -> None:
    await stopping.wait()
    server.should_exit = True


def main() -> None:
    """Serve on the descriptor given until standard input closes."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the stack stops us in turn.
    persisting = os.environ.get("PERSIST_STATE") == "1"
    if persisting:
        _lock_folder(Path(os.environ["STATE_DIR"]))
        _restore_streams()
    asyncio.run(_run(int(sys.argv[1]), persisting))


main()
