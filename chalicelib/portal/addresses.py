"""Addresses that a form or link may lead to: pages of the same area, never another site."""

import re

from chalicelib.domain.session import Area

_INSIDE = re.compile(r"/(portal|console)(?:/[A-Za-z0-9._~-]+)*(?:\?[A-Za-z0-9._~%&=+:-]*)?", re.ASCII)


def inside(text: str, area: Area) -> str:
    """The path where it is one of a page in this area, else the area's first page."""
    match = _INSIDE.fullmatch(text) if len(text) <= 1000 else None
    fits = match is not None and match[1] == area and ".." not in text and "/sign-" not in text
    return text if fits else f"/{area}"
