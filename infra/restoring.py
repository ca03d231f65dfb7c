"""Bringing tables and published files back: copies as of a moment, then put in place of what is damaged.

Tables come back through DynamoDB's own point-in-time recovery and backups, and get again what those leave
out: recovery itself, time to live, stream, deletion protection, tags
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html).
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.services import verifying
from chalicelib.services.folders import RETENTION
from chalicelib.storage.stores import Stores
from infra.account import DeployError
from infra.project import ROOT
from local import template

_WAITING = {"Delay": 15, "MaxAttempts": 480}
"""Two hours: a restore takes minutes to hours, by the size of the table."""


class Tables:
    """The tables of the stage `prefix`, and their copies under another one."""

    def __init__(self, dynamodb: Any, prefix: str) -> None:
        self._dynamodb = dynamodb
        self.prefix = prefix
        self.copies = f"{prefix}-restored"
        self._declared = _declared(prefix)
        self.names = sorted(self._declared)

    def copy(self, at: datetime, names: Sequence[str] | None = None) -> Iterator[str]:
        """Restore tables as they were then beside themselves, `prefix-restored-...`; the names of the copies.

        Raises:
            DeployError: a copy of an earlier try is there, which might be of another moment.
        """
        chosen = list(names or self.names)
        for name in chosen:
            if self._exists(f"{self.copies}-{name}"):
                raise DeployError(f"{self.copies}-{name} is there already: delete it, or go on with it")
        for name in chosen:
            self._dynamodb.restore_table_to_point_in_time(
                SourceTableName=f"{self.prefix}-{name}",
                TargetTableName=f"{self.copies}-{name}",
                RestoreDateTime=at,
            )
        for name in chosen:
            self._wait("table_exists", f"{self.copies}-{name}")
            yield f"{self.copies}-{name}"

    def place(self, names: Sequence[str] | None = None) -> Iterator[str]:
        """Put the copies in place of the tables, which are deleted; the names of those that are in place.

        Nothing may write meanwhile. After a failure it can be done again: the copies stay.

        Raises:
            DeployError: a copy isn't there.
        """
        chosen = list(names or self.names)
        for name in chosen:
            if not self._exists(f"{self.copies}-{name}"):
                raise DeployError(f"there is no {self.copies}-{name}: restore the copies first")
        for name in chosen:
            backup = self._backup(f"{self.copies}-{name}")
            table = f"{self.prefix}-{name}"
            if self._exists(table):
                self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
                self._dynamodb.delete_table(TableName=table)
                self._wait("table_not_exists", table)
            self._dynamodb.restore_table_from_backup(TargetTableName=table, BackupArn=backup)
            self._wait("table_exists", table)
            self._set(table, self._declared[name])
            yield table

    def _set(self, table: str, wanted: Mapping[str, Any]) -> None:
        """Set what a restore leaves out. The stream is a new one, and begins empty."""
        if "StreamSpecification" in wanted:
            self._dynamodb.update_table(
                TableName=table, StreamSpecification={"StreamEnabled": True, **wanted["StreamSpecification"]}
            )
            self._wait("table_exists", table)
        if "TimeToLiveSpecification" in wanted:
            self._dynamodb.update_time_to_live(
                TableName=table, TimeToLiveSpecification=wanted["TimeToLiveSpecification"]
            )
        self._dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=wanted["PointInTimeRecoverySpecification"]
        )
        arn = self._dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
        self._dynamodb.tag_resource(ResourceArn=arn, Tags=wanted["Tags"])
        self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)

    def _backup(self, table: str) -> str:
        made = self._dynamodb.create_backup(TableName=table, BackupName="put-in-place")["BackupDetails"]
        arn = str(made["BackupArn"])
        while self._status(arn) == "CREATING":
            time.sleep(_WAITING["Delay"])
        return arn

    def _status(self, backup: str) -> str:
        found = self._dynamodb.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]
        return str(found["BackupStatus"])

    def _exists(self, table: str) -> bool:
        try:
            self._dynamodb.describe_table(TableName=table)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return False
            raise
        return True

    def _wait(self, waiter: str, table: str) -> None:
        self._dynamodb.get_waiter(waiter).wait(TableName=table, WaiterConfig=_WAITING)


def problems(stores: Stores, say: Callable[[str], None]) -> list[str]:
    """What is wrong with the closed months of every program, as `cli ledger verify` finds it."""
    found: list[str] = []
    for program_id in stores.catalogue.programs():
        books = stores.journal.books(stores.catalogue.program(program_id))
        month = books.opened
        while books.closed_through is not None and month <= books.closed_through:
            verified = verifying.verify(stores, program_id, month)
            say(f"  {program_id} {month}: {verified.entries} entries, {len(verified.problems)} problems")
            found += [f"{program_id} {month}: {problem}" for problem in verified.problems]
            month = month.next()
    return found


class Ledgers:
    """The published files of a ledger bucket; `lock` is S3's mode of locking them."""

    def __init__(self, s3: Any, bucket: str, lock: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lock = lock

    def bring_back(self, replica: str | None, now: datetime) -> Iterator[str]:
        """Write what is hidden or missing again, from its last version or from the replica; the keys.

        Never over anything: a file that is there stays, whatever it holds. A month's manifest comes last, as
        when it was published.
        """
        visible = set(self._visible(self._bucket))
        lost: dict[str, tuple[str, str | None]] = {
            key: (self._bucket, version) for key, version in self._hidden() if key not in visible
        }
        if replica is not None:
            for key in self._visible(replica):
                if key not in visible:
                    lost.setdefault(key, (replica, None))
        for key in sorted(lost, key=lambda one: (one.endswith("/manifest.json"), one)):
            self._write(key, *lost[key], now + RETENTION)
            yield key

    def damaged(self) -> Iterator[str]:
        """The files that are not what their month's manifest says of them."""
        for key in self._visible(self._bucket):
            if key.endswith("/manifest.json"):
                folder = key.removesuffix("manifest.json")
                for part in json.loads(self._body(self._bucket, key))["parts"]:
                    try:
                        digest = hashlib.sha256(self._body(self._bucket, folder + part["name"])).hexdigest()
                    except ClientError as error:
                        if error.response["Error"]["Code"] != "NoSuchKey":
                            raise
                        digest = "missing"
                    if digest != part["sha256"]:
                        yield folder + part["name"]

    def _visible(self, bucket: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="ledgers/"):
            yield from (found["Key"] for found in page.get("Contents", []))

    def _hidden(self) -> Iterator[tuple[str, str]]:
        """The newest version that each key has below its delete marker."""
        seen: set[str] = set()
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix="ledgers/"
        )
        for page in pages:
            for found in page.get("Versions", []):
                if found["Key"] not in seen:
                    seen.add(found["Key"])
                    yield found["Key"], found["VersionId"]

    def _write(self, key: str, bucket: str, version: str | None, until: datetime) -> None:
        named = {"VersionId": version} if version else {}
        found = self._s3.get_object(Bucket=bucket, Key=key, **named)
        body = found["Body"].read()
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=body,
            ContentType=found["ContentType"],
            IfNoneMatch="*",
            ObjectLockMode=self._lock,
            ObjectLockRetainUntilDate=until,
        )

    def _body(self, bucket: str, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


def _declared(prefix: str) -> dict[str, dict[str, Any]]:
    """Each table's properties in base.yaml, by its short name."""
    document = template.load(ROOT / "infra" / "base.yaml")
    resolver = template.Resolver(document, {"Prefix": prefix}, "")
    tables = (
        resolver.value(resource["Properties"])
        for resource in document["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
    )
    return {str(table["TableName"]).removeprefix(f"{prefix}-"): table for table in tables}
