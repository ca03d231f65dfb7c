"""The cookie of a session: `__Host-`, so that it is Secure, of this very host, and of every path.

Browsers keep it from `http://127.0.0.1` and `http://localhost` too, because loopback counts as trustworthy.
"""

from datetime import timedelta

from chalicelib.domain.session import LIFE, Area

_MAX_HEADER = 16_384


def name(area: Area) -> str:
    """What the cookie of that area is called."""
    return f"__Host-ll_{area}"


def read(header: str, area: Area) -> str:
    """The token in a `Cookie` header; empty where there is none."""
    for pair in header[:_MAX_HEADER].split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name(area):
            return value
    return ""


def write(area: Area, token: str, life: timedelta | None) -> str:
    """The `Set-Cookie` header that keeps a token (without `life` for all of a session's); none ends it."""
    seconds = int((LIFE[area] if life is None else life).total_seconds()) if token else 0
    return f"{name(area)}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"
