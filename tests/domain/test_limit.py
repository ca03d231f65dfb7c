"""Limits, and the blocks of addresses that they hold for."""

import pytest

from chalicelib.domain.limit import BLOCK, KEY, ORDERS, block_of


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("[2001:db8:1::4]", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("", "unknown"),
        ("198.51.100", "unknown"),
    ],
)
def test_a_block_is_a_24_or_a_48(address: str, block: str) -> None:
    assert block_of(address) == block


def test_fifty_requests_a_second_of_one_address_go_through() -> None:
    assert min(limit.per_s for limit in (BLOCK, KEY, ORDERS)) >= 50
    assert KEY.per_s > BLOCK.per_s
