"""What a new stage gets once: the keys in its secret, and its first administrator's key."""

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib import bootstrap
from chalicelib.services import keys
from infra.acting import acting_as


def fill_secret(manager: Any, secrets_id: str) -> bool:
    """Draw the stage's keys where its secret has no value; whether it had none.

    A value that is there is never changed: it signs the tokens that are out.
    """
    try:
        manager.get_secret_value(SecretId=secrets_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    else:
        return False
    value = {
        "token_keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()},
        "token_key": "1",
        "customer_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "origin_secret": secrets.token_urlsafe(32),
    }
    # The name of the version makes two first deployments at once agree on one value.
    manager.put_secret_value(
        SecretId=secrets_id,
        SecretString=json.dumps(value),
        ClientRequestToken="first-keys-of-this-stage-00000001",
    )
    return True


def origin_secret(manager: Any, secrets_id: str) -> str:
    """What CloudFront proves itself to the app with."""
    value = json.loads(manager.get_secret_value(SecretId=secrets_id)["SecretString"])
    return str(value["origin_secret"])


def first_admin_key(environment: Mapping[str, str], now: datetime) -> str | None:
    """A new administrator's key, where the stage has no key at all; None where it has one.

    A trial's key (`infra.smoking`) is in no list, and so is none of these.
    """
    with acting_as(environment):
        known, _ = bootstrap.stores().credentials.keys_page(1, None)
        if known:
            return None
    return admin_key(environment, now)


def admin_key(environment: Mapping[str, str], now: datetime) -> str:
    """A new administrator's key: whoever may write the stage's tables may do all that it may."""
    with acting_as(environment):
        text = keys.new_text()
        keys.bootstrap_admin(bootstrap.stores(), text, now)
    return text
