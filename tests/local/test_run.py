"""`make run` as a person starts it: a process of its own on a free port, with a fresh folder."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Running:
    """One run of the stack; `output` is what it printed so far."""

    def __init__(self, folder, demo="0", port=None):
        self.folder = folder
        self.port = port or free_port()
        self._log = folder.parent / f"{folder.name}-{self.port}.log"
        environment = {**os.environ, "PORT": str(self.port), "DATA_DIR": str(folder), "DEMO": demo}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self):
        return self._log.read_text()

    def wait_until_up(self):
        deadline = time.monotonic() + 60
        while "Linkledger is up" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        return self

    def end(self, number=signal.SIGTERM):
        """Signal the whole group, as a terminal does, and wait; the exit status."""
        os.killpg(self.process.pid, number)
        return self.process.wait(40)

    def ask(self, method, path, body=None):
        key = (self.folder / "admin-key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def run(tmp_path):
    started = []

    def start(**options):
        started.append(Running(tmp_path / "data", **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def rows_under(output, title):
    """The rows of the aligned table that follows this title, each as a list of its cells."""
    table = output.split(title, 1)[1].split("\n\n")[1].split("\n")
    return [re.split(r"  +", line.strip()) for line in table if line.strip()]


def test_a_fresh_folder_gets_the_story_and_a_restart_keeps_all_of_it(run):
    first = run(demo="1").wait_until_up()
    assert "ended early" not in first.output, first.output
    head, *lines = rows_under(first.output, "The ledger, ")
    entries = [dict(zip(head, line, strict=False)) for line in lines]
    accrued = {(e["order_id"], e["commission_amount"]) for e in entries if e["kind"] == "accrual"}
    assert accrued == {("A-1001", "12.99"), ("A-1002", "8.00"), ("A-1003", "4.55"), ("A-1004", "6.00")}
    assert [e["commission_amount"] for e in entries if e["kind"] == "reversal"] == ["-2.00"]
    _, *totals = rows_under(first.output, "The totals")
    # partner, currency, opening, accrued, reversed, corrected, paid, closing, payable
    assert ["anna", "EUR", "0.00", "25.54", "-2.00", "0.00", "0.00", "23.54", "23.54"] in totals
    assert ["ben", "EUR", "0.00", "6.00", "0.00", "0.00", "0.00", "6.00", "6.00"] in totals
    conversions = first.ask("GET", "/v1/conversions?program=acme")
    month = re.search(r"ledgers/acme/(\d{4}-\d\d)/manifest.json", first.output)[1]
    manifest = first.ask("GET", f"/_local/s3/ledgers/acme/{month}/manifest.json")
    assert manifest[0] == 200
    assert first.end() == 0
    assert "Traceback" not in first.output

    second = run(demo="1").wait_until_up()
    assert "The ledger" not in second.output
    assert second.ask("GET", "/v1/conversions?program=acme") == conversions
    assert second.ask("GET", f"/_local/s3/ledgers/acme/{month}/manifest.json") == manifest
    assert second.end(signal.SIGINT) == 0
    assert "Traceback" not in second.output


def test_the_admin_key_is_for_its_owner_alone_and_stays_the_same(run):
    first = run().wait_until_up()
    path = first.folder / "admin-key"
    key = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    first.end()
    second = run().wait_until_up()
    assert path.read_text() == key
    assert second.ask("GET", "/v1/ledgers")[0] == 200


def test_after_a_kill_what_was_acknowledged_is_there_and_so_is_the_clock(run):
    first = run().wait_until_up()
    first.ask("POST", "/_local/clock", {"now": "2026-11-01T00:00:00Z"})
    partner = {"id": "anna", "name": "Anna", "email": "anna@example.com"}
    assert first.ask("POST", "/v1/partners", partner)[0] == 201
    first.end(signal.SIGKILL)
    second = run().wait_until_up()
    assert second.ask("GET", "/v1/partners/anna")[0] == 200
    assert "the clock stands still at 2026-11-01T00:00:00Z" in second.output


def test_a_port_that_is_taken_is_said_plainly(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        second = run(port=taken.getsockname()[1])
        assert second.process.wait(30) == 1
        assert "PORT=" in second.output
        assert "Traceback" not in second.output


def test_a_folder_that_another_stack_uses_is_refused(run):
    run().wait_until_up()
    second = run()
    assert second.process.wait(30) == 1
    assert "another stack is running" in second.output
