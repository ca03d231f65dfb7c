"""Moving in from elsewhere: what files of other vendors tell of partners, and of what they have.

A vendor is a file with a table of its columns, and a line in `SOURCES`.
"""

from collections.abc import Mapping

from chalicelib.domain.moving import (
    affiliatewp,
    dub,
    firstpromoter,
    partnerstack,
    plain,
    rewardful,
    tapfiliate,
)
from chalicelib.domain.moving.reading import File, Told, Unread, read
from chalicelib.domain.moving.source import NAMES, Source

__all__ = ["NAMES", "SOURCES", "File", "Source", "Told", "Unread", "read"]

SOURCES: Mapping[str, Source] = {
    module.SOURCE.name: module.SOURCE
    for module in (dub, rewardful, firstpromoter, tapfiliate, partnerstack, affiliatewp, plain)
}
"""Every vendor whose exports are read."""
