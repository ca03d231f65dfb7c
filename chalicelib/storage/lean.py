"""A small client for the few calls that a visitor waits for: SigV4 over a kept-alive connection.

It takes about a sixth of botocore's CPU and none of its start-up. It serves only where nothing that botocore
knows is needed: in Lambda, whose credentials are in the environment and stay the same for the life of the
process, in the standard partition, without proxies, FIPS or a CA bundle of one's own. `client` says None
everywhere else, and botocore is used instead. Failures are botocore's own exceptions,
imported when they happen.

A call is sent again only where a kept connection turned out to be closed before any answer: every call here
may be repeated (reads, and puts of an item whose key is its own). Anything slower is the caller's to decide.
"""

import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_TARGETS = {
    "dynamodb": ("DynamoDB_20120810", "1.0", ("get_item", "put_item", "query", "update_item")),
    "secretsmanager": ("secretsmanager", "1.1", ("get_secret_value",)),
}
_NEEDED = ("AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_REFUSED = (
    "HTTPS_PROXY",
    "https_proxy",
    "AWS_CA_BUNDLE",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
_STANDARD = re.compile(r"(?:us|eu|ap|ca|sa|me|af|il|mx)-(?!gov|iso)[a-z]+-[0-9]", re.ASCII)
_MAX_ANSWER = 2 * 1024 * 1024


class Closed(Exception):
    """The other side closed a kept connection before it answered anything."""


def client(service: str, connect_timeout_s: float, read_timeout_s: float) -> "LeanClient | None":
    """A client of the service, or None where botocore must do it."""
    environment = os.environ
    region = environment.get("AWS_REGION", "")
    if service not in _TARGETS or not _STANDARD.fullmatch(region):
        return None
    if not all(environment.get(name) for name in _NEEDED) or any(environment.get(name) for name in _REFUSED):
        return None
    endpoint = (
        environment.get(f"AWS_ENDPOINT_URL_{service.upper()}")
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://{service}.{region}.amazonaws.com"
    )
    return LeanClient(service, endpoint, region, environment, connect_timeout_s, read_timeout_s)


class LeanClient:
    """Calls of one service, named and answered as by botocore's client. Threads may share it."""

    def __init__(
        self,
        service: str,
        endpoint: str,
        region: str,
        environment: Mapping[str, str],
        connect_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        prefix, version, operations = _TARGETS[service]
        url = urlsplit(endpoint)
        self._signer = Signer(service, region, environment)
        self._host = url.netloc
        self._address = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        self._is_tls = url.scheme == "https"
        self._type = f"application/x-amz-json-{version}"
        self._timeouts = (connect_timeout_s, read_timeout_s)
        self._idle: deque[Connection] = deque(maxlen=50)
        for operation in operations:
            target = f"{prefix}.{''.join(word.title() for word in operation.split('_'))}"
            setattr(self, operation, partial(self._call, target))

    def _call(self, target: str, **arguments: Any) -> dict[str, Any]:
        body = json.dumps(arguments, separators=(",", ":")).encode()
        headers = self._signer.sign(self._host, target, self._type, body, time.time())
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"POST / HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
        try:
            status, answer = self._send(request)
        except (OSError, ValueError, Closed) as error:
            from botocore.exceptions import HTTPClientError

            raise HTTPClientError(error=error) from error
        if status != 200:
            raise _failure(status, answer, target)
        return answer

    def _send(self, request: bytes) -> tuple[int, dict[str, Any]]:
        """Over a kept connection, while there is one that is still open; else over a new one."""
        while self._idle:
            try:
                return self._exchange(self._idle.pop(), request)
            except Closed:
                continue
            except IndexError:
                break
        return self._exchange(Connection(self._address, self._tls, self._timeouts), request)

    def _exchange(self, connection: "Connection", request: bytes) -> tuple[int, dict[str, Any]]:
        try:
            status, raw, stays_open = connection.exchange(request)
            answer = _parsed(raw)
        except BaseException:
            connection.close()
            raise
        if stays_open:
            self._idle.append(connection)
        else:
            connection.close()
        return status, answer

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context() if self._is_tls else None


class Signer:
    """Signature Version 4 (AWS, "Create a signed AWS API request"), for POSTs to `/` without a query."""

    def __init__(self, service: str, region: str, environment: Mapping[str, str]) -> None:
        self._key_id = environment["AWS_ACCESS_KEY_ID"]
        self._secret = environment["AWS_SECRET_ACCESS_KEY"]
        self._token = environment.get("AWS_SESSION_TOKEN")
        self._scope = (region, service)
        self._key: tuple[str, bytes] = ("", b"")

    def sign(self, host: str, target: str, media_type: str, body: bytes, now_s: float) -> dict[str, str]:
        """The request's headers, signature included."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        headers = {"content-type": media_type, "host": host, "x-amz-date": stamp}
        if self._token:
            headers["x-amz-security-token"] = self._token
        headers["x-amz-target"] = target
        names = ";".join(headers)
        listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"POST\n/\n\n{listed}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = "/".join((stamp[:8], *self._scope, "aws4_request"))
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self._key_of(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self._key_id}/{scope}"
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        )
        return headers

    def _key_of(self, day: str) -> bytes:
        """The signing key of that day, derived once."""
        known_day, key = self._key
        if known_day != day:
            key = f"AWS4{self._secret}".encode()
            for part in (day, *self._scope, "aws4_request"):
                key = hmac.digest(key, part.encode(), hashlib.sha256)
            self._key = (day, key)
        return key


class Connection:
    """One connection, and as much of HTTP/1.1 (RFC 9112) as these services speak."""

    def __init__(
        self, address: tuple[str, int], tls: ssl.SSLContext | None, timeouts: tuple[float, float]
    ) -> None:
        self._socket: socket.socket = socket.create_connection(address, timeouts[0])
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname=address[0])
            self._socket.settimeout(timeouts[1])
        except BaseException:
            self._socket.close()
            raise
        self._reader = self._socket.makefile("rb")

    def close(self) -> None:
        """Give it up."""
        self._reader.close()
        self._socket.close()

    def exchange(self, request: bytes) -> tuple[int, bytes, bool]:
        """Status and body of the answer, and whether the connection stays open.

        Raises:
            Closed: before a byte of the answer.
            OSError, ValueError: no answer in time, or none that can be read.
        """
        try:
            self._socket.sendall(request)
            first = self._reader.readline(1024)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error
        if not first:
            raise Closed
        version, _, rest = first.partition(b" ")
        status = int(rest[:3])
        length, stays_open = -1, version == b"HTTP/1.1"
        for _ in range(100):
            line = self._reader.readline(8192)
            if line in (b"\r\n", b"\n", b""):
                break
            name, _, value = line.partition(b":")
            match name.lower():
                case b"content-length":
                    length = int(value)
                case b"connection":
                    stays_open = value.strip().lower() != b"close"
        if not 0 <= length <= _MAX_ANSWER:
            raise ValueError("an answer without a length that can be read")
        body = self._reader.read(length)
        if len(body) != length:
            raise ConnectionAbortedError("the answer ended early")
        return status, body, stays_open


def _parsed(raw: bytes) -> dict[str, Any]:
    answer = json.loads(raw) if raw else {}
    if not isinstance(answer, dict):
        raise ValueError("an answer that is no object")
    return answer


def _failure(status: int, answer: Mapping[str, Any], target: str) -> "ClientError":
    """botocore's exception for an error answer (AWS JSON protocol: the code is after the `#`)."""
    from botocore.exceptions import ClientError

    code = str(answer.get("__type", status)).rpartition("#")[2]
    message = str(answer.get("message", answer.get("Message", "")))
    parsed: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **{name: answer[name] for name in ("CancellationReasons", "Item") if name in answer},
    }
    return ClientError(parsed, target.partition(".")[2])
