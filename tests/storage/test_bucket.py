import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.storage import aws
from chalicelib.storage.bucket import Bucket, Differs

UNTIL = datetime(2036, 1, 1, tzinfo=UTC)


def publish(bucket: Bucket, body: bytes) -> None:
    bucket.publish(
        "ledgers/acme/a.csv", io.BytesIO(body), hashlib.sha256(body).hexdigest(), "text/csv", UNTIL
    )


@pytest.mark.parametrize("mode", ["COMPLIANCE", "GOVERNANCE"])
def test_what_is_published_is_locked_in_the_stages_mode(stage: Any, mode: str) -> None:
    asked: list[str] = []
    settings = replace(stage.settings, ledger_lock=mode)
    aws.client("s3").meta.events.register(
        "before-parameter-build.s3.PutObject", lambda params, **_: asked.append(params["ObjectLockMode"])
    )
    publish(Bucket(settings), b"a,b\r\n")
    assert asked == [mode]


def test_a_stage_locks_so_that_nobody_can_unlock(stage: Any) -> None:
    assert stage.settings.ledger_lock == "COMPLIANCE"


def test_the_same_bytes_again_change_nothing_and_others_are_refused(stage: Any) -> None:
    bucket = stage.stores.bucket
    publish(bucket, b"a,b\r\n")
    publish(bucket, b"a,b\r\n")
    with pytest.raises(Differs):
        publish(bucket, b"a,c\r\n")
    assert bucket.find("ledgers/acme/a.csv") == b"a,b\r\n"
