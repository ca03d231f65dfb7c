"""The HTTP server of the local stack: one thread a connection, the limits of API Gateway."""

import http.client
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.gateway import Answer, Request

BODY_LIMIT_BYTES = 10 * 1024 * 1024
"""API Gateway's own limit of a request."""

_IDLE_S = 65
_DRAIN_BYTES = 4 * BODY_LIMIT_BYTES
_BODILESS = frozenset({204, 304})

Route = Callable[[Request], Answer | None]
"""Answers a request, or None where it is not its own."""


class BadRequest(Exception):
    """The request cannot be read; the connection ends with this answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = error_answer(status, code, message)


def error_answer(status: int, code: str, message: str, field: str | None = None) -> Answer:
    """An error in the one shape that the API's errors have."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    return json_answer({"error": error}, status)


def json_answer(value: object, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, [("Content-Type", "application/json")], json.dumps(value).encode())


class Front(ThreadingHTTPServer):
    """Serves the first route that answers."""

    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, port: int, *routes: Route) -> None:
        self.routes = routes
        self._busy = 0
        self._idle = threading.Condition()
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def answer(self, request: Request) -> Answer:
        """The answer of the first route that has one."""
        with self._idle:
            self._busy += 1
        try:
            for route in self.routes:
                answer = route(request)
                if answer is not None:
                    return answer
            return error_answer(403, "no_such_route", "there is nothing at this path")
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def finish(self, timeout_s: float = 10) -> None:
        """Take no more connections, and wait for the requests under way."""
        self.shutdown()
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout_s)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    """One connection: requests in, complete answers out."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_S
    server: Front

    def handle_one_request(self) -> None:
        """Read one request and answer it; any method goes through."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
                return
            if len(self.raw_requestline) > 65536:
                self.requestline = self.request_version = self.command = ""
                self.send_error(414)
                return
            if not self.parse_request():
                return
            self._serve()
        except TimeoutError:
            self.close_connection = True

    def _serve(self) -> None:
        try:
            body = self._body()
            answer = self.server.answer(
                Request(
                    self.command, self.path, list(self.headers.items()), body, str(self.client_address[0])
                )
            )
        except BadRequest as error:
            self.close_connection = True
            answer = error.answer
        except Exception:
            self.log_failure()
            answer = error_answer(500, "internal", "the local stack failed; its output says more")
        self._send(answer)

    def _body(self) -> bytes:
        lengths = set(self.headers.get_all("Content-Length", []))
        encodings = self.headers.get_all("Transfer-Encoding", [])
        if encodings:
            if lengths or [value.strip().lower() for value in encodings] != ["chunked"]:
                raise BadRequest(400, "request_malformed", "the length of the body cannot be told")
            return self._chunks()
        if not lengths:
            return b""
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit()) or len(length) > 15:
            raise BadRequest(400, "request_malformed", "Content-Length is no length")
        if int(length) > BODY_LIMIT_BYTES:
            self._drain(int(length))
            raise _too_large()
        return self._exactly(int(length))

    def _chunks(self) -> bytes:
        received = bytearray()
        while True:
            line = self.rfile.readline(1024)
            try:
                size = int(line.split(b";")[0].strip(), 16) if line.endswith(b"\n") else -1
            except ValueError:
                size = -1
            if size < 0 or line[:1] in b"+-":
                raise BadRequest(400, "request_malformed", "a chunk has no size")
            if size == 0:
                while self.rfile.readline(65537) not in (b"\r\n", b"\n", b""):
                    pass
                return bytes(received)
            if len(received) + size > BODY_LIMIT_BYTES:
                self._drain(size)
                raise _too_large()
            received += self._exactly(size)
            if self.rfile.readline(3) not in (b"\r\n", b"\n"):
                raise BadRequest(400, "request_malformed", "a chunk is longer than its size")

    def _exactly(self, length: int) -> bytes:
        received = self.rfile.read(length)
        if len(received) < length:
            raise BadRequest(400, "request_malformed", "the body ended early")
        return received

    def _drain(self, length: int) -> None:
        """Read what the client is still sending, within reason, so that it gets to read the refusal."""
        left = min(length, _DRAIN_BYTES)
        self.connection.settimeout(5)
        try:
            while left > 0 and (chunk := self.rfile.read(min(left, 65536))):
                left -= len(chunk)
        except OSError:
            return

    def _send(self, answer: Answer) -> None:
        """Write the answer at once: status, headers and body in one piece."""
        own = {"content-length", "connection", "date", "transfer-encoding"}
        lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in own]
        lines.append(f"Date: {formatdate(time.time(), usegmt=True)}")
        if answer.status not in _BODILESS:
            lines.append(f"Content-Length: {len(answer.body)}")
        lines.append("Connection: " + ("close" if self.close_connection else "keep-alive"))
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")
        bodiless = self.command == "HEAD" or answer.status in _BODILESS
        self.wfile.write(head if bodiless else head + answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - as the base has it
        """What the standard library finds wrong with a request, in our shape."""
        self.close_connection = True
        said = message or http.client.responses.get(code, "bad request")
        status = code if code < 500 else 400
        self._send(error_answer(status, "request_malformed", said))

    def log_failure(self) -> None:
        """Show what failed, without the request's content."""
        traceback.print_exc()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses and queries do not belong in a log."""


def _too_large() -> BadRequest:
    return BadRequest(413, "request_too_large", "a request may have 10 MB")
