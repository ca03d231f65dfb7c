"""What tests of pages share."""

from typing import Any

import pytest

from app import app
from chalicelib import bootstrap
from chalicelib.domain.partner import Enrollment, Partner
from chalicelib.storage import aws
from local.functions import Functions, QueueSource
from local.mail import SENDER, Mailbox
from local.workers import QueueWorker
from tests import scene
from tests.portal.browsing import Reader
from tests.scene import AFTER_GRACE, MONTH_START, Scene


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


@pytest.fixture
def shop(reader: Reader, clock: Any) -> Scene:
    """A program with two partners, and an administrator who is signed in; a day after September's end."""
    clock.set(AFTER_GRACE)
    reader.now = AFTER_GRACE
    made = scene.make(reader.stores)
    for partner in scene.PARTNERS:
        reader.stores.catalogue.add_partner_once(
            Partner(partner, partner.title(), f"{partner}@example.com", MONTH_START)
        )
        enrollment = Enrollment(made.program.id, partner, made.links[partner].code, MONTH_START)
        reader.stores.catalogue.add_enrollment_once(enrollment)
    reader.sign_in_with_a_key()
    return made
