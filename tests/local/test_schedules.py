from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.functions import Schedule
from local.schedules import Schedules, is_due

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "minute", "due"),
    [
        ("rate(1 hour)", NOON, True),
        ("rate(1 hour)", NOON + timedelta(minutes=1), False),
        ("rate(5 minutes)", NOON + timedelta(minutes=35), True),
        ("cron(30 2 * * ? *)", NOON.replace(hour=2, minute=30), True),
        ("cron(30 2 * * ? *)", NOON.replace(hour=3, minute=30), False),
        ("cron(0 12 2 * ? *)", NOON, True),
        ("cron(0 12 3 * ? *)", NOON, False),
        ("cron(0/15 * * * ? *)", NOON + timedelta(minutes=45), True),
        ("cron(0/15 * * * ? *)", NOON + timedelta(minutes=46), False),
        ("cron(0 9-13 ? * 2 *)", NOON, True),
        ("cron(0 12 ? * 3,4 *)", NOON, False),
    ],
)
def test_an_expression_comes_due_as_eventbridge_reads_it(expression, minute, due):
    assert is_due(expression, minute) is due


@pytest.mark.parametrize("expression", ["cron(0 12 L * ? *)", "hourly", "cron(0 12)"])
def test_an_expression_that_is_not_known_is_refused(expression):
    with pytest.raises(ValueError):
        is_due(expression, NOON)


class Harness:
    def __init__(self, path):
        self.path = path
        self.ran = []
        self.still = False

    def schedules(self):
        hourly = Schedule("reconcile", "rate(1 hour)")
        monthly = Schedule("close_month", "cron(30 2 3 * ? *)")
        return Schedules([hourly, monthly], self.ran.append, lambda: self.still, self.path)


@pytest.fixture
def harness(tmp_path):
    return Harness(tmp_path / "schedules.json")


def test_the_first_start_runs_nothing(harness):
    assert harness.schedules().catch_up(NOON) == []


def test_each_minute_that_comes_due_runs_once(harness):
    schedules = harness.schedules()
    for minutes in (0, 59, 60, 60, 61):
        schedules.catch_up(NOON + timedelta(minutes=minutes))
    assert harness.ran == ["reconcile"]


def test_what_was_missed_while_stopped_runs_once_at_the_next_start(harness):
    harness.schedules().catch_up(NOON)
    harness.schedules().catch_up(NOON + timedelta(days=2))
    assert harness.ran == ["reconcile", "close_month"]


def test_a_kill_while_the_time_is_written_down_loses_nothing(harness, monkeypatch):
    def killed(path, _text):
        path.open("w").close()
        raise SystemExit

    harness.schedules().catch_up(NOON)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", killed)
        with pytest.raises(SystemExit):
            harness.schedules().catch_up(NOON + timedelta(minutes=1))
    harness.schedules().catch_up(NOON + timedelta(hours=1))
    assert harness.ran == ["reconcile"]


def test_nothing_comes_due_while_the_clock_stands_still(harness):
    schedules = harness.schedules()
    schedules.catch_up(NOON)
    harness.still = True
    schedules.catch_up(NOON + timedelta(hours=5))
    harness.still = False
    schedules.catch_up(NOON + timedelta(hours=5, minutes=1))
    assert harness.ran == []


def test_a_job_that_fails_stops_neither_the_others_nor_the_next_run(harness, capsys):
    def fail_first(function):
        harness.ran.append(function)
        if function == "reconcile":
            raise RuntimeError("no storage")

    schedules = Schedules(
        [Schedule("reconcile", "rate(1 hour)"), Schedule("other", "rate(1 hour)")],
        fail_first,
        lambda: False,
        harness.path,
    )
    schedules.catch_up(NOON)
    schedules.catch_up(NOON + timedelta(hours=1))
    assert harness.ran == ["reconcile", "other"]
    assert "no storage" in capsys.readouterr().err
