"""Which addresses a call of ours may go to."""

import pytest

from chalicelib.domain.addresses import is_loopback, is_public


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"],
)
def test_the_public_internet_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1"),
        *("127.255.255.254", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255"),
        *("192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255"),
        *("198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *(
            "168.63.129.16",
            "::",
            "::1",
            "::2",
            "fe80::1",
            "fe80::1%eth0",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
        ),
        *("ff02::1", "100::1", "2001:db8::1", "2001::1", "2001:0:53aa:64c::1", "2001:10::1", "3fff::1"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:0808:0808::1", "::7f00:1", "::127.0.0.1", "::8.8.8.8"),
        *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8"),
        *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a9fe:a9fe", "4000::1", "5f00::1"),
        *(
            "",
            "localhost",
            "2130706433",
            "0177.0.0.1",
            "0x7f.1",
            "127.1",
            "127.0.0.1.",
            "[::1]",
            "8.8.8.8/32",
        ),
    ],
)
def test_nothing_else_may(address: str) -> None:
    assert not is_public(address)


def test_nat64_is_judged_by_the_address_in_it() -> None:
    assert is_public("64:ff9b::808:808")
    assert is_loopback("64:ff9b::7f00:1")
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("169.254.169.254")
