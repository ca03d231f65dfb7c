"""Rate limits: how many requests of whom go through in a while."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

WINDOW_S = 10
"""Requests are counted in windows of real time, so that a burst goes through and a flood doesn't."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Up to `per_s` requests a second of one subject, over a window."""

    name: str
    per_s: int

    @property
    def most(self) -> int:
        """Requests in a window."""
        return self.per_s * WINDOW_S

    @property
    def share(self) -> int:
        """How many requests a process lets through before it tells the others of them: the inexactness."""
        return max(1, self.most // 50)


BLOCK = Limit("block", 200)
"""Calls without a key from one address block. 50 a second of one address always go through."""

KEY = Limit("key", 500)
"""Calls with one API key, or signed by one program."""

ORDERS = Limit("orders", 500)
"""Orders of one program that are told without a key."""


def block_of(address: str) -> str:
    """The block of an IP address: /24, or /48 of IPv6; `unknown` for what is no address.

    Whoever gets one address of IPv6 gets at least a /64, and easily a /48 (RFC 6177).
    """
    try:
        found = ip_address(address.strip().strip("[]").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ip_network(f"{found}/{48 if isinstance(found, IPv6Address) else 24}", strict=False))
