"""What was deployed before, kept so that it can be deployed again.

A release is the laid-out project, source, dependencies and Chalice's part, as one zip in the ledger bucket
under `deployment/{stage}/`. Going back builds nothing and needs no registry of packages.
"""

import hashlib
import io
import shutil
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.account import DeployError

KEPT = 10
"""How many releases are kept; of older ones S3 still has the hidden versions for a while."""

_PYTHON = f"py{sys.version_info.major}.{sys.version_info.minor}"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Releases:
    """The releases of one stage; their names begin with when they were deployed first."""

    def __init__(self, s3: Any, bucket: str, stage: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._folder = f"deployment/{stage}/"
        self._mark = f"deployment/{stage}.release"

    def names(self) -> list[str]:
        """All that are kept, oldest first."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._folder)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return sorted(key.removeprefix(self._folder).removesuffix(".zip") for key in keys)

    def current(self) -> str | None:
        """The one that is deployed; None before the first deployment."""
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=self._mark)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        return body.decode()

    def previous(self) -> str:
        """The one before that which is deployed.

        Raises:
            DeployError: there is none.
        """
        current = self.current()
        earlier = [name for name in self.names() if current is not None and name < current]
        if not earlier:
            raise DeployError(f"there is no release before {current or 'the first deployment'}")
        return earlier[-1]

    def keep(self, project: Path, now: datetime) -> str:
        """Keep the project as the release that is deployed, and return its name.

        One of the same content as the present one is that one.
        """
        digest = _digest(project)
        current = self.current()
        if current is not None and current.split("-")[1] == digest and current in self.names():
            return current
        name = f"{now:%Y%m%dT%H%M%SZ}-{digest}-{_PYTHON}"
        self._s3.put_object(Bucket=self._bucket, Key=f"{self._folder}{name}.zip", Body=_packed(project))
        self.mark(name)
        for old in self.names()[:-KEPT]:
            self._s3.delete_object(Bucket=self._bucket, Key=f"{self._folder}{old}.zip")
        return name

    def mark(self, name: str) -> None:
        """Note that this one is deployed now."""
        self._s3.put_object(Bucket=self._bucket, Key=self._mark, Body=name.encode())

    def fetch(self, name: str, project: Path) -> None:
        """Fill the folder with the release; Chalice's record of what is deployed stays as it is.

        Raises:
            DeployError: there is no such release, or another Python built it.
        """
        if name not in self.names():
            raise DeployError(f"there is no release {name}; there are {', '.join(self.names()) or 'none'}")
        if not name.endswith(_PYTHON):
            raise DeployError(f"{name} was built by another Python than {_PYTHON}: go back with that one")
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=f"{self._folder}{name}.zip")["Body"].read()
        for path in list(_files(project)) if project.exists() else []:
            path.unlink()
        shutil.rmtree(project / ".chalice" / "deployments", ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            archive.extractall(project)
            for entry in archive.infolist():
                (project / entry.filename).chmod(entry.external_attr >> 16 & 0o777)


def _files(project: Path) -> Iterator[Path]:
    """What belongs to a release, in a stable order: all but what Chalice writes as it deploys."""
    written = {project / ".chalice" / "deployed", project / ".chalice" / "deployments"}
    for path in sorted(project.rglob("*")):
        if path.is_file() and not written & set(path.parents):
            yield path


def _digest(project: Path) -> str:
    found = hashlib.sha256()
    for path in _files(project):
        found.update(f"{path.relative_to(project)}\n{path.stat().st_size}\n".encode() + path.read_bytes())
    return found.hexdigest()[:12]


def _packed(project: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _files(project):
            entry = zipfile.ZipInfo(str(path.relative_to(project)), _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, path.stat().st_mode << 16
            archive.writestr(entry, path.read_bytes(), compresslevel=1)
    return packed.getvalue()
