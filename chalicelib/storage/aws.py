"""The one botocore session of a process, and the clients made from it.

Time-outs are short because a request lives 29 s behind API Gateway, and a redirect far less.
"""

import threading
from typing import Any

from botocore.config import Config
from botocore.session import Session

_lock = threading.Lock()
_session: Session | None = None
_clients: dict[str, Any] = {}


def client(service: str) -> Any:
    """The shared client of a service, made at its first use."""
    found = _clients.get(service)
    if found is not None:
        return found
    with _lock:
        if service not in _clients:
            _clients[service] = session().create_client(service, config=_config(service))
        return _clients[service]


def session() -> Session:
    """The shared botocore session, on whose event hooks tests inject faults."""
    global _session
    if _session is None:
        _session = Session()
    return _session


def forget() -> None:
    """Drop session and clients, so that the next use reads the environment anew (tests, the local stack)."""
    global _session
    with _lock:
        _session = None
        _clients.clear()


def _config(service: str) -> Config:
    return Config(
        connect_timeout=1,
        read_timeout=10 if service == "s3" else 2,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=50,
        signature_version="s3v4" if service == "s3" else None,
        s3={"addressing_style": "path"} if service == "s3" else None,
    )
