"""The ledger bucket: drafts that may be rewritten, ledgers that never are."""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.storage import aws

_READ_BYTES = 4 << 20


class Differs(Exception):
    """An object that must never change is there already, with other bytes."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is published with other bytes")
        self.key = key


class Bucket:
    """Objects of the stage's ledger bucket."""

    def __init__(self, settings: Settings) -> None:
        self._name = settings.ledger_bucket
        self._lock = settings.ledger_lock

    def publish(self, key: str, body: BinaryIO, sha256: str, content_type: str, until: datetime) -> None:
        """Write an object that never changes, locked until then; the same bytes again change nothing.

        A write whose answer was lost fails when it is repeated: so a refusal is judged by the bytes.

        Raises:
            Differs: other bytes are published under this key.
        """
        body.seek(0)
        try:
            self._call(
                "put_object",
                Key=key,
                Body=body,
                ContentType=content_type,
                ChecksumSHA256=_base64(sha256),
                IfNoneMatch="*",
                ObjectLockMode=self._lock,
                ObjectLockRetainUntilDate=until,
            )
        except _Exists:
            if self.sha256(key) != sha256:
                raise Differs(key) from None

    def write(self, key: str, body: BinaryIO, content_type: str) -> None:
        """Write an object, whatever is there."""
        body.seek(0)
        self._call("put_object", Key=key, Body=body, ContentType=content_type)

    def size(self, key: str) -> int | None:
        """How many bytes the object has; None where there is none."""
        try:
            answer = self._call("head_object", Key=key)
        except _Missing:
            return None
        return int(answer["ContentLength"])

    def find(self, key: str) -> bytes | None:
        """The object's bytes, or None."""
        try:
            answer = self._call("get_object", Key=key)
        except _Missing:
            return None
        return b"".join(_pieces(answer))

    def open(self, key: str, size: int) -> BinaryIO:
        """The object, of so many bytes, to be read from its beginning, a bounded piece at a time.

        Reading raises `Unavailable` where it isn't there, or can't be read.
        """
        return io.BufferedReader(
            _Stored(lambda first, last: self._range(key, first, last), size), _READ_BYTES
        )

    def _range(self, key: str, first: int, last: int) -> bytes:
        try:
            answer = self._call("get_object", Key=key, Range=f"bytes={first}-{last}")
        except _Missing:
            raise Unavailable("object_missing", f"{key} can't be read") from None
        return b"".join(_pieces(answer))

    def sha256(self, key: str) -> str:
        """The hash of the object's bytes as they are now, read in pieces.

        Raises:
            Unavailable: the object isn't there, or can't be read.
        """
        try:
            answer = self._call("get_object", Key=key)
        except _Missing:
            raise Unavailable("object_missing", "a published object can't be read") from None
        digest = hashlib.sha256()
        for piece in _pieces(answer):
            digest.update(piece)
        return digest.hexdigest()

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key under the prefix, in order."""
        token: dict[str, str] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=prefix, **token)
            yield from (found["Key"] for found in answer.get("Contents", []))
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Remove an object (drafts only; ledgers are locked)."""
        self._call("delete_object", Key=key)

    def link(self, key: str, expires_s: int) -> str:
        """A URL that reads the object without credentials for that many seconds."""
        url: str = aws.client("s3").generate_presigned_url(
            "get_object", Params={"Bucket": self._name, "Key": key}, ExpiresIn=expires_s
        )
        return url

    def upload_link(self, key: str, expires_s: int) -> str:
        """A URL that takes one PUT of the object without credentials for that many seconds."""
        url: str = aws.client("s3").generate_presigned_url(
            "put_object", Params={"Bucket": self._name, "Key": key}, ExpiresIn=expires_s
        )
        return url

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        method = getattr(aws.client("s3"), operation)
        try:
            answer: dict[str, Any] = method(Bucket=self._name, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise _Exists from error
            if code in {"NoSuchKey", "404"}:
                raise _Missing from error
            if code in {"AccessDenied", "NoSuchBucket"}:
                raise
            raise Unavailable("storage_unavailable", "storage does not answer; try again") from error
        except BotoCoreError as error:
            raise Unavailable("storage_unavailable", "storage does not answer; try again") from error
        return answer


def _pieces(answer: dict[str, Any]) -> Iterator[bytes]:
    """The body, piece by piece; it may break off long after the answer began."""
    try:
        yield from answer["Body"].iter_chunks(1 << 20)
    except BotoCoreError as error:
        raise Unavailable("storage_unavailable", "storage does not answer; try again") from error


class _Stored(io.RawIOBase):
    """An object's bytes as a file: each read is a call of its own, which the SDK repeats where it fails."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        body = self._fetch(self._at, self._at + wanted - 1)
        buffer[: len(body)] = body
        self._at += len(body)
        return len(body)


class _Exists(Exception):
    """The key is taken."""


class _Missing(Exception):
    """There is no such key."""


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
