"""What tests share: the embedded engine, a fresh stage in it, and a clock that stands still."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import hypothesis
import pytest
from botocore.loaders import create_loader
from botocore.session import Session

from chalicelib import bootstrap
from chalicelib.settings import Settings
from chalicelib.storage import aws
from chalicelib.storage.stores import Stores
from local import provision
from local.engine import REGION, Engine

hypothesis.settings.register_profile("shared", deadline=None, print_blob=True)
hypothesis.settings.load_profile("shared")
"""No deadline for an example: a busy machine is no failure."""


@dataclass(frozen=True)
class Stage:
    """A stage of its own: its variables (set in the environment), and its stores."""

    environment: dict[str, str]

    @property
    def stores(self) -> Stores:
        """The stores that services get in this stage."""
        return bootstrap.stores()

    @property
    def settings(self) -> Settings:
        """The settings of this stage."""
        return self.stores.settings


class Clock:
    """Stands still until set; starts at noon on 2026-10-15."""

    def __init__(self) -> None:
        self.now = datetime(2026, 10, 15, 12, tzinfo=UTC)

    def set(self, now: datetime) -> None:
        """Move to this instant."""
        self.now = now

    def __call__(self) -> datetime:
        return self.now


_LOADER = create_loader()
"""Reads botocore's descriptions of the services once a run: most of what a fresh client costs."""


def _quick_session() -> Session:
    session = Session()
    session.register_component("data_loader", _LOADER)
    return session


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The embedded engine, in memory, for the whole run; or one that somebody has started for many runs."""
    if port := os.environ.get("ENGINE_PORT"):
        yield Engine(port=int(port))
        return
    with Engine() as started:
        yield started


@pytest.fixture
def stage(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A fresh stage: own tables, bucket, queues and secret; `bootstrap.stores()` leads to it."""
    made = provision.stage(
        engine.client, prefix=f"t{uuid.uuid4().hex[:12]}", base_url="https://go.example.com", region=REGION
    )
    for name, value in (engine.environment | made).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.session.Session", _quick_session)
    bootstrap.stores.cache_clear()
    aws.forget()
    yield Stage(made)
    bootstrap.stores.cache_clear()
    aws.forget()


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The time that `bootstrap.now()` tells; `clock.set(...)` moves it."""
    moved = Clock()
    bootstrap.set_clock(moved)
    yield moved
    bootstrap.set_clock(None)
