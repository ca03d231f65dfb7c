"""What tests of pages share."""

from typing import Any

import pytest

from app import app
from chalicelib import bootstrap
from chalicelib.storage import aws
from local.functions import Functions, QueueSource
from local.mail import SENDER, Mailbox
from local.workers import QueueWorker
from tests.portal.browsing import Reader


@pytest.fixture
def reader(stage: Any, engine: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Somebody with a browser, in a fresh stage that sends mail, at noon on 2026-10-15."""
    monkeypatch.setenv("MAIL_FROM", SENDER)
    bootstrap.stores.cache_clear()
    mailbox = Mailbox(clock, lambda _: None)
    mailbox.attach(aws.session())
    source = QueueSource("run_job", stage.environment["JOBS_QUEUE"], 1)
    worker = QueueWorker(engine, source, Functions(app).invoke)
    return Reader(stage.stores, clock(), mailbox, worker)
