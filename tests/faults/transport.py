"""Faults at the wire: at the n-th AWS call something goes wrong, underneath the SDK and its retries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from chalicelib import bootstrap
from chalicelib.storage import aws


class Fault(StrEnum):
    """What happens at the chosen call."""

    CRASH_BEFORE = "the process dies before the call"
    CRASH_AFTER = "the process dies after the call"
    LOST_ANSWER = "the call happens, its answer is lost, and the SDK repeats it"
    THROTTLED_TWICE = "the call is throttled twice"
    REFUSED_FOR_EVER = "this call and all that follow are throttled"
    RIVAL = "a rival acts just before the call"


class Crash(BaseException):
    """The process is gone: nothing in it may catch this."""


@dataclass
class Wire:
    """Counts the calls that go out, and plays the fault at call number `at` (from 0)."""

    fault: Fault | None = None
    at: int = -1
    rival: Callable[[], None] | None = None
    calls: list[str] = field(default_factory=list)
    _throttled: int = 0
    _busy: bool = False

    def carry(self, send: Callable[..., Any], session: Any, request: Any) -> Any:
        if self._busy:
            return send(session, request)
        number = len(self.calls)
        self.calls.append(_name(request))
        chosen = number == self.at
        match self.fault:
            case Fault.CRASH_BEFORE if chosen:
                raise Crash
            case Fault.CRASH_AFTER if chosen:
                send(session, request)
                raise Crash
            case Fault.LOST_ANSWER if chosen:
                send(session, request)
                raise ReadTimeoutError(endpoint_url=request.url)
            case Fault.THROTTLED_TWICE if number in {self.at, self.at + 1}:
                return _throttle(request)
            case Fault.REFUSED_FOR_EVER if number >= self.at:
                return _throttle(request)
            case Fault.RIVAL if chosen:
                self._let_rival_act()
        return send(session, request)

    def _let_rival_act(self) -> None:
        assert self.rival is not None
        self._busy = True
        try:
            self.rival()
        finally:
            self._busy = False


class DatabaseAway:
    """A wire on which DynamoDB refuses everything; the other services answer."""

    def carry(self, send: Callable[..., Any], session: Any, request: Any) -> Any:
        """Answer the call, or let it through."""
        if request.headers.get("X-Amz-Target", b"").startswith(b"DynamoDB"):
            return _throttle(request)
        return send(session, request)


_AnyWire = TypeVar("_AnyWire", Wire, DatabaseAway)


@contextmanager
def wired(monkeypatch: pytest.MonkeyPatch, wire: _AnyWire) -> Iterator[_AnyWire]:
    """Send every AWS call of the context over this wire."""
    send = URLLib3Session.send
    with monkeypatch.context() as patch:
        patch.setattr(URLLib3Session, "send", lambda session, request: wire.carry(send, session, request))
        patch.setattr("time.sleep", lambda _seconds: None)
        yield wire


def new_process() -> None:
    """What a restart does: every cache, session and client of the process is gone."""
    bootstrap.stores.cache_clear()
    aws.forget()


def _name(request: Any) -> str:
    target = request.headers.get("X-Amz-Target", b"")
    target = target.decode() if isinstance(target, bytes) else target
    return target.rpartition(".")[2] or f"S3 {request.method} {request.url.rpartition('/')[2]}"


def _throttle(request: Any) -> AWSResponse:
    if request.headers.get("X-Amz-Target"):
        body = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
        return AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, Raw(body))
    body = b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>"
    return AWSResponse(request.url, 503, {"content-type": "application/xml"}, Raw(body))


class Raw:
    """A body, as urllib3 would stream it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body

    def read(self, *_: Any, **__: Any) -> bytes:
        body, self._body = self._body, b""
        return body
