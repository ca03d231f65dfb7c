"""A plain CSV with our own names, of which each row tells what it knows."""

from chalicelib.domain.moving.source import NAMES, PARTNER, Sheet, Source

SOURCE = Source(
    "plain",
    (Sheet("rows", {name: (name,) for name in NAMES}, (PARTNER,)),),
    ("ref", "via", "aff"),
)
