"""The AWS account that a deployment goes to: its clients, and what must be right before anything is done."""

import sys
from functools import cached_property
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

RUNTIMES = ((3, 11), (3, 12), (3, 13))
"""Versions of Python that Lambda runs and Chalice deploys: the zip's bytecode is of this interpreter's."""

_PATIENT = Config(retries={"mode": "standard", "max_attempts": 6})


class DeployError(Exception):
    """The deployment can't go on; says what to do about it."""


class Account:
    """Clients of one region, by default the one that the AWS configuration names."""

    def __init__(self) -> None:
        self._session = Session()
        self._clients: dict[tuple[str, str], Any] = {}

    @cached_property
    def region(self) -> str:
        """The region of the stage.

        Raises:
            DeployError: none is configured.
        """
        configured = self._session.get_config_variable("region")
        if not configured:
            raise DeployError("no region: set AWS_DEFAULT_REGION, or `region` in ~/.aws/config")
        return str(configured)

    @cached_property
    def id(self) -> str:
        """The account's number.

        Raises:
            DeployError: there are no credentials, or they are not taken.
        """
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise DeployError(f"AWS does not take the credentials: {error}") from error

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service, made once."""
        key = (service, region or self.region)
        if key not in self._clients:
            self._clients[key] = self._session.create_client(service, region_name=key[1], config=_PATIENT)
        return self._clients[key]


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Nothing, where this interpreter's bytecode runs in Lambda.

    Raises:
        DeployError: it doesn't.
    """
    if version not in RUNTIMES:
        known = ", ".join(f"{major}.{minor}" for major, minor in RUNTIMES)
        raise DeployError(f"Python {version[0]}.{version[1]} is no runtime to deploy to; use one of {known}")
