"""The stage's secrets, from Secrets Manager, kept for five minutes."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.storage import aws

MAX_AGE_S = 300
RETRY_AFTER_S = 10
"""How long a kept value is used without another try when the secret store did not answer."""


@dataclass(frozen=True, slots=True)
class _Values:
    token_keys: dict[int, bytes]
    token_key: int
    customer_key: bytes


class Secrets:
    """Keys of this stage. Each is 32 bytes; while the secret store is down the last ones are used.

    Reading any of them raises Unavailable (`secrets_unavailable`) when none was ever read.
    """

    def __init__(self, settings: Settings) -> None:
        self._secrets_id = settings.secrets_id
        self._values: _Values | None = None
        self._fresh_until = 0.0

    @property
    def are_known(self) -> bool:
        """Whether they were ever read by this process."""
        return self._values is not None

    @property
    def token_keys(self) -> dict[int, bytes]:
        """The keys that verify click tokens, by number; old ones stay while tokens of theirs live."""
        return self._current().token_keys

    @property
    def token_key(self) -> int:
        """The number of the key that signs new click tokens."""
        return self._current().token_key

    @property
    def customer_key(self) -> bytes:
        """The key under which merchants' customer ids are hashed."""
        return self._current().customer_key

    def _current(self) -> _Values:
        if self._values is not None and time.monotonic() < self._fresh_until:
            return self._values
        try:
            self._values = _read(self._secrets_id)
        except aws.failures() as error:
            if self._values is None:
                raise Unavailable("secrets_unavailable", "a dependency does not answer; try again") from error
            self._fresh_until = time.monotonic() + RETRY_AFTER_S
            return self._values
        self._fresh_until = time.monotonic() + MAX_AGE_S
        return self._values


def _read(secrets_id: str) -> _Values:
    answer = aws.client("secretsmanager").get_secret_value(SecretId=secrets_id)
    kept: dict[str, Any] = json.loads(answer["SecretString"])
    keys = {int(number): _key(text) for number, text in kept["token_keys"].items()}
    current = int(kept["token_key"])
    if current not in keys:
        raise ValueError("token_key names none of token_keys")
    return _Values(keys, current, _key(kept["customer_key"]))


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError("a secret must be the base64 of 32 bytes")
    return key
