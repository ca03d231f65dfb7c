"""The record of what Chalice deployed, kept in the ledger bucket and locked while somebody deploys.

Chalice knows its API only from this file: without it the next deployment would make a second one. Whoever
deploys, from whichever machine, fetches it first and stores it afterwards; the bucket keeps old versions.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.account import DeployError

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
_MISSING = {"NoSuchKey", "404"}


class DeployedState:
    """The record of one stage, under `deployment/` in its ledger bucket."""

    def __init__(self, s3: Any, bucket: str, stage: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._record = f"deployment/{stage}.json"
        self._lock = f"deployment/{stage}.lock"

    @contextmanager
    def locked(self, who: str, now: datetime) -> Iterator[None]:
        """Keep everybody else from deploying this stage meanwhile.

        Raises:
            DeployError: somebody does; says who, and since when.
        """
        body = json.dumps({"who": who, "since": now.isoformat()}).encode()
        try:
            self._s3.put_object(Bucket=self._bucket, Key=self._lock, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TAKEN:
                raise
            holder = self._read(self._lock) or b"somebody who has just finished"
            raise DeployError(
                f"this stage is being deployed: {holder.decode()}. Where that ended without unlocking,"
                " run the step `unlock`"
            ) from error
        try:
            yield
        finally:
            self.unlock()

    def unlock(self) -> None:
        """Take the lock away, whoever holds it."""
        self._s3.delete_object(Bucket=self._bucket, Key=self._lock)

    def fetch(self, path: Path) -> bool:
        """Write the record to the path, or nothing where there is none; whether there is one."""
        body = self._read(self._record)
        path.unlink(missing_ok=True)
        if body is None:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return True

    def store(self, path: Path) -> None:
        """Keep what Chalice wrote to the path; a record that is gone there is removed here."""
        if path.exists():
            self._s3.put_object(Bucket=self._bucket, Key=self._record, Body=path.read_bytes())
        else:
            self._s3.delete_object(Bucket=self._bucket, Key=self._record)

    def _read(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return body
