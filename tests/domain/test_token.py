"""Click tokens verify by themselves, in one spelling only."""

import string
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import token
from chalicelib.domain.period import from_epoch_ms
from chalicelib.domain.token import Token

KEY = bytes(range(32))
OTHER_KEY = bytes(reversed(range(32)))
URL_SAFE = set(string.ascii_letters + string.digits + "-_")


def a_token(**changes: Any) -> Token:
    parts: dict[str, Any] = {
        "key_id": 1,
        "at": datetime(2026, 11, 21, 6, 30, 0, 123000, tzinfo=UTC),
        "visitor": "abcdefghijklmnop",
        "nonce": "00ff7a",
        "link_id": "lnk_aaaaaaaaaaaba",
    }
    return Token(**parts | changes)


def test_what_was_signed_is_read_back() -> None:
    assert token.read(token.sign(a_token(), KEY), {1: KEY}) == a_token()


def test_a_tests_token_is_no_clicks_and_a_clicks_no_tests() -> None:
    tested = token.sign(a_token(), KEY, is_test=True)
    assert token.read(tested, {1: KEY}, is_test=True) == a_token()
    assert token.read(tested, {1: KEY}) is None
    assert token.read(token.sign(a_token(), KEY), {1: KEY}, is_test=True) is None


def test_a_tests_cookie_names_no_visitor_and_a_visitors_no_test() -> None:
    tested = token.sign_visitor("abcdefghijklmnop", 1, KEY, is_test=True)
    assert token.read_visitor(tested, {1: KEY}, is_test=True) == "abcdefghijklmnop"
    assert token.read_visitor(tested, {1: KEY}) is None
    assert token.read_visitor(token.sign_visitor("abcdefghijklmnop", 1, KEY), {1: KEY}, is_test=True) is None


@given(
    st.integers(0, 255),
    st.integers(0, 253_370_764_799_999).map(from_epoch_ms),
    st.binary(min_size=10, max_size=10),
    st.binary(min_size=3, max_size=3),
    st.binary(min_size=8, max_size=8),
)
def test_every_token_survives_and_is_short_and_url_safe(
    key_id: int, at: datetime, visitor: bytes, nonce: bytes, link: bytes
) -> None:
    made = Token(
        key_id,
        at,
        token.visitor_text(visitor),
        nonce.hex(),
        token.link_id(link),
    )
    text = token.sign(made, KEY)
    assert len(text) <= 64
    assert set(text) <= URL_SAFE
    assert token.read(text, {key_id: KEY}) == made


def test_no_other_text_one_character_away_is_a_token() -> None:
    text = token.sign(a_token(), KEY)
    for position in range(len(text)):
        for character in URL_SAFE - {text[position]}:
            assert token.read(text[:position] + character + text[position + 1 :], {1: KEY}) is None


@pytest.mark.parametrize("change", ["{}=", " {}", "{}\n", "{}A", "{}==", "A{}"])
def test_other_spellings_of_a_good_token_are_refused(change: str) -> None:
    assert token.read(change.format(token.sign(a_token(), KEY)), {1: KEY}) is None


@pytest.mark.parametrize("text", ["", "x", "A" * 59, "é" * 59, "A" * 10_000, "\x00" * 59])
def test_what_is_no_token_is_refused(text: str) -> None:
    assert token.read(text, {1: KEY}) is None


def test_a_token_of_another_key_or_an_unknown_key_id_is_refused() -> None:
    text = token.sign(a_token(), KEY)
    assert token.read(text, {1: OTHER_KEY}) is None
    assert token.read(text, {2: KEY}) is None
    assert token.read(text, {}) is None


def test_a_token_signed_with_no_key_is_refused_where_the_key_is_unknown() -> None:
    assert token.read(token.sign(a_token(), b""), {}) is None


def test_an_older_key_still_reads_after_a_rotation() -> None:
    old, new = token.sign(a_token(), KEY), token.sign(a_token(key_id=2), OTHER_KEY)
    keys = {1: KEY, 2: OTHER_KEY}
    assert token.read(old, keys) == a_token()
    assert token.read(new, keys) == a_token(key_id=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"visitor": "ABCDEFGHIJKLMNOP"},
        {"visitor": "short"},
        {"visitor": "abcdefghijklmno1"},
        {"nonce": "00"},
        {"link_id": "aaaaaaaaaaaaa"},
        {"link_id": "lnk_aa"},
    ],
)
def test_a_part_without_its_form_cannot_be_signed(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        token.sign(a_token(**changes), KEY)


class TestVisitorCookie:
    """The cookie names a visitor, and only we can have written it."""

    def test_what_was_signed_is_read_back(self) -> None:
        text = token.sign_visitor("abcdefghijklmnop", 1, KEY)
        assert set(text) <= URL_SAFE
        assert token.read_visitor(text, {1: KEY}) == "abcdefghijklmnop"

    def test_a_visitor_read_from_a_token_makes_no_cookie(self) -> None:
        assert token.read_visitor("abcdefghijklmnop", {1: KEY}) is None
        assert token.read_visitor(token.sign(a_token(), KEY)[:36], {1: KEY}) is None

    def test_no_other_text_one_character_away_is_a_cookie(self) -> None:
        text = token.sign_visitor("abcdefghijklmnop", 1, KEY)
        for position in range(len(text)):
            for character in URL_SAFE - {text[position]}:
                other = text[:position] + character + text[position + 1 :]
                assert token.read_visitor(other, {1: KEY}) is None

    def test_an_unknown_key_is_refused(self) -> None:
        text = token.sign_visitor("abcdefghijklmnop", 1, KEY)
        assert token.read_visitor(text, {1: OTHER_KEY}) is None
        assert token.read_visitor(text, {}) is None
        assert token.read_visitor(token.sign_visitor("abcdefghijklmnop", 1, b""), {}) is None


def test_clicks_of_one_instant_sort_by_their_nonces_whosever_they_are() -> None:
    texts = [
        token.sign(a_token(nonce=f"{number:06x}", visitor=visitor), KEY)
        for number in (*range(0, 5000, 37), *range(5000, 1 << 24, 100_003))
        for visitor in ("zzzzzzzzzzzzzzzz", "aaaaaaaaaaaaaaaa")
    ]
    read = [token.read(text, {1: KEY}) for text in sorted(texts, key=token.order_in_instant)]
    nonces = [parts.nonce for parts in read if parts]
    assert len(nonces) == len(texts)
    assert nonces == sorted(nonces)


def test_what_is_no_token_has_a_place_of_its_own() -> None:
    assert token.order_in_instant("visit-2") > token.order_in_instant("visit-1")
