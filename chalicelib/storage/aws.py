"""The one botocore session of a process, and the clients made from it.

Time-outs are short because a request lives 29 s behind API Gateway, and a redirect far less. botocore is
imported where a client of its own is made: a redirect in Lambda starts in half the time without it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from chalicelib.storage import lean

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

_HURRIED_CONNECT_S = 0.1
_HURRIED_READ_S = 0.15

_lock = threading.Lock()
_session: "Session | None" = None
_clients: dict[tuple[str, bool], Any] = {}
_in_a_hurry: ContextVar[bool] = ContextVar("in_a_hurry", default=False)


def client(service: str) -> Any:
    """The shared client of a service, made at its first use."""
    key = (service, _in_a_hurry.get())
    found = _clients.get(key)
    if found is not None:
        return found
    with _lock:
        if key not in _clients:
            _clients[key] = _hurried(service) if key[1] else _botocore(service, _config(service))
        return _clients[key]


@contextmanager
def hurried() -> Iterator[None]:
    """Inside it, calls give up after a tenth of a second or two and are not repeated: a visitor waits."""
    token = _in_a_hurry.set(True)
    try:
        yield
    finally:
        _in_a_hurry.reset(token)


def session() -> "Session":
    """The shared botocore session, on whose event hooks tests inject faults."""
    global _session
    if _session is None:
        from botocore.session import Session

        _session = Session()
    return _session


def forget() -> None:
    """Drop session and clients, so that the next use reads the environment anew (tests, the local stack)."""
    global _session
    with _lock:
        _session = None
        _clients.clear()


def failures() -> "tuple[type[ClientError], type[BotoCoreError]]":
    """What a client raises: the service refused, or gave no answer. For `except`, which asks only then."""
    from botocore.exceptions import BotoCoreError, ClientError

    return ClientError, BotoCoreError


def _config(service: str) -> "Config":
    from botocore.config import Config

    return Config(
        connect_timeout=1,
        read_timeout=10 if service == "s3" else 2,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=50,
        signature_version="s3v4" if service == "s3" else None,
        s3={"addressing_style": "path"} if service == "s3" else None,
    )


def _hurried(service: str) -> Any:
    quick = lean.client(service, _HURRIED_CONNECT_S, _HURRIED_READ_S)
    if quick is not None:
        return quick
    from botocore.config import Config

    config = Config(
        connect_timeout=_HURRIED_CONNECT_S,
        read_timeout=_HURRIED_READ_S,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=50,
        parameter_validation=False,
    )
    return _botocore(service, config)


def _botocore(service: str, config: "Config") -> Any:
    return session().create_client(service, config=config)
