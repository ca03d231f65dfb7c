"""Slowing down whoever sends too much. Redirects are never limited here: a visitor is in nobody's way.

Where the count can't be had, the request goes through: a conversion that is lost costs more than one too
many, and the firewall before the API stands on its own.
"""

from collections.abc import Mapping
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.credentials import Caller
from chalicelib.domain.errors import LinkledgerError, RateLimited, Unauthenticated, Unavailable
from chalicelib.domain.limit import BLOCK, KEY, ORDERS, Limit, block_of
from chalicelib.services.addresses import address_of, mark_of
from chalicelib.storage.stores import Stores


def check_block(stores: Stores, headers: Mapping[str, str], source_ip: str, now: datetime) -> None:
    """Let a request without a key on, unless too many come from its address block.

    Raises:
        RateLimited: `too_many_requests`.
    """
    try:
        mark = mark_of(stores, block_of(address_of(stores, headers, source_ip)), now)
    except Unavailable:
        observe.count("limit_unknown")
        return
    _check(stores, BLOCK, mark)


def refusal(
    stores: Stores, error: Unauthenticated, headers: Mapping[str, str], source_ip: str, now: datetime
) -> LinkledgerError:
    """What to refuse a wrong credential with: the error, or that too many came from its address block."""
    try:
        check_block(stores, headers, source_ip, now)
    except RateLimited as limited:
        return limited
    return error


def check_caller(stores: Stores, caller: Caller) -> None:
    """Let a verified caller on, unless too much comes with its key, or signed by its program.

    Raises:
        RateLimited: `too_many_requests`.
    """
    _check(stores, KEY, caller.key or f"signed-{caller.program}")


def check_program(stores: Stores, program: str) -> None:
    """Let a call that a program's own token or secret verified on, unless there are too many.

    Raises:
        RateLimited: `too_many_requests`.
    """
    _check(stores, KEY, f"program-{program}")


def check_orders(stores: Stores, program: str) -> None:
    """Let an order on that was told without a key, unless the program is flooded with them from everywhere.

    Raises:
        RateLimited: `too_many_orders`.
    """
    _check(stores, ORDERS, program, "too_many_orders")


def _check(stores: Stores, limit: Limit, subject: str, code: str = "too_many_requests") -> None:
    try:
        wait_s = stores.meters.take(limit, subject)
    except Unavailable:
        observe.count("limit_unknown")
        return
    if wait_s is not None:
        observe.count(f"limited_{limit.name}")
        raise RateLimited(code, "too many requests; try again later", retry_after_s=wait_s)
