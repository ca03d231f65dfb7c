"""Links: a code that leads to a destination and credits a partner."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class LinkState(StrEnum):
    """Whether a link redirects."""

    ACTIVE = "active"
    PAUSED = "paused"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Link:
    """One short link.

    `id` (`lnk_` and 13 base32 characters: 64 bits) never changes and is what a click token carries;
    `destination` is None where the program's `default_url` holds; `utm` has keys such as `utm_source`;
    `sub` keys `sub1` to `sub10`; `carry_query` says whether the query that came in goes on to the
    destination.
    """

    id: str
    code: str
    program: str
    partner: str
    created_at: datetime
    destination: str | None = None
    campaign: str | None = None
    utm: dict[str, str] = field(default_factory=dict)
    sub: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    state: LinkState = LinkState.ACTIVE
    expires_at: datetime | None = None
    carry_query: bool = True
