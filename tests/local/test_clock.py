from datetime import UTC, datetime, timedelta

import pytest

from local.clock import LocalClock

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clock.json"


def test_it_tells_real_time_until_it_is_set(path):
    clock = LocalClock(path)
    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=5)
    assert not clock.stands_still


def test_it_stands_still_where_it_was_set_and_may_go_back(path):
    clock = LocalClock(path)
    clock.set(MARCH)
    assert clock() == MARCH
    assert clock() == MARCH
    clock.set(MARCH - timedelta(days=400))
    assert clock() == MARCH - timedelta(days=400)


def test_it_stands_still_over_a_restart(path):
    LocalClock(path).set(MARCH)
    restarted = LocalClock(path)
    assert restarted.stands_still
    assert restarted() == MARCH


def test_real_time_comes_back_and_stays_over_a_restart(path):
    LocalClock(path).set(MARCH)
    LocalClock(path).set(None)
    assert not LocalClock(path).stands_still
