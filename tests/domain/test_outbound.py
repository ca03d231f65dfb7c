"""Which URLs may be told, and how a postback's macros are filled."""

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.domain.outbound import MACROS, check_url, fill


def refused(url: str, *, local: bool = False, macros: bool = True) -> str:
    with pytest.raises(Invalid) as found:
        check_url(url, local=local, macros=macros)
    return found.value.code


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com:8443/a/b?c={click_id}&s={sub10}#{event}",
        "https://xn--bcher-kva.example/{transaction_id}",
        "https://93.184.216.34/x",
        "https://[2606:4700:4700::1111]/x",
    ],
)
def test_a_public_https_url_may_be_told(url: str) -> None:
    assert check_url(url, local=False, macros=True) == url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url_invalid"),
        ("hooks.example.com", "url_invalid"),
        ("http://hooks.example.com/", "url_invalid"),
        ("ftp://hooks.example.com/", "url_invalid"),
        ("javascript:alert(1)", "url_invalid"),
        ("https://user:secret@hooks.example.com/", "url_invalid"),
        ("https://hooks.example.com/a b", "url_invalid"),
        ("https://hooks.example.com/\r\nX: y", "url_invalid"),
        ("https://{click_id}.example.com/", "url_invalid"),
        ("https://{event}/", "url_invalid"),
        ("https:///x", "url_invalid"),
        ("https://example.com\\@127.0.0.1/", "url_invalid"),
        ("https://hooks.example.com/{secret}", "macro_unknown"),
        ("https://hooks.example.com/{}", "macro_unknown"),
        ("https://hooks.example.com/" + "x" * 2048, "url_invalid"),
        ("https://localhost/", "url_not_public"),
        ("https://localhost./", "url_not_public"),
        ("https://a.localhost/", "url_not_public"),
        ("https://printer.local/", "url_not_public"),
        *(
            (f"https://{host}/latest/meta-data", "url_not_public")
            for host in (
                *("127.0.0.1", "127.1", "2130706433", "017700000001", "0x7f.1", "0x7f000001", "127.0.0.1."),
                *("169.254.169.254", "2852039166", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376"),
                *("[::1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]"),
                *("[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "10.1", "192.168.1.1", "0.0.0.0", "0"),
                *("%31%32%37.0.0.1", "１２７.0.0.1".encode("idna").decode()),
            )
        ),
    ],
)
def test_nothing_else_may(url: str, code: str) -> None:
    assert refused(url) == code


def test_a_local_stage_may_tell_this_machine_and_no_other_private_one() -> None:
    assert check_url("http://127.0.0.1:9/x", local=True, macros=False)
    assert refused("http://169.254.169.254/", local=True) == "url_not_public"
    assert refused("http://10.0.0.1/", local=True) == "url_not_public"


def test_a_webhook_has_no_macros() -> None:
    assert refused("https://hooks.example.com/{click_id}", macros=False) == "macro_unknown"


def test_macros_are_filled_encoded_and_unknown_values_are_empty() -> None:
    template = "https://a.example/{sub1}?c={click_id}&c2={click_id}&p={payout}"
    values = {"sub1": "a/b?&#{click_id}", "click_id": "x y&z", "other": "no"}
    assert (
        fill(template, values) == "https://a.example/a%2Fb%3F%26%23%7Bclick_id%7D?c=x%20y%26z&c2=x%20y%26z&p="
    )


def test_every_macro_that_networks_know_is_there() -> None:
    wanted = {"click_id", "transaction_id", "payout", "sale_amount", "currency", "status", "event"}
    assert wanted | {f"sub{number}" for number in range(1, 11)} <= set(MACROS)
