"""HTTP calls of servers that strangers name: only on the public internet, bounded, and never redirected.

A name is resolved once, all its addresses are judged, and the connection goes to one that was judged, with
the name in TLS and in `Host`: no second resolution can lead it elsewhere. Where the stage is a local one,
this machine's own addresses are allowed too, and plain HTTP with them.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from chalicelib.domain import addresses

_PORTS = {"https": 443, "http": 80}


class WebError(Exception):
    """There is no answer.

    `code` is one of `url_invalid`, `name_unknown`, `address_not_public`, `connection_failed`, `tls_failed`,
    `timed_out`, `answer_invalid`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body's first bytes, as many as were asked for."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Web:
    """The way out. `local` allows loopback addresses and plain HTTP."""

    def __init__(self, *, local: bool) -> None:
        self._local = local

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        within_s: float,
        most_bytes: int,
    ) -> Answer:
        """One request and its answer, whatever its status; all of it takes at most `within_s`.

        Raises:
            WebError: there is no answer.
        """
        parts = urlsplit(url)
        host = parts.hostname
        if host is None or parts.scheme not in self._schemes() or parts.username or parts.password:
            raise WebError("url_invalid", f"only {' and '.join(self._schemes())} URLs without credentials")
        port = parts.port or _PORTS[parts.scheme]
        found = _resolve(host, port, within_s)
        if not found or not all(self._may_reach(address) for address in found):
            raise WebError("address_not_public", "the name leads to an address that is not public")
        target = parts.path or "/"
        target += f"?{parts.query}" if parts.query else ""
        connection = http.client.HTTPConnection(host, port, timeout=within_s)
        deadline = _Deadline(within_s, connection)
        named = {**headers, "Host": parts.netloc, "Connection": "close"}
        try:
            _connect(connection, parts.scheme, host, port, found, within_s)
            answer = _exchange(connection, method, target, named, body, most_bytes)
            if deadline.is_over:
                raise TimeoutError
            return answer
        except ssl.SSLError as error:
            raise self._failed(deadline, "tls_failed", error.reason or "TLS failed") from error
        except TimeoutError as error:
            raise WebError("timed_out", f"no answer within {within_s:g} s") from error
        except OSError as error:
            raise self._failed(deadline, "connection_failed", error.strerror or "no connection") from error
        except (http.client.HTTPException, ValueError) as error:
            raise self._failed(deadline, "answer_invalid", "the answer is not HTTP") from error
        finally:
            deadline.end()
            connection.close()

    def _schemes(self) -> Sequence[str]:
        return ("https", "http") if self._local else ("https",)

    def _may_reach(self, address: str) -> bool:
        return addresses.is_public(address) or (self._local and addresses.is_loopback(address))

    def _failed(self, deadline: "_Deadline", code: str, message: str) -> WebError:
        if deadline.is_over:
            return WebError("timed_out", "the answer took too long")
        return WebError(code, message)


class _Deadline:
    """Shuts a connection when the time is over: a server that sends a byte now and then ends no time-out."""

    def __init__(self, within_s: float, connection: http.client.HTTPConnection) -> None:
        self.is_over = False
        self._connection = connection
        self._timer = threading.Timer(within_s, self._end)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The time does not matter any more."""
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        sock: socket.socket | None = self._connection.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _resolve(host: str, port: int, within_s: float) -> list[str]:
    """The addresses of the name. The resolver knows no time-out, so it is waited for in a thread."""
    future: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            future.set_result(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            future.set_exception(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        return future.result(within_s)
    except TimeoutError:
        raise WebError("timed_out", "the name could not be resolved in time") from None
    except (OSError, UnicodeError):
        raise WebError("name_unknown", "the name can't be resolved") from None


def _connect(
    connection: http.client.HTTPConnection,
    scheme: str,
    host: str,
    port: int,
    found: Sequence[str],
    within_s: float,
) -> None:
    """Connect to the first judged address that takes it; the TLS certificate is the name's."""
    failure: OSError | None = None
    for address in found[:3]:
        try:
            sock = socket.create_connection((address, port), timeout=within_s / 2)
            break
        except OSError as error:
            failure = error
    else:
        raise failure or OSError("no address")
    sock.settimeout(within_s)
    connection.sock = sock
    if scheme == "https":
        secured = _context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        connection.sock = secured
        secured.do_handshake()


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """TLS as the machine trusts it, read anew by each process."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | None,
    most_bytes: int,
) -> Answer:
    connection.request(method, target, body=body, headers=dict(headers))
    answer = connection.getresponse()
    read = answer.read(most_bytes)
    return Answer(answer.status, tuple(answer.getheaders()), read)
