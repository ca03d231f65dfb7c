"""API keys and signing secrets are kept as they were given, each id once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.credentials import ApiKey, Scope, SigningSecret
from chalicelib.storage.credentials import Credentials

AT = datetime(2026, 10, 1, 8, 30, 0, 123000, tzinfo=UTC)
KEY = ApiKey("key_a", "f" * 64, frozenset({Scope.PARTNER}), "acme", "anna", AT)


@pytest.fixture
def credentials(stage: Any) -> Credentials:
    return Credentials(stage.settings)


@pytest.mark.parametrize("wrong", ["", "nobodys", "a#b", "Acme", "x" * 3000, "\ud800"])
def test_what_cannot_be_an_id_is_not_found(credentials: Credentials, wrong: str) -> None:
    assert credentials.find_key(wrong) is None
    assert credentials.secrets_of(wrong) == ()


def test_a_key_is_gone_once_it_is_removed(credentials: Credentials) -> None:
    assert credentials.add_key_once(KEY)
    assert credentials.find_key("key_a") == KEY
    assert credentials.keys_page(10, None) == ([KEY], None)
    credentials.remove_key(KEY)
    assert credentials.find_key("key_a") is None
    assert credentials.keys_page(10, None) == ([], None)


class TestSecrets:
    def secret(self, number: int) -> SigningSecret:
        return SigningSecret(f"sec_{number}", "acme", f"whsec_{number}", AT)

    def test_two_are_live_at_most(self, credentials: Credentials) -> None:
        first, second, third = (self.secret(number) for number in (1, 2, 3))
        assert credentials.add_secret(first)
        assert credentials.add_secret(second)
        assert not credentials.add_secret(third)
        assert credentials.secrets_of("acme") == (first, second)
        credentials.remove_secret(first)
        assert credentials.add_secret(third)
        assert set(credentials.secrets_of("acme")) == {second, third}

    def test_removing_one_leaves_what_took_its_place(self, credentials: Credentials) -> None:
        first, third = self.secret(1), self.secret(3)
        credentials.add_secret(first)
        credentials.remove_secret(first)
        credentials.add_secret(third)
        credentials.remove_secret(first)
        assert credentials.secrets_of("acme") == (third,)

    def test_one_that_is_stored_twice_takes_one_place(self, credentials: Credentials) -> None:
        assert credentials.add_secret(self.secret(1))
        assert credentials.add_secret(self.secret(1))
        assert credentials.secrets_of("acme") == (self.secret(1),)
