"""Requests are counted in each process, and together where somebody sends many."""

from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.limit import WINDOW_S, Limit
from chalicelib.storage import table
from chalicelib.storage.meters import Meters

LIMIT = Limit("test", 10)
START = 1_000_000.0


class Time:
    def __init__(self) -> None:
        self.now_s = START

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


def sent(meters: Meters, count: int, subject: str = "somebody") -> int:
    """How many of so many requests go through."""
    return sum(meters.take(LIMIT, subject) is None for _ in range(count))


def test_a_flood_ends_at_the_limit_and_begins_anew_with_the_next_window(stage: Any, time: Time) -> None:
    meters = Meters(stage.settings, time)
    assert LIMIT.most <= sent(meters, 1000) <= LIMIT.most + LIMIT.share
    assert sent(meters, 1, "somebody-else") == 1
    time.now_s += WINDOW_S
    assert sent(meters, 1) == 1


def test_who_is_refused_learns_when_to_come_again(stage: Any, time: Time) -> None:
    time.now_s += 7.5
    meters = Meters(stage.settings, time)
    sent(meters, 1000)
    wait_s = meters.take(LIMIT, "somebody")
    assert wait_s == 3
    time.now_s += wait_s
    assert meters.take(LIMIT, "somebody") is None


def test_processes_count_together(stage: Any, time: Time) -> None:
    processes = [Meters(stage.settings, time) for _ in range(4)]
    through = sum(sent(meters, 1) for _ in range(250) for meters in processes)
    assert LIMIT.most <= through <= LIMIT.most + 2 * LIMIT.share * len(processes)


def test_a_few_requests_cost_nothing_and_a_flood_a_write_a_share(
    stage: Any, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real = table.call

    def counted(operation: str, **arguments: Any) -> Any:
        calls.append(operation)
        return real(operation, **arguments)

    monkeypatch.setattr(table, "call", counted)
    meters = Meters(stage.settings, time)
    sent(meters, LIMIT.share)
    assert calls == []
    sent(meters, 10_000)
    assert len(calls) <= LIMIT.most // LIMIT.share + 1


def test_without_storage_a_process_says_that_it_cannot_tell(
    stage: Any, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_operation: str, **_arguments: Any) -> Any:
        raise Unavailable("storage_unavailable", "away")

    monkeypatch.setattr(table, "call", away)
    meters = Meters(stage.settings, time)
    sent(meters, LIMIT.share)
    with pytest.raises(Unavailable):
        meters.take(LIMIT, "somebody")
