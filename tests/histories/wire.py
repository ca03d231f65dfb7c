"""The short way to the engine: what botocore has made of a call, sent as the project's lean client sends.

Signing and botocore's own transport took two thirds of a server's time here, and the engine checks no
signature. Retries, and what they raise in the end, stay botocore's.
"""

import threading
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.signers import RequestSigner

from chalicelib.storage.lean import Closed, Connection
from tests.faults.transport import Raw

_TIMEOUTS_S = (1.0, 300.0)


class Wire:
    """Connections of one process to the engine, one of each thread."""

    def __init__(self) -> None:
        self._kept = threading.local()
        RequestSigner.handler = lambda *_, **__: None

    def send(self, request: Any) -> AWSResponse:
        """The engine's answer.

        Raises:
            ConnectionClosedError: none came, as botocore says it.
        """
        kept, self._kept.connection = getattr(self._kept, "connection", None), None
        try:
            connection, status, body = self._exchange(request, kept)
        except (Closed, OSError, ValueError) as error:
            raise ConnectionClosedError(endpoint_url=request.url) from error
        self._kept.connection = connection
        return AWSResponse(request.url, status, {}, Raw(body))

    def _exchange(self, request: Any, kept: Connection | None) -> tuple[Connection, int, bytes]:
        """Over the kept connection, unless the engine has closed it meanwhile: then over a new one."""
        connection = kept or self._connect(request)
        try:
            status, body, _ = connection.exchange(_written(request))
        except BaseException as error:
            connection.close()
            if kept and isinstance(error, Closed):
                return self._exchange(request, None)
            raise
        return connection, status, body

    def _connect(self, request: Any) -> Connection:
        url = urlsplit(request.url)
        return Connection((url.hostname or "", url.port or 80), None, _TIMEOUTS_S)


def carried(request: Any) -> bool:
    """Whether it is one of the calls that are a JSON body and nothing else: all but those of S3."""
    return "X-Amz-Target" in request.headers


def _written(request: Any) -> bytes:
    host = urlsplit(request.url).netloc
    lines = [f"POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(request.body)}"]
    for name in ("X-Amz-Target", "Content-Type"):
        value = request.headers[name]
        lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body
