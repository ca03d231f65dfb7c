"""The two input files of the replay, read into records."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

_COMBINED = re.compile(
    r'(?P<address>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" \d+ \S+ '
    r'"(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"?'
)
"""httpd.apache.org/docs/2.4/logs.html, "Combined Log Format"; a line that was cut off still counts."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of the log. `agent` and `referrer` are empty where the browser sent none."""

    at: datetime
    address: str
    path: str
    referrer: str
    agent: str

    def partner(self, partners: int) -> int:
        """Which partner's link this page stands for: its path decides, the same way every time."""
        return int.from_bytes(hashlib.sha256(self.path.encode()).digest()[:4], "big") % partners

    @property
    def loopback(self) -> str:
        """An address of this machine's own 127/8 network that stands for the real one."""
        first, second, third = hashlib.sha256(self.address.encode()).digest()[:3]
        return f"127.{first}.{second}.{max(1, min(third, 254))}"


@dataclass(frozen=True, slots=True)
class Order:
    """A line of the order file, moved in time."""

    id: str
    customer: str
    at: datetime
    amount_minor: int


def read_hits(path: Path) -> list[Hit]:
    """The log's lines in the order of their times.

    Raises:
        ValueError: a line that is not in the combined format.
    """
    hits = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = _COMBINED.match(line)
        if match is None:
            raise ValueError(f"{path}:{number} is not in the combined log format")
        at = datetime.strptime(match["at"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
        parts = match["request"].split(" ")
        referrer, agent = ("" if match[name] == "-" else match[name] for name in ("referrer", "agent"))
        hits.append(Hit(at, match["address"], parts[1] if len(parts) > 1 else "/", referrer, agent))
    return sorted(hits, key=lambda hit: hit.at)


def read_orders(path: Path, after: datetime) -> list[Order]:
    """The orders, their first day moved to the day after that time, each at noon UTC.

    Raises:
        ValueError: a line that is no order.
    """
    rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    days = [datetime.strptime(row[2], "%Y%m%d").replace(tzinfo=UTC, hour=12) for row in rows]
    shift = after.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1) - min(days)
    return [
        Order(f"cd-{number:05d}", row[0], day + shift, int(Decimal(row[4]) * 100))
        for number, (row, day) in enumerate(zip(rows, days, strict=True), 1)
    ]
