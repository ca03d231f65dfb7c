"""Codes: one spelling, none reserved, none like another."""

import pytest

from chalicelib.domain import channels, codes, cookies
from chalicelib.domain.errors import Invalid


@pytest.mark.parametrize(("text", "code"), [("Summer", "summer"), ("a-b_c", "a-b_c"), ("x", "x")])
def test_case_carries_no_meaning(text: str, code: str) -> None:
    assert codes.fold(text) == code


@pytest.mark.parametrize("text", ["", "-a", "a-", "a b", "a/b", "é", "\u212a", "a" * 65, "a\n"])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert codes.fold(text) is None


@pytest.mark.parametrize("word", ["v1", "QR", "portal", "p0rtal", "porta1", "c0nsole", "well_known", "hooks"])
def test_our_own_words_and_what_looks_like_them_are_reserved(word: str) -> None:
    with pytest.raises(Invalid) as caught:
        codes.check_vanity(word)
    assert caught.value.code == "code_reserved"


@pytest.mark.parametrize(
    ("one", "other"), [("rn", "m"), ("vv", "w"), ("o1", "0l"), ("a_b", "a-b"), ("i", "1")]
)
def test_codes_that_look_alike_appear_the_same(one: str, other: str) -> None:
    assert codes.appearance(one) == codes.appearance(other)


def test_a_referrers_channel_goes_by_its_host() -> None:
    expected = {
        "https://www.google.co.uk/search?q=x": "search",
        "https://mail.google.com/": "email",
        "https://l.facebook.com/l.php": "social",
        "android-app://com.google.android.gm/": "email",
        "https://t.co/x": "social",
        "https://youtu.be/x": "video",
        "https://chatgpt.com/": "assistant",
        "https://blog.example/": "referral",
        "": None,
        "javascript:alert(1)": None,
        "https://user@www.bing.com:443/": "search",
    }
    assert {referrer: channels.of_referrer(referrer) for referrer in expected} == expected


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("ll_id=a", ["a"]),
        ("x=1; ll_id=a; y=2", ["a"]),
        ("ll_id=a;ll_id=b", ["a", "b"]),
        ("xll_id=a; ll_id", []),
        ("", []),
        ("ll_id=a;" + "x" * 9000, []),
    ],
)
def test_every_value_of_a_cookie_is_seen(header: str, values: list[str]) -> None:
    assert cookies.values(header, "ll_id") == values
