"""What EventBridge does: run the scheduled functions, by the system's clock alone.

While the stack's clock stands still no schedule comes due. What came due while the stack was stopped runs
once at the next start, however often it was missed.
"""

import json
import re
import threading
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.functions import Schedule

_MINUTE = timedelta(minutes=1)
_LONGEST_ABSENCE = timedelta(days=40)
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNIT_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


def is_due(expression: str, minute: datetime) -> bool:
    """Whether `rate(...)` or `cron(...)` comes due in this minute (UTC, no seconds).

    Raises:
        ValueError: names of days or months and `L`, `W`, `#` are not known here.
    """
    rate = _RATE.fullmatch(expression)
    if rate:
        return int(minute.timestamp()) // 60 % (int(rate[1]) * _UNIT_MINUTES[rate[2]]) == 0
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != 6:
        raise ValueError(f"{expression} is no schedule")
    weekday = minute.isoweekday() % 7 + 1
    values = (minute.minute, minute.hour, minute.day, minute.month, weekday, minute.year)
    return all(_holds(field, value) for field, value in zip(fields, values, strict=True))


def _holds(field: str, value: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in {"*", "?"}:
            low, high = 0, 9999
        else:
            low = int(first)
            high = int(last) if last else (9999 if step else low)
        if low <= value <= high and (value - low) % int(step or 1) == 0:
            return True
    return False


class Schedules:
    """Runs each function once in every minute in which its schedule comes due."""

    def __init__(
        self,
        schedules: Sequence[Schedule],
        run: Callable[[str], object],
        paused: Callable[[], bool],
        path: Path,
    ) -> None:
        self._schedules = schedules
        self._run = run
        self._paused = paused
        self._path = path
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="schedules", daemon=True)

    def start(self) -> None:
        """Begin, with what was missed."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a run that is under way."""
        self._stopping.set()
        self._thread.join()

    def catch_up(self, now: datetime) -> list[str]:
        """Run what came due since the last time, and remember this time; the functions that ran."""
        this = now.replace(second=0, microsecond=0)
        last = self._last() or this
        due = [one.function for one in self._schedules if _came_due(one.expression, last, this)]
        if not self._paused():
            for function in due:
                self._run_one(function)
        else:
            due = []
        # In two steps: a `kill -9` in between leaves the file as it was, never half of it.
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"through": this.isoformat()}))
        fresh.replace(self._path)
        return due

    def _last(self) -> datetime | None:
        if not self._path.exists():
            return None
        return datetime.fromisoformat(json.loads(self._path.read_text())["through"])

    def _run_one(self, function: str) -> None:
        try:
            self._run(function)
        except Exception:
            traceback.print_exc()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            now = datetime.now(UTC)
            self.catch_up(now)
            self._stopping.wait(60 - now.second + 0.1)


def _came_due(expression: str, after: datetime, through: datetime) -> bool:
    minute = max(after + _MINUTE, through - _LONGEST_ABSENCE)
    while minute <= through:
        if is_due(expression, minute):
            return True
        minute += _MINUTE
    return False
