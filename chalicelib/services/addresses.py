"""Where a request comes from, in a form that may be kept: never the address itself.

What is kept is an HMAC of the address or of its block, under a key that is made of the stage's own and of
a random one of the day. The day's key is deleted when its day is over: from then on the digest is a random
number to everybody, whatever they hold.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from chalicelib.services.clicks import comes_through_edge
from chalicelib.storage.stores import Stores


def address_of(stores: Stores, headers: Mapping[str, str], source_ip: str) -> str:
    """The caller's address. Behind the edge it is what CloudFront saw and a function of ours passes on."""
    told = headers.get("x-linkledger-viewer", "")
    return (told if told and comes_through_edge(stores, headers) else source_ip).strip().strip("[]")


def household_of(address: str) -> str:
    """What one customer of a provider has: the address, of IPv6 the /64; the text itself where it is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return found.exploded[:19] if isinstance(found, IPv6Address) else str(found)


def source_of(stores: Stores, headers: Mapping[str, str], source_ip: str, now: datetime) -> str:
    """Where a request comes from, as a digest of its household.

    Raises:
        Unavailable: as `mark_of`.
    """
    return mark_of(stores, household_of(address_of(stores, headers, source_ip)), now)


def mark_of(stores: Stores, text: str, now: datetime) -> str:
    """The text as a digest that means something on this UTC day only: 20 hex digits.

    Raises:
        Unavailable: storage or the secret store is away.
    """
    key = hmac.digest(stores.secrets.customer_key, stores.daily_keys.of(now), hashlib.sha256)
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:20]
