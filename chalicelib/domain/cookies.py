"""Reading a Cookie header as RFC 6265bis sends it, and trusting none of it."""

MAX_HEADER = 8192
"""Characters of a Cookie header; a longer one is not read."""


def values(header: str, name: str) -> list[str]:
    """Every value that the header gives the cookie of this name; several are a sign of tossed cookies."""
    if not header or len(header) > MAX_HEADER:
        return []
    prefix = f"{name}="
    parts = (part.strip() for part in header.split(";"))
    return [part[len(prefix) :] for part in parts if part.startswith(prefix)]
