"""Runs an unpacked zip as Lambda does: awslambdaric in a bare process, fed by a server of our own that
speaks the Lambda Runtime API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).

The process sees the unpacked folder, awslambdaric, the standard library and the variables that it is given,
and nothing else of this machine: no site-packages, no bytecode but what was shipped.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from types import TracebackType
from typing import Any

_VERSION = "/2018-06-01/runtime"
_START = """
import sys
sys.path[:0] = sys.argv[2:]
from awslambdaric.__main__ import main
main(["bootstrap", sys.argv[1]])
"""
_RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
_TIME_OUT_S = 900
"""What a function is told that it has, as jobs do; nothing here ends it then."""
_LIVE_S = 29.0
_OUTPUT_BYTES = 1 << 20


def copy_runtime_client(target: Path) -> Path:
    """Fill the folder with awslambdaric, as installed here, and what it needs; return the folder."""
    for name in _RUNTIME_CLIENT:
        copy_distribution(name, target)
    return target


def copy_distribution(name: str, target: Path) -> None:
    """Add an installed package's files to the folder, without its bytecode and scripts."""
    found = distribution(name)
    for file in found.files or ():
        if file.suffix != ".pyc" and ".." not in file.parts and ".dist-info" not in file.parts[0]:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(found.locate_file(file)), target / file)


class FunctionError(Exception):
    """The function raised, or ended; carries what it reported and the end of what it printed."""


class Function:
    """One execution environment of a function; a context manager that ends its process.

    `handler` is written as for Lambda (`app.app`). `started_s` and `ready_s` tell, on the monotonic clock,
    when the process was started and when it first asked for an event.
    """

    def __init__(self, folder: Path, handler: str, ric: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._handler = handler
        self._ric = ric
        self._environment = dict(environment)
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._server = _Server(self)
        self._process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.ready_s = 0.0

    def invoke(self, event: Any, timeout_s: float = _LIVE_S) -> Any:
        """What the function answers to one event.

        Raises:
            FunctionError: it raised, its process ended, or it took too long.
        """
        self._events.put((str(uuid.uuid4()), json.dumps(event).encode()))
        return self._await_answer(timeout_s)

    def output(self, most: int = _OUTPUT_BYTES) -> str:
        """What the process printed so far: its first bytes, `most` of them."""
        return os.pread(self._output.fileno(), most, 0).decode(errors="replace")

    def __enter__(self) -> "Function":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        command = [sys.executable, "-I", "-S", "-B", "-c", _START, self._handler]
        self.started_s = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [*command, str(self._folder), str(self._ric)],
            cwd=self._folder,
            env=self._variables(),
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._events.put(("", b""))
        self._server.shutdown()
        self._server.server_close()
        self._output.close()

    def _await_answer(self, timeout_s: float) -> Any:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                kind, body = self._answers.get(timeout=0.2)
            except queue.Empty:
                if self._process is not None and self._process.poll() is not None:
                    raise FunctionError(f"the process ended:\n{self.output()[-3000:]}") from None
                continue
            if kind == "response":
                return json.loads(body)
            raise FunctionError(f"{body.decode(errors='replace')}\n{self.output()[-3000:]}")
        raise FunctionError(f"no answer within {timeout_s} s:\n{self.output()[-3000:]}")

    def _variables(self) -> dict[str, str]:
        return {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "linkledger",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "LAMBDA_TASK_ROOT": str(self._folder),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": self._handler,
            **self._environment,
        }

    def take_event(self) -> tuple[str, bytes]:
        """The next event's id and body, for the process that asks; an empty id when there is none to come."""
        if not self.ready_s:
            self.ready_s = time.monotonic()
        return self._events.get()

    def take_answer(self, kind: str, body: bytes) -> None:
        """What the process says of its event, or of its start."""
        self._answers.put((kind, body))


class _Server(ThreadingHTTPServer):
    """The Runtime API of one function."""

    daemon_threads = True

    def __init__(self, function: Function) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.function = function

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a process that was ended while it waited; raise nothing either way."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body leave in one piece: a second one would wait for the first to be acknowledged."""
    server: _Server

    def do_GET(self) -> None:
        identifier, body = self.server.function.take_event()
        if not identifier:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", identifier)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + _TIME_OUT_S) * 1000)))
        self.send_header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:000000000000:function:linkledger",
        )
        self._finish(body)

    def do_POST(self) -> None:
        body = self._body()
        kind = "response" if self.path.endswith("/response") else "error"
        known = self.path.startswith(f"{_VERSION}/")
        self.send_response(202 if known else 404)
        self._finish(b"{}")
        if known:
            self.server.function.take_answer(kind, body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _finish(self, body: bytes) -> None:
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
