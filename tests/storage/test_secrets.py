"""The stage's secrets are read seldom, and outlive an outage of the secret store."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.domain.errors import Unavailable
from chalicelib.storage import aws
from chalicelib.storage import secrets as module
from chalicelib.storage.secrets import MAX_AGE_S, RETRY_AFTER_S, Secrets

KEY = base64.b64encode(b"k" * 32).decode()
VALUE = {"token_keys": {"1": KEY, "2": KEY}, "token_key": "2", "customer_key": KEY}


class Store:
    """Stands for Secrets Manager, with a clock beside it."""

    def __init__(self) -> None:
        self.value: Any = VALUE
        self.calls = 0
        self.down = False
        self.now_s = 1000.0

    def get_secret_value(self, **_: str) -> dict[str, str]:
        self.calls += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://secrets.example")
        return {"SecretString": json.dumps(self.value)}


@pytest.fixture
def store(stage: Any, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(aws, "client", lambda _service: made)
    monkeypatch.setattr(module.time, "monotonic", lambda: made.now_s)
    return made


@pytest.fixture
def secrets(stage: Any, store: Store) -> Secrets:
    return Secrets(stage.settings)


def test_they_are_read_from_the_engine(stage: Any) -> None:
    found = stage.stores.secrets
    assert found.token_key in found.token_keys
    assert {len(key) for key in (*found.token_keys.values(), found.customer_key)} == {32}


def test_they_are_read_once_in_five_minutes(store: Store, secrets: Secrets) -> None:
    assert (secrets.token_key, secrets.token_keys, secrets.customer_key) == (
        2,
        {1: b"k" * 32, 2: b"k" * 32},
        b"k" * 32,
    )
    assert store.calls == 1
    store.value = VALUE | {"token_key": "1"}
    store.now_s += MAX_AGE_S - 1
    assert secrets.token_key == 2
    store.now_s += 1
    assert (secrets.token_key, store.calls) == (1, 2)


def test_the_last_ones_go_on_while_the_store_is_down(store: Store, secrets: Secrets) -> None:
    assert secrets.token_key == 2
    store.down = True
    store.now_s += MAX_AGE_S
    assert (secrets.token_key, secrets.token_key, store.calls) == (2, 2, 2)
    store.down, store.value = False, VALUE | {"token_key": "1"}
    store.now_s += RETRY_AFTER_S
    assert secrets.token_key == 1


def test_without_any_the_call_may_be_retried(store: Store, secrets: Secrets) -> None:
    store.down = True
    with pytest.raises(Unavailable):
        secrets.customer_key  # noqa: B018 - reading it is the point
    store.down = False
    assert secrets.token_key == 2


@pytest.mark.parametrize(
    "wrong", [{"token_key": "3"}, {"customer_key": "c2hvcnQ="}, {"customer_key": "not base64!"}]
)
def test_a_wrong_value_is_never_used(store: Store, secrets: Secrets, wrong: dict[str, str]) -> None:
    store.value = VALUE | wrong
    with pytest.raises(ValueError):
        secrets.token_key  # noqa: B018 - reading it is the point
