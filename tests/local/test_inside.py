import json
from datetime import UTC, datetime

import pytest

from local.clock import LocalClock
from local.gateway import Request
from local.inside import local_route
from local.mail import Mailbox

OBJECTS = {"ledgers/acme/2026-10/a b.csv": (b"1,2\r\n", "text/csv")}


class Harness:
    def __init__(self, path):
        self.clock = LocalClock(path)
        self.moved = 0
        self.ran = []
        self.dropped = {}
        self.mailbox = Mailbox(self.clock, lambda _: None)
        self._answer = local_route(
            self.clock, self._run, OBJECTS.get, self._note, self.dropped.__setitem__, self.mailbox
        )

    def _run(self, function):
        self.ran.append(function)
        return {"settled": 3}

    def _note(self):
        self.moved += 1

    def ask(self, method, path, body=b""):
        return self._answer(Request(method, path, (), body, "127.0.0.1"))


@pytest.fixture
def local(tmp_path):
    return Harness(tmp_path / "clock.json")


def test_other_paths_are_left_to_the_app(local):
    assert local.ask("GET", "/v1/links") is None
    assert local.ask("GET", "/_localx") is None


def test_the_clock_is_set_and_told_back(local):
    answer = local.ask("POST", "/_local/clock", b'{"now": "2026-11-01T02:00:00+02:00"}')
    assert answer.status == 200
    assert json.loads(answer.body) == {"now": "2026-11-01T00:00:00.000Z"}
    assert local.clock() == datetime(2026, 11, 1, tzinfo=UTC)
    assert local.moved == 1


def test_null_sets_real_time_again(local):
    local.ask("POST", "/_local/clock", b'{"now": "2026-11-01T00:00:00Z"}')
    answer = local.ask("POST", "/_local/clock", b'{"now": null}')
    assert answer.status == 200
    assert not local.clock.stands_still


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"now": 5}',
        b'{"now": "soon"}',
        b'{"now": "2026-11-01"}',
        b'{"now": "2026-11-01T00:00:00"}',
        b'{"now": "2026-11-01T00:00:00Z", "then": 1}',
    ],
)
def test_anything_else_is_refused_and_moves_nothing(local, body):
    answer = local.ask("POST", "/_local/clock", body)
    assert answer.status == 422
    assert {"code", "message"} <= set(json.loads(answer.body)["error"])
    assert not local.clock.stands_still
    assert local.moved == 0


@pytest.mark.parametrize("job", ["reconcile", "close_month"])
def test_a_job_runs_now_and_its_summary_is_the_answer(local, job):
    answer = local.ask("POST", f"/_local/jobs/{job}")
    assert (answer.status, json.loads(answer.body)) == (200, {"settled": 3})
    assert local.ran == [job]


def test_an_object_is_read_as_it_is(local):
    answer = local.ask("GET", "/_local/s3/ledgers/acme/2026-10/a%20b.csv?x=1")
    assert (answer.status, answer.body) == (200, b"1,2\r\n")
    assert answer.headers == [("Content-Type", "text/csv")]


@pytest.mark.parametrize("path", ["/_local/s3/ledgers/none", "/_local/s3/", "/_local/jobs/other", "/_local/"])
def test_what_is_not_there_gets_404(local, path):
    assert local.ask("GET" if "s3" in path else "POST", path).status == 404


@pytest.mark.parametrize("path", ["/_local/clock", "/_local/jobs/reconcile"])
def test_another_method_gets_405(local, path):
    assert local.ask("GET", path).status == 405
    assert local.ran == []


def test_files_are_dropped_in_the_inbox_and_nowhere_else(local):
    assert local.ask("PUT", "/_local/s3/inbox/acme/orders-1%201.csv", b"a,b").status == 204
    assert local.ask("PUT", "/_local/s3/ledgers/acme/2026-10/a.csv", b"a,b").status == 405
    assert local.dropped == {"inbox/acme/orders-1 1.csv": b"a,b"}


def test_mail_is_shown_and_never_sent(local):
    kept = {"Destination.ToAddresses.member.1": "anna@example.com", "Message.Subject.Data": "<b>Hi</b>"}
    local.mailbox._keep({"body": {**kept, "Message.Body.Text.Data": "open https://go.example/x?a=1 now"}})
    page = local.ask("GET", "/_local/mail")
    assert b'<a href="https://go.example/x?a=1">' in page.body
    assert b"&lt;b&gt;Hi&lt;/b&gt;, to anna@example.com" in page.body
    [message] = json.loads(local.ask("GET", "/_local/mail.json").body)["data"]
    assert (message["to"], message["subject"]) == ("anna@example.com", "<b>Hi</b>")
